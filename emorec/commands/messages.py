"""What jsonargparse says of a wrong option, in one line and in the words of the user."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module

from emorec.callbacks.stage import Stage
from emorec.commands.options import with_hint, with_near
from emorec.plugins import KINDS, registered, suggest
from emorec.system.near import near

TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "dict": "names with values, such as {a: 1}",
    "list": "a list, such as [a, b]",
}
LONGEST = 300  # characters of what is repeated
EXPECTED = r"Expected a <class '(?!NoneType)(\w+)'>(?:\. Got value: (.*))?"
# What the parser of a part of the options has said already, by this module.
EXPLAINED = (
    r"^ *(?:- )?(?:--(?P<option>[\w.]+)(?: [^:]*)?: )?(?P<said>.*); .* --help explains the options$"
)
# What jsonargparse says of how it came to its conclusion.
INTERNAL = re.compile(
    r"\s*(-\s+)?(Parser key |Does not validate|Subtypes: |Errors:|Given value|"
    r"Expected a <class 'NoneType'>|Expected a path but |.*--help explains|$)"
)


def one_line(message: str, known: list[str]) -> str:
    """Return the cause of an error of the parser.

    Args:
        message: What jsonargparse says.
        known: The parser's options, such as ``--run``.
    """
    keys = re.findall(r'Parser key "([\w.]+)"', message)
    typed = re.findall(r"Given value: NestedArg\(key='([^']+)', val='(.*)'\)", message)
    inner = re.search(EXPLAINED, message, re.MULTILINE)
    said = inner["said"] if inner else _said(message, known)
    if not keys:
        return said
    if typed:  # on the command line, below the first key
        return f"--{keys[0]}.{typed[-1][0]} {_short(typed[-1][1])}: {said}"
    below = f" {inner['option']}:" if inner and inner["option"] else ""
    return f"--{keys[0]}:{below} {said}"


def _said(message: str, known: list[str]) -> str:
    if found := re.search(r"Option '([\w.]+)' is not accepted", message):
        return _no_option(found[1])
    if found := re.search(r"no class named .*", message):
        return found[0]
    if found := re.search(r"Expected a dot import path string: (\w+)", message):
        return suggest(found[1])
    if found := re.search(r"module '([\w.]+)' has no attribute '(\w+)'", message):
        names = [name for name in dir(import_module(found[1])) if not name.startswith("_")]
        return with_hint(f"{found[1]} has no {found[2]}", near(found[2], names))
    if literals := re.findall(r"Expected a typing\.Literal\[(.*?)\](?:\.|\s|$)", message):
        names = list(dict.fromkeys(n.strip("'") for each in literals for n in each.split(", ")))
        values = re.findall(r"(?:Got value|Given value): (?!NestedArg)(.+)", message)
        what = f"{_short(values[-1])} is not known" if values else "it is not known"
        return f"{what}; it can be {', '.join(names)}"
    if expected := re.findall(EXPECTED, message):
        names = list(dict.fromkeys(TYPES.get(name, name) for name, _ in expected))
        given = next((f", not {_short(value)!r}" for _, value in expected if value), "")
        return f"expected {' or '.join(names)}{given}"
    if found := re.match(r"the following arguments are required: (?:(\w+)\.)?", message):
        if found[1] in ("test", "validate"):
            return "name a finished run: --run DIR"
        if found[1] == "fit":
            return "name an experiment: --config NAME; emorec configs lists them"
        return message.replace("arguments", "options")
    if found := re.search(r"does not accept option '([\w.]+)", message):
        return f"the file of --config is not one of an experiment: {found[1]} is none of its keys"
    if found := re.search(r"unrecognized arguments", message):
        return with_near(message[found.start() :], known)
    if found := re.search(r"File does not exist: '?([^']+)'?", message):
        return f"the file {found[1]} does not exist"
    lines = [line for line in message.splitlines() if not INTERNAL.match(line)]
    return _short(" ".join(line.strip(" -") for line in lines) or message.splitlines()[0])


def _short(text: str) -> str:
    """Return a text without its end if it is long: jsonargparse repeats whole configs."""
    return text if len(text) < LONGEST else f"{text[:LONGEST]} ..."


def _no_option(name: str) -> str:
    known = _parameters()
    if name in known:
        return f"the class that is configured has no option {name}"
    return with_hint(f"there is no option {name}", near(name, known))


def _parameters() -> set[str]:
    """Return the names of what the constructors of our classes and of plug-ins take."""
    classes = {cls for kind in KINDS for cls in registered(kind)} | {Stage}
    return {name for cls in classes for name in _taken(cls)}


def _taken(cls: type) -> Iterator[str]:
    for each in cls.__mro__:
        if "__init__" in vars(each) and each is not object:
            yield from inspect.signature(vars(each)["__init__"]).parameters
