"""What a stage measured: one line of JSON a figure, written at once, so that a stop loses none."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Attributes:
        what: What was measured, in words.
        value: The number; None where there is none, and ``note`` says why.
        unit: Of the number.
        note: What belongs to it: the other side of a comparison, a reason.
    """

    what: str
    value: float | None
    unit: str = ""
    note: str = ""


class Figures:
    """The figures of one stage, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, what: str, value: float | None, unit: str = "", note: str = "") -> None:
        """Append a figure to the file and print it."""
        figure = Figure(what, value, unit, note)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(figure)) + "\n")
        print(*row(figure), sep="  ", flush=True)


def read_figures(path: Path) -> list[Figure]:
    """Return what a stage has written so far; nothing where it wrote nothing."""
    if not path.exists():
        return []
    # The last line of a stage that was killed may be cut off.
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [Figure(**json.loads(line)) for line in lines]


def row(figure: Figure) -> list[str]:
    """Return the cells of a table's row: four digits are all that a measurement is worth."""
    value = "not measured" if figure.value is None else f"{figure.value:.4g}"
    return [figure.what, value, figure.unit, figure.note]


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table in Markdown."""
    rows = [[" ".join(cell.split()).replace("|", "/") for cell in row(each)] for each in figures]
    cells = pd.DataFrame(rows, columns=["what", "value", "unit", "note"])
    return str(cells.to_markdown(index=False, disable_numparse=True))
