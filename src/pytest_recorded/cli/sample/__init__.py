"""The sample project that the demo copies: it is read as files, not imported."""
