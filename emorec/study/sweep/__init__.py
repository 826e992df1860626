"""Search for options, judged on validation clips."""
