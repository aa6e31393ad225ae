"""Everything about results that is a sentence or a picture: the report, and the summary on the terminal."""
