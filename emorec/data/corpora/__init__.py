"""Published corpora, and generated ones."""
