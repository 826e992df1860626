"""A hook of mkdocs: formulas as MathML, which browsers draw without a script."""

import re
from typing import Any

from latex2mathml.converter import convert

# Code is left as it is.
PART = re.compile(r"(```.*?```|`[^`\n]+`)|\$\$(.+?)\$\$|(?<![\w$])\$([^$\n]+)\$", re.DOTALL)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with its formulas between one or two dollar signs as MathML."""
    return PART.sub(_shown, markdown)


def _shown(found: re.Match[str]) -> str:
    code, block, inline = found.groups()
    if code:
        return str(code)
    return str(convert((block or inline).strip(), display="block" if block else "inline"))
