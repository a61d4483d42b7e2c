"""Measurements against the peers, all of them in one run: `python -m benchmarks`."""
