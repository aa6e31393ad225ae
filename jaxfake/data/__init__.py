"""Prepared datasets on disk, and the Grain chain from them to training batches."""
