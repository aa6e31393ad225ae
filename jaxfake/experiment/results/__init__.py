"""What a stage is evaluated on, and the results of each stage and of the baselines beside it."""
