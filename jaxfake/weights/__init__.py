"""Weights of other codebases: tables of names, import from safetensors files."""
