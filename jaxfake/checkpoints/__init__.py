"""What a run saves to go on from: arrays through Orbax, and metadata that says what they are."""
