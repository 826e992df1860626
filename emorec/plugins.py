"""What is registered: the subclasses that our subpackages and installed plug-ins export."""

import inspect
import warnings
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points

GROUP = "emorec.plugins"
# Kind -> the base class that defines it, and the subpackage that exports ours.
KINDS = {
    "data set": "emorec.data:EmotionDataModule",
    "windows": "emorec.cache:Windows",
    "extractor": "emorec.extractors:Extractor",
    "encoder": "emorec.encoders:Encoder",
    "label encoder": "emorec.encoders:LabelEncoder",
    "fusion": "emorec.fusion:Fusion",
    "objective": "emorec.objectives:Objective",
    "task": "emorec.tasks:EmotionTask",
}


def load_plugins() -> None:
    """Import our classes and the modules of the entry-point group ``emorec.plugins``.

    A plug-in that fails to import is reported with its package and left out.
    """
    for path in KINDS.values():
        import_module(path.partition(":")[0])
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


def suggest(name: str) -> str:
    """Return a message for a class name that is not registered, with the nearest ones."""
    known = sorted({cls.__name__ for kind in KINDS for cls in registered(kind)})
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no class named {name!r} is registered; {hint}emorec plugins lists them all"
