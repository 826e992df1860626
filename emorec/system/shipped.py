"""The configs that come with emorec: found by name, from any folder."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emorec.errors import UserError
from emorec.system.near import near

# Kind, which is also the folder -> how it is used.
KINDS = {
    "experiment": "emorec fit --config NAME",
    "data": "emorec fit --data NAME, preprocess, verify, baseline --data NAME",
    "model": "emorec fit --model NAME",
    "trainer": "emorec fit --trainer NAME",
    "fusion": "emorec fit --model.fusion NAME",
    "augment": "emorec fit --data.augment NAME",
    "study": "emorec experiment --config NAME",
    "search": "emorec sweep --config NAME",
    "sweep": "a sweep of W&B: wandb sweep FILE",
}
LISTED = "emorec configs lists those there are"
# What --config names depends on the command.
CONFIG_OF = {"experiment": "study", "sweep": "search"}
# Kinds that are also the last part of the options that read them.
OPTIONS = ("data", "model", "trainer", "fusion", "augment")
INCLUDED = re.compile(r"[\w./-]+\.yaml")


@dataclass(frozen=True)
class Shipped:
    """A config that comes with emorec.

    Attributes:
        kind: One of :data:`KINDS`.
        name: Of the file, without its ending.
        path: The file.
    """

    kind: str
    name: str
    path: Path

    @property
    def purpose(self) -> str:
        """The first sentence of the comment that the file begins with."""
        lines = self.path.read_text("utf-8").splitlines()
        comment = []
        for line in lines:
            if not line.startswith("#"):
                break
            comment.append(line.removeprefix("#").strip())
        text = re.split(r"(?<!et al)(?<!\d)[.;] |: (?=--|emorec )", " ".join(comment))[0]
        return text.rstrip(".:;")

    def files(self) -> list[Path]:
        """Return the file and all that it includes, directly or not."""
        found = [self.path]
        for path in found:  # grows
            for name in INCLUDED.findall(path.read_text("utf-8")):
                other = (path.parent / name).resolve()
                if other.is_file() and folder() in other.parents and other not in found:
                    found.append(other)
        return found


def folder() -> Path:
    """Return the folder of the configs: in the installed package, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped(kind: str | None = None) -> list[Shipped]:
    """Return the configs of a kind, or all, by kind and name."""
    kinds = [kind] if kind else list(KINDS)
    return [
        Shipped(each, path.stem, path)
        for each in kinds
        for path in sorted((folder() / each).glob("*.yaml"))
    ]


def find(name: str) -> Shipped:
    """Return the config of a name: ``ravdess``, ``data/ravdess``, ``configs/data/ravdess.yaml``.

    Of several with a name, it is that of the first kind in :data:`KINDS`.

    Raises:
        UserError: There is none; the message names the nearest.
    """
    wanted = name.removeprefix("configs/").removesuffix(".yaml")
    every = shipped()
    for each in every:
        if wanted in (each.name, f"{each.kind}/{each.name}"):
            return each
    raise UserError(_unknown(wanted, every))


def with_paths(arguments: Sequence[str]) -> list[str]:
    """Return a command's arguments with the files of configs that they name.

    A file of the user comes first. Else an option's value ``configs/KIND/NAME.yaml`` is that of the
    package. A bare name in an option that takes a config (``--config ravdess``, ``--trainer gpu``,
    ``--model.fusion=late``) is the file ``configs/KIND/NAME.yaml`` of the current folder, a copy
    that the user has changed, else that of the package. All other arguments stay as they are.

    Args:
        arguments: The command, and what follows it.

    Raises:
        UserError: ``--config`` or ``--trainer`` has the bare name of no config, or another of
            these options a name that only nearly is one.
    """
    command = arguments[0]
    found, option = [command], ""
    for argument in arguments[1:]:
        before, equals, value = argument.partition("=")
        if argument.startswith("-") and equals:
            found.append(f"{before}={_path(command, before, value)}")
        else:
            found.append(_path(command, option, argument) if option else argument)
        option = argument if argument.startswith("-") and not equals else ""
    return found


def _path(command: str, option: str, value: str) -> str:
    named = option in ("-c", "--config")
    if named and not value:
        raise UserError(f"--config is empty; {LISTED}")
    if not re.fullmatch(r"[\w./-]{1,250}", value) or Path(value).is_file():
        return value
    if value.startswith("configs/"):
        inside = folder().parent / value
        return str(inside) if inside.is_file() else value
    kind = _kind(command, option)
    if kind is None:
        return value
    every, wanted = shipped(kind), value.removesuffix(".yaml").removeprefix(f"{kind}/")
    for each in every:
        if each.name == wanted:
            own = Path("configs", kind, f"{wanted}.yaml")
            return str(own if own.is_file() else each.path)
    bare = "/" not in value and not value.endswith((".yaml", ".yml"))
    # Others may be classes, which begin with a capital.
    likely = value.islower() and near(value, (each.name for each in every), 0.7)
    if bare and (named or option == "--trainer" or likely):
        raise UserError(_unknown(value, every))
    return value


def _kind(command: str, option: str) -> str | None:
    if option in ("-c", "--config"):
        return CONFIG_OF.get(command, "experiment")
    last = option.lstrip("-").rpartition(".")[2]
    return last if last in OPTIONS else None


def _unknown(name: str, among: Sequence[Shipped]) -> str:
    said = f"no file {name}, and no config of that name"
    return "; ".join(filter(None, (said, near(name, _names(among), 0.5), LISTED)))


def _names(among: Sequence[Shipped]) -> Iterator[str]:
    several = len({each.kind for each in among}) > 1
    for each in among:
        yield each.name
        if several:
            yield f"{each.kind}/{each.name}"
