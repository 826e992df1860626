"""Published lists of folds, by name or from a file."""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from emorec.data.splits.parts import SplitError


def published_folds(name: str) -> dict[str, list[list[str]]]:
    """Return ``test`` and ``validation``: the speakers of each fold of a published or own list.

    Args:
        name: A key of ``published_folds.yaml`` beside this file (its sources are named there), or
            a YAML file of the same form as one of its entries.

    Raises:
        SplitError: The list does not exist or is malformed, or its speakers overlap.
    """
    text = resources.files("emorec.data.splits").joinpath("published_folds.yaml").read_text("utf-8")
    known: dict[str, Any] = yaml.safe_load(text)
    path = Path(name).expanduser()
    if name not in known and not path.is_file():
        raise SplitError(
            f"folds is {name!r}; expected a number, 'speakers', a published list "
            f"({', '.join(known)}) or a YAML file with the lists test and validation"
        )
    found = known[name] if name in known else yaml.safe_load(path.read_text(encoding="utf-8"))
    kinds = ("test", "validation")
    lists: dict[str, Any] = (
        {key: found.get(key) for key in kinds} if isinstance(found, dict) else {}
    )
    sizes = {len(each) if isinstance(each, list) else 0 for each in lists.values()}
    if len(sizes) != 1 or 0 in sizes:
        raise SplitError(
            f"{name}: expected test and validation, each with a list of speakers per fold"
        )
    tested = [speaker for fold in lists["test"] for speaker in fold]
    if len(set(tested)) < len(tested):
        raise SplitError(f"{name}: a speaker is tested in several folds")
    for test, validation in zip(lists["test"], lists["validation"], strict=True):
        if set(test) & set(validation):
            raise SplitError(f"{name}: {sorted(set(test) & set(validation))[0]} is in two parts")
    return {key: [[str(name) for name in fold] for fold in each] for key, each in lists.items()}
