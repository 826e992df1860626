"""What separates the columns of a CSV file: programs of some languages write semicolons."""


def delimiter_of(text: str) -> str:
    """Return the comma, semicolon or tab that the header line has most of; a comma where none."""
    header = text.partition("\n")[0]
    return max((",", ";", "\t"), key=header.count)
