"""A person's own files: a folder read by its names, or a table that says what each file is."""
