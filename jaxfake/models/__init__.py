"""The networks, the masks they work with, and the four methods made of them."""
