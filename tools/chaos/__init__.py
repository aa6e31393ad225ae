"""Fault injection: shows that no fault makes the main job lose work. See `python -m tools.chaos --help`."""
