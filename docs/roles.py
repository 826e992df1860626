"""Docstrings as Markdown: roles of reStructuredText become code, and ``<`` stays a sign."""

import re
from typing import Any

from griffe import Extension, Object

# Code and doctests are left as they are.
PART = re.compile(r":\w+:`(~?)([^`]+)`|(``?[^`]+``?|^ *>>>.*$)|<", re.MULTILINE)


class Roles(Extension):
    """Rewrites docstrings as they are loaded."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = PART.sub(_shown, obj.docstring.value)


def _shown(found: re.Match[str]) -> str:
    short, name, code = found.groups()
    if name:
        return f"`{name.rpartition('.')[2] if short else name}`"
    return code or "&lt;"
