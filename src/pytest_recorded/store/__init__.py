"""Where rows live. All SQL of the package is in here."""
