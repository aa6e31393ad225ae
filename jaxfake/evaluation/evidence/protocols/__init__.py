"""Protocols of evaluation as data: a TOML file each, with a name, a version and a digest."""
