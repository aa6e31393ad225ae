"""What a stage starts from, and whether a run can start at all."""
