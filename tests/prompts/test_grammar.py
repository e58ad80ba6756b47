from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.errors import InvalidFile, NotFound
from prompts import builtin_grammar
from prompts.grammar import load_grammar

if TYPE_CHECKING:
    from pathlib import Path


def test_shipped_grammar_is_found_by_name() -> None:
    assert "root ::=" in builtin_grammar("riddle")


@pytest.mark.parametrize("name", ["rhyme", "../released", "", "riddle.gbnf"])
def test_unknown_grammar_is_not_found(name: str) -> None:
    with pytest.raises(NotFound, match="there is: riddle, riddle-first-person, summary"):
        builtin_grammar(name)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"line ::= [a-z]+\n", "has no rule 'root ::= ...'"),
        (b'root ::= "\xff"\n', "is not UTF-8"),
        (b'root ::= "a"\n' + b"#" * 70_000, "is larger than 64 KiB"),
    ],
)
def test_broken_grammar_is_refused_with_the_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "mine.gbnf"
    path.write_bytes(data)
    with pytest.raises(InvalidFile, match=reason.replace("...", r"\.\.\.")):
        load_grammar(path)
