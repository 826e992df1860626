"""Names that are near one that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def near(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ``did you mean a or b?``, with at most three of the known names; empty: none is near.

    Args:
        name: What was given.
        known: The names that there are.
        cutoff: Likeness from which a name is near, 0 to 1.
    """
    found = get_close_matches(name, list(dict.fromkeys(known)), n=3, cutoff=cutoff)
    return f"did you mean {' or '.join(found)}?" if found else ""
