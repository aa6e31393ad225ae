"""Metrics as functions of arrays: NumPy and SciPy alone."""
