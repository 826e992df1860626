"""What is registered: the subclasses that our subpackages and installed plug-ins export."""

import inspect
import sys
import warnings
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

GROUP = "emorec.plugins"
# Kind -> the base class that defines it, and the subpackage that exports ours.
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

    A plug-in that fails to import is reported with its package and left out.

    Args:
        kinds: Those of our classes that are needed; all of :data:`KINDS` where nothing is said.
    """
    for kind in kinds:
        import_module(KINDS[kind].partition(":")[0])
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except Exception as error:  # a broken package must not take the tool down
            package = entry.dist.name if entry.dist else entry.value
            warnings.warn(
                f"plug-in {entry.name} of package {package} is left out: "
                f"{type(error).__name__}: {error}",
                stacklevel=2,
            )


def registered(kind: str) -> list[type]:
    """Return the concrete classes of a kind, by name; those in private modules do not count."""
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
    """Return what the options of a saved model would import that is not known here.

    Known are the registered classes: ours, those of installed plug-ins, and those that this process
    has defined. Instantiating anything else runs code that the saved file chose.

    Args:
        tree: Options as a checkpoint keeps them: dicts, lists and plain values.
        kinds: Of the classes that the options may name.

    Returns:
        Dotted names, sorted.
    """
    known: set[str] = set()
    for kind in kinds:
        for cls in registered(kind):
            known |= {f"{cls.__module__}.{cls.__name__}"} | _exported(cls)
    return sorted(_names(tree) - known)


def _names(tree: Any) -> set[str]:
    """Return the strings that would be imported: class paths, and all that look like one."""
    if isinstance(tree, dict):
        return {name for value in tree.values() for name in _names(value)}
    if isinstance(tree, (list, tuple)):
        return {name for value in tree for name in _names(value)}
    if not isinstance(tree, str) or not all(part.isidentifier() for part in tree.split(".")):
        return set()
    head, dot, _ = tree.partition(".")
    # A file's name such as resnet50.pth looks like one, too, but there is no such module.
    return {tree} if dot and find_spec(head) is not None else set()


def _exported(cls: type) -> set[str]:
    """Return the shorter paths under which packages above a class's module export it."""
    parts = cls.__module__.split(".")
    above = (".".join(parts[:n]) for n in range(1, len(parts)))
    return {
        f"{module}.{cls.__name__}"
        for module in above
        if getattr(sys.modules.get(module), cls.__name__, None) is cls
    }


def suggest(name: str) -> str:
    """Return a message for a class name that is not registered, with the nearest ones."""
    known = sorted({cls.__name__ for kind in KINDS for cls in registered(kind)})
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no class named {name!r} is registered; {hint}emorec plugins lists them all"
