"""Explanations of predictions: the pixels and bands, windows and modalities that count."""

from emorec.explain.attribution import Explanation, explain
from emorec.explain.page import write_page

__all__ = ["Explanation", "explain", "write_page"]
