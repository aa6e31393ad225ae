"""What jobs over many files have: results that are kept, progress, archives, work on many machines."""
