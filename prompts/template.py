"""LangChain f-string templates: which variables one uses, and what is wrong with one."""

from __future__ import annotations

import re

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class TemplateError(ValueError):
    """A template that cannot be used; `offset` is where in its text."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset = offset
        super().__init__(reason)


def variables_of(text: str) -> frozenset[str]:
    """The names of the variables that a template uses.

    Raises:
        TemplateError: A brace stands alone, or braces hold something that is no plain name.
    """
    return frozenset(_checked(match) for match in _BRACES.finditer(text) if match[0] not in ("{{", "}}"))


def _checked(match: re.Match[str]) -> str:
    if match[1] is None:
        brace = match[0]
        raise TemplateError(
            match.start(), f"a lone {brace!r}: double the brace ({brace * 2!r}) to have one in the text"
        )
    if not _NAME.match(match[1]):
        reason = f"{match[0]!r} names no variable (letters a-z, digits, _): double the braces to have it in the text"
        raise TemplateError(match.start(), reason)
    return match[1]
