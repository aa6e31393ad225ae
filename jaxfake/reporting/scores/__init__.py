"""What the report says of scores that were stored: by dataset, across datasets, compared and calibrated."""
