"""The registry: subclasses exported by our subpackages and by installed plug-ins."""

import inspect
import sys
import warnings
from collections.abc import Collection, Iterator
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from emorec.system.near import near

GROUP = "emorec.plugins"
# Kind -> its base class, and the subpackage that exports our subclasses.
KINDS = {
    "data set": "emorec.data:EmotionDataModule",
    "windows": "emorec.windows:Windows",
    "extractor": "emorec.extractors:Extractor",
    "augmentation": "emorec.augment:Augmentation",
    "encoder": "emorec.encoders:Encoder",
    "label encoder": "emorec.encoders:LabelEncoder",
    "fusion": "emorec.fusion:Fusion",
    "objective": "emorec.objectives:Objective",
    "task": "emorec.tasks:EmotionTask",
    "schedule": "emorec.tasks:Schedule",
}


def load_plugins(kinds: Collection[str] = KINDS) -> None:
    """Import our classes and the modules of the entry-point group ``emorec.plugins``.

    A plug-in that fails to import is skipped with a warning that names its package.

    Args:
        kinds: Kinds of our classes to import; all of :data:`KINDS` by default.
    """
    for kind in kinds:
        import_module(KINDS[kind].partition(":")[0])
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except Exception as error:  # a broken package must not break emorec
            package = entry.dist.name if entry.dist else entry.value
            warnings.warn(
                f"plug-in {entry.name} of package {package} is skipped: "
                f"{type(error).__name__}: {error}",
                stacklevel=2,
            )


def registered(kind: str) -> list[type]:
    """Return the concrete classes of a kind, sorted by name, without those in private modules."""
    module, _, name = KINDS[kind].partition(":")
    base: type = getattr(import_module(module), name)
    found = {
        cls
        for cls in _subclasses(base)
        if not inspect.isabstract(cls)
        and not any(part.startswith("_") for part in cls.__module__.split("."))
    }
    return sorted(found, key=lambda cls: cls.__name__)


def _subclasses(base: type) -> Iterator[type]:
    found: list[type] = base.__subclasses__()
    for cls in found:
        yield cls
        yield from _subclasses(cls)


def foreign(tree: Any, kinds: Collection[str] = KINDS) -> list[str]:
    """Return what the options of a saved model would import beyond registered classes.

    Registered are our classes, those of installed plug-ins, and those defined in this process.
    Instantiating anything else runs code that the saved file chose.

    Args:
        tree: Options as stored in a checkpoint: dicts, lists and plain values.
        kinds: Kinds of classes that the options may name.

    Returns:
        Dotted names, sorted.
    """
    known: set[str] = set()
    for kind in kinds:
        for cls in registered(kind):
            known |= {f"{cls.__module__}.{cls.__name__}"} | _exported(cls)
    return sorted(_names(tree) - known)


def _names(tree: Any) -> set[str]:
    """Return the strings that would be imported: everything that looks like a class path."""
    if isinstance(tree, dict):
        return {name for value in tree.values() for name in _names(value)}
    if isinstance(tree, (list, tuple)):
        return {name for value in tree for name in _names(value)}
    if not isinstance(tree, str) or not all(part.isidentifier() for part in tree.split(".")):
        return set()
    head, dot, _ = tree.partition(".")
    # A file name such as resnet50.pth looks like one too, but no such module exists.
    return {tree} if dot and find_spec(head) is not None else set()


def _exported(cls: type) -> set[str]:
    """Return the shorter paths under which parent packages export a class."""
    parts = cls.__module__.split(".")
    above = (".".join(parts[:n]) for n in range(1, len(parts)))
    return {
        f"{module}.{cls.__name__}"
        for module in above
        if getattr(sys.modules.get(module), cls.__name__, None) is cls
    }


def suggest(name: str) -> str:
    """Return an error message for an unregistered class name, with the closest matches."""
    known = sorted({cls.__name__ for kind in KINDS for cls in registered(kind)})
    said = f"no class named {name!r} is registered"
    return "; ".join(filter(None, (said, near(name, known, 0.4), "emorec plugins lists them all")))
