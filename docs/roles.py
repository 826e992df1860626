"""Shows the roles of reStructuredText in docstrings as code: ``:class:`~a.B``` as ``B``."""

import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":\w+:`(~?)([^`]+)`")


class Roles(Extension):
    """Rewrites docstrings as they are loaded."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Replace the roles in the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = ROLE.sub(_shown, obj.docstring.value)


def _shown(found: re.Match[str]) -> str:
    name = found[2].rpartition(".")[2] if found[1] else found[2]
    return f"`{name}`"
