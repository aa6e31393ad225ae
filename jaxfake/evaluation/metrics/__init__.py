"""Metrics as functions of arrays; only NumPy and SciPy are used."""
