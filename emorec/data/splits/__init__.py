"""Splits into training, validation and test, and what their parts must not share."""
