"""A search for options, on validation clips."""
