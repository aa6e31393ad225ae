"""What the report says of how a stage was trained: its curves, and where the time went."""
