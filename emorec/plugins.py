"""What is registered: the subclasses that our subpackages and installed plug-ins export."""

import inspect
import sys
import warnings
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

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


# How Lightning makes the objects of a checkpoint; another one would be called in its place.
INSTANTIATOR = "lightning.pytorch.cli.instantiate_module"
ADAM = "emorec.tasks.model.adam"  # the default optimizer


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


def foreign(tree: Any) -> list[str]:
    """Return what the options of a saved model would import that is not known here.

    Known are the registered classes (ours, those of installed plug-ins, and those that this process
    has defined) and torch's optimizers and schedulers. Instantiating anything else runs code that
    the saved file chose.

    Args:
        tree: Options as a checkpoint keeps them: dicts, lists and plain values.

    Returns:
        Dotted names, sorted.
    """
    known = {INSTANTIATOR, ADAM}
    for kind in KINDS:
        for cls in registered(kind):
            known |= {f"{cls.__module__}.{cls.__name__}"} | _exported(cls)
    return sorted(name for name in _names(tree) if name not in known and not _of_torch(name))


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


def _of_torch(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    if module not in ("torch.optim", "torch.optim.lr_scheduler"):
        return False
    found = getattr(import_module(module), attribute, None)
    bases = Optimizer, LRScheduler
    return inspect.isclass(found) and issubclass(found, bases)


def suggest(name: str) -> str:
    """Return a message for a class name that is not registered, with the nearest ones."""
    known = sorted({cls.__name__ for kind in KINDS for cls in registered(kind)})
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no class named {name!r} is registered; {hint}emorec plugins lists them all"
