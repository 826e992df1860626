"""Files, worker processes, progress and version: what the rest stands on."""
