"""GBNF grammars: what the embedded engine may write, token by token."""

from __future__ import annotations

from pathlib import Path

from domain.errors import InvalidFile, NotFound

_BUILTIN = Path(__file__).with_name("grammars")
_MAX_BYTES = 64 * 1024


def builtin_grammar(name: str) -> str:
    """The text of a grammar that ships, such as `riddle`.

    Raises:
        NotFound: There is none of that name.
    """
    path = _BUILTIN / f"{name}.gbnf"
    if path.parent != _BUILTIN or not path.is_file():
        raise NotFound("grammar", name, sorted(each.stem for each in _BUILTIN.glob("*.gbnf")))
    return load_grammar(path)


def load_grammar(path: Path) -> str:
    """The text of a grammar file. Only the engine can tell whether it is a good one; it must have a `root` rule.

    Raises:
        InvalidFile: It cannot be read, is too large, or has no root.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidFile(path, None, "is not UTF-8: save it in that encoding") from None
    except OSError as error:
        raise InvalidFile(path, None, f"cannot be read: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise InvalidFile(path, None, f"is larger than {_MAX_BYTES // 1024} KiB")
    if not any(line.startswith("root ") and "::=" in line for line in text.splitlines()):
        raise InvalidFile(path, None, "has no rule 'root ::= ...', with which a grammar begins")
    return text
