"""The memory planner: what is recomputed, what lies in the host's memory, and in how many parts a batch is taken."""
