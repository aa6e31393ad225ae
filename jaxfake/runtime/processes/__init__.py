"""How a process of ours starts, is watched, and leaves none behind."""
