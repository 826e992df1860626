"""An object as plain values: its class and its constructor's arguments."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any, Protocol


class HasArguments(Protocol):
    """An object that keeps its constructor's arguments."""

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments by name."""


def described(thing: HasArguments) -> dict[str, Any]:
    """Return ``class_path`` and ``init_args`` of an object as in configs, JSON-ready."""
    cls = type(thing)
    arguments = json.loads(json.dumps(thing.arguments(), default=_plain))
    return {"class_path": f"{cls.__module__}.{cls.__qualname__}", "init_args": arguments}


def _plain(value: Any) -> Any:
    if hasattr(value, "arguments"):
        return described(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
