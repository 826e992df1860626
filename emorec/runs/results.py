"""What a run found: the content of ``metrics.json``, which is written and read here alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from emorec.errors import UserError
from emorec.system.files import write_text

AGAIN = "delete it, and the same command of fit tests again and writes it"
Scores = Mapping[str, Any]
"""Of classes: ``clips``, each of :data:`~emorec.evaluation.measures.MEASURES`, ``recall`` and
``confusion``; of a continuous target: ``recordings``, ``ccc``, ``dimensions`` and more."""


@dataclass(frozen=True)
class Results:
    """The results of a run, and what they are of.

    Attributes:
        emorec: Version of the code.
        finished: Whether training went to its end.
        seed: Of weights and order.
        data: Class of the data module.
        labels: What is to be known of the labels; empty: nothing.
        split: Name of the split.
        split_seed: Its seed.
        fold: Which fold of a split that has them.
        folds: Of how many, or the name of a published list.
        speakers_shared: Whether test speakers are in training; None: not known.
        selected_on_test: Whether test clips chose the weights.
        clips: Part -> number of clips.
        labelled_training_clips: How many of them have a label in training.
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
        """The scores of all modalities together, or of the only one; something must be tested."""
        return self.test.get("fused") or next(iter(self.test.values()))

    def write(self, path: Path) -> None:
        """Write the file, whole."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file; keys that are not known are left out.

        Raises:
            UserError: It is damaged, or of a version of emorec that wrote other keys.
        """
        found = _tree(path)
        lacking = [field.name for field in fields(cls) if field.name not in found]
        if lacking:
            raise UserError(
                f"{path} lacks {', '.join(lacking)}: another version of emorec wrote it; "
                "emorec test writes it again"
            )
        return cls(**{field.name: found[field.name] for field in fields(cls)})


def is_finished(path: Path) -> bool:
    """Return whether there are results, of a run that went to its end.

    Raises:
        UserError: The file is damaged.
    """
    return path.is_file() and bool(_tree(path).get("finished"))


def _tree(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of UTF-8 or of JSON
        raise UserError(f"{path} is damaged: {error}; {AGAIN}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged: it holds no mapping; {AGAIN}")
    return found
