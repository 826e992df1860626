"""Pictures: curves, confusion, reliability, traces."""
