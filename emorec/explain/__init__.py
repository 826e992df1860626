"""What a prediction rests on: which pixels and bands, which windows, which modality."""

from emorec.explain.attribution import Explanation, explain
from emorec.explain.page import write_page

__all__ = ["Explanation", "explain", "write_page"]
