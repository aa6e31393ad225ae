"""A run's folder mirrored to an object store, such as s3://bucket/runs/mover, and steps from it."""
