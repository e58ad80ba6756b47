"""YAML files read strictly, with the line for every complaint: plain scalars, lists and mappings, nothing else."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, TypeVar

import yaml

from domain.errors import InvalidFile

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 256 * 1024
"""Larger files are refused unread."""

_MAX_DEPTH = 12
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_KINDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "null": "nothing"}

T = TypeVar("T")


def read_yaml(path: Path) -> Fields:
    """The file's top-level mapping.

    Raises:
        InvalidFile: It cannot be read, is too large, is no YAML, or uses more of YAML than scalars, lists and mappings.
    """
    text = _text(path)
    try:
        _refuse_tricks(path, text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidFile(path, mark.line + 1 if mark else None, f"is no valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise InvalidFile(path, None, f"is no valid YAML: {error}") from None
    if node is None:
        raise InvalidFile(path, 1, "is empty")
    return Fields(path, node)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidFile(path, None, f"is larger than {MAX_BYTES // 1024} KiB")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidFile(path, line, "is not UTF-8: save it in that encoding") from None
    except OSError as error:
        raise InvalidFile(path, None, f"cannot be read: {error.strerror}") from None


def _refuse_tricks(path: Path, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidFile(path, line, "uses an anchor or alias (& or *): write the value out, or quote it")
        if tag := getattr(event, "tag", None):
            raise InvalidFile(path, line, f"uses the tag {tag}: write plain values")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise InvalidFile(path, line, f"is nested deeper than {_MAX_DEPTH} levels")


class Text(str):
    """Text of a file that remembers where it stands.

    Attributes:
        first_line: Line on which the text itself begins, from 1.
    """

    __slots__ = ("first_line",)
    first_line: int

    def line_at(self, offset: int) -> int:
        """The file's line of a position in the text (of the text's first line where YAML folds lines)."""
        return self.first_line + self.count("\n", 0, offset)


class Fields:
    """A mapping whose keys are taken one by one; `done` refuses those that nobody took."""

    def __init__(self, path: Path, node: yaml.Node) -> None:
        self._path = path
        self._node = node
        self._taken: set[str] = set()
        if not isinstance(node, yaml.MappingNode):
            raise InvalidFile(path, _line(node), "must be a mapping of keys to values")
        self._values: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            self._add(key, value)

    def _add(self, key: yaml.Node, value: yaml.Node) -> None:
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidFile(self._path, _line(key), "a key must be a plain word")
        if key.value in self._values:
            raise InvalidFile(self._path, _line(key), f"the key {key.value!r} stands twice: remove one")
        self._values[key.value] = (key, value)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def has_value(self, key: str) -> bool:
        """Whether the key is there and not null; null counts as taken."""
        return self._take(key) is not None

    def error(self, reason: str, key: str | None = None, *, line: int | None = None) -> InvalidFile:
        """The error to raise about a key, a line, or this mapping as a whole."""
        if line is None:
            line = _line(self._values[key][0]) if key in self._values else _line(self._node)
        return InvalidFile(self._path, line, reason)

    def done(self, *, what: str) -> None:
        """Refuses keys that were not taken."""
        for key in self._values.keys() - self._taken:
            near = difflib.get_close_matches(key, self._taken, n=1, cutoff=0.7)
            hint = f": did you mean {near[0]!r}?" if near else f": it may have {', '.join(sorted(self._taken))}"
            raise self.error(f"{what} knows no key {key!r}{hint}", key)

    def keys(self) -> list[str]:
        """All keys, in the file's order."""
        return list(self._values)

    def text(self, key: str, default: str | None = None) -> Text:
        """Text that is not blank."""
        node = self._take(key)
        if node is None:
            return _placed(self._required(key, default), self._node)
        value = _placed(str(self._scalar(key, node, "str")), node)
        if not value.strip():
            raise self.error(f"{key} is blank", key)
        return value

    def name(self, key: str) -> str:
        """Lower-case letters and digits, words joined by hyphens: safe as file name and in URLs."""
        value = self.text(key)
        if not _NAME.match(value):
            raise self.error(f"{key} {value!r} must be lower-case words joined by hyphens, like 'my-riddle'", key)
        return str(value)

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of the given words."""
        value = str(self.text(key, default))
        if value not in choices:
            raise self.error(f"{key} {value!r} must be one of {', '.join(choices)}", key)
        return value

    def whole(self, key: str, default: int | None = None, *, at_least: int, at_most: int) -> int:
        """A whole number within bounds."""
        node = self._take(key)
        if node is None:
            return self._required(key, default)
        value = int(self._scalar(key, node, "int"))
        self._bounded(key, value, at_least, at_most)
        return value

    def number(self, key: str, default: float | None = None, *, at_least: float, at_most: float) -> float:
        """A number within bounds."""
        node = self._take(key)
        if node is None:
            return self._required(key, default)
        value = float(self._scalar(key, node, "int", "float"))
        self._bounded(key, value, at_least, at_most)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        node = self._take(key)
        return default if node is None else bool(self._scalar(key, node, "bool"))

    def scalar(self, key: str) -> str | int | float | bool:
        """Any single value."""
        node = self._take(key)
        if node is None:
            raise self.error(f"{key} is missing")
        return self._scalar(key, node, "str", "int", "float", "bool")

    def texts(self, key: str) -> tuple[Text, ...]:
        """A list of texts; empty where the key is missing."""
        return tuple(_placed(str(self._scalar(key, item, "str")), item) for item in self._items(key))

    def section(self, key: str) -> Fields | None:
        """A mapping below this one; None where the key is missing or has no value."""
        node = self._take(key)
        return None if node is None else Fields(self._path, node)

    def sections(self, key: str) -> list[Fields]:
        """A list of mappings; empty where the key is missing."""
        return [Fields(self._path, item) for item in self._items(key)]

    def is_list(self, key: str) -> bool:
        """Whether the key's value is a list."""
        return key in self._values and isinstance(self._values[key][1], yaml.SequenceNode)

    def _take(self, key: str) -> yaml.Node | None:
        self._taken.add(key)
        _, node = self._values.get(key, (None, None))
        return None if node is None or _kind(node) == "null" else node

    def _required(self, key: str, default: T | None) -> T:
        if default is None:
            raise self.error(f"{key} is missing", key)
        return default

    def _items(self, key: str) -> list[yaml.Node]:
        node = self._take(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(f"{key} must be a list", key)
        return list(node.value)

    def _scalar(self, key: str, node: yaml.Node, *kinds: str) -> str | int | float | bool:
        kind = _kind(node)
        if kind not in kinds:
            wanted = " or ".join(_KINDS[each] for each in kinds)
            quote = f", not {_KINDS.get(kind, kind)}" + (": put it in quotes" if kinds == ("str",) else "")
            raise InvalidFile(self._path, _line(node), f"{key} must be {wanted}{quote}")
        try:
            value: str | int | float | bool = _SCALARS.construct_object(node)
        except ValueError as error:
            raise InvalidFile(self._path, _line(node), f"{key}: {error}") from None
        return value

    def _bounded(self, key: str, value: float, at_least: float, at_most: float) -> None:
        if not at_least <= value <= at_most:
            raise self.error(f"{key} must be from {at_least} to {at_most}, not {value}", key)


_SCALARS = yaml.constructor.SafeConstructor()


def _kind(node: yaml.Node) -> str:
    return str(node.tag).rpartition(":")[2]


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _placed(value: str, node: yaml.Node) -> Text:
    text = Text(value)
    text.first_line = _line(node) + (getattr(node, "style", None) in ("|", ">"))
    return text
