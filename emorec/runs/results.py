"""The results of a run: the content of ``metrics.json``, which only this module handles."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from emorec.errors import UserError
from emorec.system.files import write_text

AGAIN = "delete it, and the same fit command tests again and rewrites it"
Scores = Mapping[str, Any]
"""For classes: ``clips``, each of :data:`~emorec.evaluation.measures.MEASURES`, ``recall`` and
``confusion``; for a continuous target: ``recordings``, ``ccc``, ``dimensions`` and more."""


@dataclass(frozen=True)
class Results:
    """The results of a run and the conditions they were obtained under.

    Attributes:
        emorec: Version of the code.
        finished: Whether training completed.
        seed: Seed of the weights and the order of the data.
        data: Class of the data module.
        labels: A note on the labels; may be empty.
        split: Name of the split.
        split_seed: Its seed.
        fold: The fold, if the split has folds.
        folds: The number of folds, or the name of a published list.
        within: What inputs were normalised within: ``corpus`` or ``speaker``.
        speakers_shared: Whether test speakers are in training; None: not known.
        selected_on_test: Whether the weights were selected on test clips.
        clips: Part -> number of clips; ``generated`` -> number of generated training segments, if
            there are any.
        labelled_training_clips: Number of training clips that are used with their label.
        classes: Target -> names of classes or dimensions.
        test: ``fused``, or a modality alone -> its scores.
        missing: Case -> rate -> scores of the fused output without a modality.
        stages: Stage -> ``monitor``, ``score``, ``best_epoch``.
    """

    emorec: str
    finished: bool
    seed: int
    data: str
    labels: str
    split: str
    split_seed: int
    fold: int | None
    folds: int | str | None
    within: str
    speakers_shared: bool | None
    selected_on_test: bool
    clips: Mapping[str, int]
    labelled_training_clips: int
    classes: Mapping[str, Sequence[str]]
    test: Mapping[str, Scores]
    missing: Mapping[str, Mapping[str, Scores]]
    stages: Mapping[str, Mapping[str, Any]]

    @property
    def main(self) -> Scores:
        """The scores of all modalities together, or of the only one; ``test`` must not be empty."""
        return self.test.get("fused") or next(iter(self.test.values()))

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file, ignoring unknown keys.

        Raises:
            UserError: It is damaged, or a version of emorec with other keys wrote it.
        """
        found = _tree(path)
        lacking = [field.name for field in fields(cls) if field.name not in found]
        if lacking:
            raise UserError(
                f"{path} lacks {', '.join(lacking)}: another version of emorec wrote it; "
                "emorec test rewrites it"
            )
        return cls(**{field.name: found[field.name] for field in fields(cls)})


def is_finished(path: Path) -> bool:
    """Return whether the file exists and belongs to a run that completed.

    Raises:
        UserError: The file is damaged.
    """
    return path.is_file() and bool(_tree(path).get("finished"))


def _tree(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # invalid UTF-8 or JSON
        raise UserError(f"{path} is damaged: {error}; {AGAIN}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged: it holds no mapping; {AGAIN}")
    return found
