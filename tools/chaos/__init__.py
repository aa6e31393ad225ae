"""Storms over the main job, to see that it cannot be lost. `python -m tools.chaos --help`"""
