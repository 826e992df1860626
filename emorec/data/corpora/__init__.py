"""Published and generated corpora."""
