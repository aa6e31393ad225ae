"""Processes with limits, in which everything happens that reads more of a file than its first bytes."""
