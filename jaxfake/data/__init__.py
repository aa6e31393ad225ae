"""Face crops: datasets on disk, their preparation, and the Grain pipeline from them to training batches."""
