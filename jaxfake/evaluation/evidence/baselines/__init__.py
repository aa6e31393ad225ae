"""What a detector must beat: the recovery error alone, and linear probes on frozen features."""
