"""What separates the columns of a CSV file: programs of some languages write semicolons."""

import re


def split_header(text: str) -> tuple[str, str]:
    """Return what separates the columns of a CSV file, and its text without Excel's hint.

    The hint is a first line such as ``sep=;``. Without it, it is the comma, semicolon or tab that
    the header line has most of; a comma where none.
    """
    hint = re.match(r"\ufeff?\"?sep=(.)\"?[ \t]*\r?\n", text, re.IGNORECASE)
    if hint:
        return hint[1], text[hint.end() :]
    header = text.partition("\n")[0]
    return max((",", ";", "\t"), key=header.count), text
