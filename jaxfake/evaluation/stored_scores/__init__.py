"""Scores in CSV files, of jaxfake or of another tool: read, joined and exported without a model."""
