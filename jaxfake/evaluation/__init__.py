"""Scores of faces and videos, all numbers computed from them, and the files they are written to."""
