"""Results and metrics: votes on clips and traces of recordings."""
