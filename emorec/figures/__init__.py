"""Figures: curves, confusion, reliability, traces."""
