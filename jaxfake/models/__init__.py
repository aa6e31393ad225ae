"""The four methods, and what they are made of: networks, masks, losses, random numbers."""
