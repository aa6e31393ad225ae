"""A run's folder in an object store, such as s3://bucket/runs/mover: uploads, downloads and checks."""
