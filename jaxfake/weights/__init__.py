"""Weights of other projects by name: import from safetensors files."""
