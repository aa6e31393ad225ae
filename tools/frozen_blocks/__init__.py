"""What the frozen blocks of a foundation model tell of fakes, and from which training faces."""
