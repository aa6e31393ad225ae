"""How a detector holds up when videos are compressed, resized or disturbed, reals and fakes alike."""
