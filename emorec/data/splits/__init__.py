"""Which clip is for training, validation or testing, and what may not be on both sides."""
