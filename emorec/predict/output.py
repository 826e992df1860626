"""The output of ``emorec predict``: one line per file as soon as it is done, then tables."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from emorec.errors import UserError
from emorec.predict.inputs import Input
from emorec.predict.tables import table_rows, write_parquet
from emorec.system.files import check_writable, write_text


class Output:
    """The folder of predictions; repeating a command resumes it.

    ``predictions.jsonl`` has one line per file, or per clip of a manifest, written when it is done.
    A line that a kill truncated is dropped. Files that changed since, or failed, are done again.

    Args:
        folder: The folder; created if missing.
        made_by: What determines a prediction: the model and the options.
        overwrite: Discard existing predictions.

    Attributes:
        depends: What else the prediction of an input depends on, as plain values: if that changes,
            it is done again.

    Raises:
        UserError: It is not a folder, or holds predictions of another model or other options.
    """

    def __init__(
        self, folder: Path, made_by: Mapping[str, Any], *, overwrite: bool = False
    ) -> None:
        self.folder, self.made_by = folder, dict(made_by)
        self.file = folder / "predictions.jsonl"
        check_writable(folder, "--out")
        folder.mkdir(parents=True, exist_ok=True)
        self.depends: Callable[[Input], list[Any]] = lambda _: []
        self.records: dict[tuple[str, ...], dict[str, Any]] = {}
        if self.file.is_file() and not overwrite:
            self.records = self._read()
        self._rewrite()

    def _read(self) -> dict[tuple[str, ...], dict[str, Any]]:
        records: dict[tuple[str, ...], dict[str, Any]] = {}
        for line in self.file.read_text(encoding="utf-8").split("\n"):
            try:
                record = json.loads(line)
            except json.JSONDecodeError:  # truncated by a kill
                continue
            if record.get("made_by") != self.made_by:
                raise UserError(
                    f"{self.file} was made by another model or with other options; name another "
                    "folder with --out, or start over with --overwrite"
                )
            records[tuple(record[name] for name in ("file", "clip") if name in record)] = record
        return records

    def _rewrite(self) -> None:
        lines = [json.dumps(record, ensure_ascii=False) for record in self.records.values()]
        write_text(self.file, "".join(f"{line}\n" for line in lines))

    def done(self, one: Input) -> dict[str, Any] | None:
        """Return the record of an input that is done and has not changed since, else None."""
        record = self.records.get(tuple(one.key.values()))
        if record is None or "error" in record or record["state"] != self._state(one):
            return None
        # Pictures and tables are written before the line but may have been deleted since.
        complete = all((self.folder / name).is_file() for name in record.get("files", []))
        return record if complete else None

    def add(self, one: Input, record: Mapping[str, Any]) -> None:
        """Write the line for a file or clip."""
        whole = {**one.key, **record, "state": self._state(one), "made_by": self.made_by}
        key = tuple(one.key.values())
        replaces = key in self.records
        self.records[key] = whole
        if replaces:
            self._rewrite()
            return
        # Escaped as in write_text.
        with self.file.open("a", encoding="utf-8", errors="backslashreplace") as lines:
            lines.write(json.dumps(whole, ensure_ascii=False) + "\n")

    def _state(self, one: Input) -> list[Any]:
        return [*state_of(one), *self.depends(one)]

    def name_for(self, one: Input, ending: str) -> str:
        """Return a name for an output file of an input that no other input uses."""
        taken = {
            name
            for other, record in self.records.items()
            if other != tuple(one.key.values())
            for name in record.get("files", [])
        }
        name, number = f"{one.stem}{ending}", 1
        while name in taken:
            number += 1
            name = f"{one.stem}_{number}{ending}"
        return name

    def tables(self, formats: list[str]) -> list[Path]:
        """Write ``predictions.csv`` and ``predictions.parquet`` as requested; return the paths.

        For the columns see :func:`~emorec.predict.tables.table_rows`.
        """
        written: list[Path] = []
        if not {"csv", "parquet"} & set(formats):
            return written
        import pandas as pd  # lazy: the import takes half a second and is rarely needed

        table = pd.DataFrame(table_rows(list(self.records.values())))
        if "csv" in formats:
            write_text(self.folder / "predictions.csv", table.to_csv(index=False))
            written.append(self.folder / "predictions.csv")
        if "parquet" in formats:
            written.append(write_parquet(table, self.folder / "predictions.parquet"))
        return written


def state_of(one: Input) -> list[Any]:
    """Return size and modification time of the files, and the clip's span and text."""
    sidecars = dict(sorted(one.clip.sidecars.items())) if one.clip else {}
    state: list[Any] = _stat(one.file)
    state += [[name, str(file), *_stat(file)] for name, file in sidecars.items()]
    return [*state, list(one.clip.span or ()), one.clip.text] if one.clip else state


def _stat(file: Path) -> list[int]:
    """Return size (bytes) and modification time (ns) of a file; empty if it is missing."""
    try:
        stat = file.stat()
    except OSError:
        return []
    return [stat.st_size, stat.st_mtime_ns]
