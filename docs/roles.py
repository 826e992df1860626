"""Docstrings as Markdown: roles become code, formulas MathML, and ``<`` stays a sign."""

import re
from typing import Any

from griffe import Extension, Object
from latex2mathml.converter import convert

# Code and doctests are left as they are.
PART = re.compile(r":\w+:`(~?)([^`]+)`|(``?[^`]+``?|^ *>>>.*$)|<", re.MULTILINE)


MATH = re.compile(r"^ *\.\. math::(.*?)(?=^\s*$|\Z)", re.MULTILINE | re.DOTALL)


class Roles(Extension):
    """Rewrites docstrings as they are loaded."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of an object."""
        if obj.docstring:
            text = PART.sub(_shown, obj.docstring.value)
            obj.docstring.value = MATH.sub(_formula, text)


def _shown(found: re.Match[str]) -> str:
    short, name, code = found.groups()
    if name:
        return f"`{name.rpartition('.')[2] if short else name}`"
    return code or "&lt;"


def _formula(found: re.Match[str]) -> str:
    return str(convert(" ".join(found[1].split()), display="block")) + "\n"
