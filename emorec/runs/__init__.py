"""A run on disk: its directory, checkpoints, report and dashboard."""
