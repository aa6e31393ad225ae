"""A detector ready to score, from a run or a folder that others can use; its card."""
