"""The local page: people drop a file in a browser and read what the detector says of it."""
