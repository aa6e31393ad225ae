"""Uploaded files, from their arrival to their result: on disk, in the queue, and being scored."""
