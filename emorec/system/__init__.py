"""Files, worker processes, progress bars and version: what the rest builds on."""
