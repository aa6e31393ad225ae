"""Scores of faces and videos, and every number computed from them. No sentence is written here."""
