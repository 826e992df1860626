"""The records of ``emorec predict`` as a table: one row per file, or per person in a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.errors import UserError
from emorec.system.files import readable, write_bytes

if TYPE_CHECKING:
    import pandas as pd


def table_rows(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a table.

    Columns for classes: file, clip (its id, if it is from a manifest), person, label, p_CLASS,
    MODALITY_p_CLASS, warnings, error. For traces: file, clip, duration (seconds),
    DIMENSION_MEASURE, MODALITY_DIMENSION_MEASURE (mean, deviation, minimum and maximum), warnings,
    error.

    Args:
        records: The lines of ``predictions.jsonl``, all from one model.
    """
    traces = any("dimensions" in record for record in records)
    return [row for record in records for row in (_trace if traces else _persons)(record)]


def _trace(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    kinds = {"": record.get("dimensions", {})}
    kinds |= {f"{name}_": summary for name, summary in record.get("alone", {}).items()}
    return [
        {
            **_named(record),
            "duration": record.get("duration"),
            **{
                f"{prefix}{dimension}_{measure}": value
                for prefix, summary in kinds.items()
                for dimension, measures in summary.items()
                for measure, value in measures.items()
            },
            **_notes(record),
        }
    ]


def _persons(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    parts = record.get("persons", [record])
    return [
        {
            **_named(record),
            "person": "" if part.get("person") is None else str(part["person"]),
            "label": part.get("label", ""),
            **{f"p_{name}": value for name, value in part.get("probabilities", {}).items()},
            **{
                f"{modality}_p_{name}": value
                for modality, values in part.get("alone", {}).items()
                for name, value in values.items()
            },
            **_notes(record),
        }
        for part in parts
    ]


def _named(record: Mapping[str, Any]) -> dict[str, str]:
    return {name: readable(record[name]) for name in ("file", "clip") if name in record}


def _notes(record: Mapping[str, Any]) -> dict[str, str]:
    return {
        "warnings": "; ".join(record.get("warnings", [])),
        "error": record.get("error", ""),
    }


def write_parquet(table: "pd.DataFrame", path: Path) -> Path:
    """Write a table as Parquet, whole or not at all.

    Raises:
        UserError: pyarrow is not installed.
    """
    try:
        content = table.to_parquet(index=False)
    except ImportError as error:
        raise UserError('Parquet needs pyarrow: pip install "emorec[parquet]"') from error
    write_bytes(path, content)
    return path
