"""What ``emorec predict`` writes: a line a file as soon as it is done, and tables at the end."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emorec.errors import UserError
from emorec.files import write_text
from emorec.predict.tables import table_rows, write_parquet


class Output:
    """The folder of predictions; the same command again goes on where it was.

    ``predictions.jsonl`` has a line a file, written when the file is done. A line that a kill cut
    short is dropped. A file that has changed since, or that failed, is done again.

    Args:
        folder: The folder; made if it is missing.
        made_by: What decides a prediction: the model, and the options.
        overwrite: Forget what is there.

    Raises:
        UserError: The folder has predictions that were made by something else.
    """

    def __init__(
        self, folder: Path, made_by: Mapping[str, Any], *, overwrite: bool = False
    ) -> None:
        self.folder, self.made_by = folder, dict(made_by)
        self.file = folder / "predictions.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self.records: dict[str, dict[str, Any]] = {}
        if self.file.is_file() and not overwrite:
            self.records = self._read()
        self._rewrite()

    def _read(self) -> dict[str, dict[str, Any]]:
        records = {}
        for line in self.file.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:  # cut short by a kill
                continue
            if record.get("made_by") != self.made_by:
                raise UserError(
                    f"{self.file} was made by another model or with other options; name another "
                    "folder with --out, or start anew with --overwrite"
                )
            records[record["file"]] = record
        return records

    def _rewrite(self) -> None:
        lines = [json.dumps(record, ensure_ascii=False) for record in self.records.values()]
        write_text(self.file, "".join(f"{line}\n" for line in lines))

    def done(self, file: Path) -> dict[str, Any] | None:
        """Return the record of a file that was done and has not changed since."""
        record = self.records.get(str(file))
        if record is None or "error" in record or record["state"] != _state(file):
            return None
        # Pictures and tables are written before the line, and may have been deleted since.
        there = all((self.folder / name).is_file() for name in record.get("files", []))
        return record if there else None

    def add(self, file: Path, record: Mapping[str, Any]) -> None:
        """Write the line of a file."""
        whole = {"file": str(file), **record, "state": _state(file), "made_by": self.made_by}
        known = str(file) in self.records
        self.records[str(file)] = whole
        if known:  # done again
            self._rewrite()
            return
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(whole, ensure_ascii=False) + "\n")

    def name_for(self, file: Path, ending: str) -> str:
        """Return a name for a further file of a media file that no other one has."""
        taken = {
            name
            for other, record in self.records.items()
            if other != str(file)
            for name in record.get("files", [])
        }
        name, number = f"{file.stem}{ending}", 1
        while name in taken:
            number += 1
            name = f"{file.stem}_{number}{ending}"
        return name

    def tables(self, formats: list[str]) -> list[Path]:
        """Write ``predictions.csv`` and ``predictions.parquet`` where asked; return the paths.

        For the columns see :func:`~emorec.predict.tables.table_rows`.
        """
        written: list[Path] = []
        if not {"csv", "parquet"} & set(formats):
            return written
        import pandas as pd  # late: it takes half a second, and is rarely needed

        table = pd.DataFrame(table_rows(list(self.records.values())))
        if "csv" in formats:
            write_text(self.folder / "predictions.csv", table.to_csv(index=False))
            written.append(self.folder / "predictions.csv")
        if "parquet" in formats:
            written.append(write_parquet(table, self.folder / "predictions.parquet"))
        return written


def _state(file: Path) -> list[int]:
    """Return size and time of change of a file; nothing where it is missing."""
    try:
        stat = file.stat()
    except OSError:
        return []
    return [stat.st_size, stat.st_mtime_ns]
