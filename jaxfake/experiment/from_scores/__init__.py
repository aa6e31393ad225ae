"""Evaluations that need no model, because the scores are in files."""
