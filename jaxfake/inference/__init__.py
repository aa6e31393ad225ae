"""Asking a trained detector about a person's own files: scores, a verdict in words of evidence, a page."""
