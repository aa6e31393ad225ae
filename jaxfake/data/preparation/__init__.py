"""From a user's own copy of a dataset to face crops in a TFDS dataset."""
