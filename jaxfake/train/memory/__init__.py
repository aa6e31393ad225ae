"""The memory planner: what is recomputed, what lies on the host, how a batch is cut."""
