"""Audio-visual emotion recognition with common information (HGR maximal correlation)."""

__version__ = "0.1.0"
