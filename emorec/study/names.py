"""The name of a cell: readable, and another one for other options."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from emorec.cache.entry import digest_file
from emorec.study.config import FILES, Options

LONGEST = 1000  # characters of an option that can be a path


def content_of(options: Options) -> str:
    """Return all that decides a run's result, as text.

    Files (configs, manifests, lists of folds) count by their content: a changed one gives new
    cells, a moved one does not. What a data set's folder holds does not count.
    """
    whole = dict(options)
    for key in FILES:
        path = Path(options[key])
        whole[key] = _tree(path, path.stat().st_mtime_ns) if path.is_file() else str(path)
    return json.dumps(_with_files(whole), sort_keys=True, default=str)


def _with_files(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _with_files(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_with_files(value) for value in tree]
    if isinstance(tree, str) and len(tree) < LONGEST and Path(tree).is_file():
        path = Path(tree)
        return _digest(path, path.stat().st_mtime_ns)
    return tree


@cache  # each cell asks for the same files
def _tree(path: Path, changed: int) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


@cache
def _digest(path: Path, changed: int) -> str:
    return digest_file(path)


def name_of(grid: str, label: str, run: str, content: str, names: dict[str, str]) -> str:
    """Return a name that a folder can have; a digest keeps other options apart.

    The same content gets the name that it first had, which is kept in ``names``.
    """
    readable = re.sub(r"[^A-Za-z0-9.+_-]+", "_", f"{grid}-{label}-{run}")
    name = f"{readable}-{hashlib.blake2b(content.encode(), digest_size=4).hexdigest()}"
    return names.setdefault(content, name)
