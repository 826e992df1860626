"""The delimiter of a CSV file: in some locales, programs write semicolons."""

import re


def split_header(text: str) -> tuple[str, str]:
    """Return the delimiter of a CSV file, and its text without Excel's hint.

    The hint is a first line such as ``sep=;``. Without it, the delimiter is whichever of comma,
    semicolon and tab is most frequent in the header line; a comma if there is none.
    """
    hint = re.match(r"\ufeff?\"?sep=(.)\"?[ \t]*\r?\n", text, re.IGNORECASE)
    if hint:
        return hint[1], text[hint.end() :]
    header = text.partition("\n")[0]
    return max((",", ";", "\t"), key=header.count), text
