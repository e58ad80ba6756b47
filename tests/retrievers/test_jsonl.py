from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import Example
from domain.article import has_visible_text
from domain.errors import InvalidExample
from retrievers.examples import open_examples
from retrievers.importing import ImportReport, Rejected
from retrievers.jsonl import MAX_LINE_BYTES, parse_example, read_examples, write_example
from tests.support.examples import an_example

if TYPE_CHECKING:
    from retrievers.wordllama_embeddings import WordLlamaEmbeddings

RECORD = orjson.loads(write_example(an_example()))

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
visible = words.filter(has_visible_text)
anything = st.builds(
    Example,
    article=visible,
    summary=visible,
    answer=visible,
    riddle=visible,
    headline=words,
    topic=words,
    hints=st.lists(words, max_size=3).map(tuple),
    tenant=st.none() | visible,
    id=st.from_regex(r"[A-Za-z0-9_-]{0,64}", fullmatch=True),
)


@given(anything)
def test_what_is_written_is_read_back(example: Example) -> None:
    line = write_example(example)
    assert line.count(b"\n") == 1
    assert parse_example(line) == replace(example, origin="imported")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (orjson.dumps({**RECORD, "riddle": None}), "riddle is not a string"),
        (orjson.dumps({**RECORD, "hints": "one"}), "hints is not a list"),
        (orjson.dumps({**RECORD, "tenant": 3}), "tenant is neither"),
        (orjson.dumps({**RECORD, "origin": "heaven"}), "origin is none of"),
        (orjson.dumps({**RECORD, "id": "../x"}), "id is not made of"),
        (orjson.dumps({**RECORD, "answer": " "}), "answer is blank"),
        (orjson.dumps({**RECORD, "article": "a\x00"}), "article contains NUL bytes"),
        (orjson.dumps({**RECORD, "question": "?"}), "'question' is no field"),
        (orjson.dumps({"article": "x"}), "summary is missing"),
        (b'{"article": "\\ud800"}', "is not JSON"),
    ],
)
def test_a_line_that_is_no_example_is_refused_with_the_reason(line: bytes, reason: str) -> None:
    with pytest.raises(InvalidExample, match=reason):
        parse_example(line)


def test_lines_are_counted_from_one_and_empty_ones_are_skipped() -> None:
    stream = io.BytesIO(
        b"\xef\xbb\xbf" + write_example(an_example()) + b"\n  \nnonsense\n" + write_example(an_example())
    )
    numbers = [(record.line if isinstance(record, Rejected) else record[0]) for record in read_examples(stream)]
    assert numbers == [1, 4, 5]


def test_a_line_that_is_too_long_is_refused_and_the_next_one_read() -> None:
    stream = io.BytesIO(b'"' + b"x" * (3 * MAX_LINE_BYTES) + b'"\n' + write_example(an_example()))
    first, second = read_examples(stream)
    assert first == Rejected(1, "line is longer than 1,000,000 bytes")
    assert second == (2, replace(an_example(), origin="imported"))


def test_a_tenant_that_imports_gets_everything_for_itself() -> None:
    stream = io.BytesIO(write_example(an_example(tenant="other")))
    assert [
        record[1].tenant for record in read_examples(stream, tenant="acme") if not isinstance(record, Rejected)
    ] == ["acme"]


def test_an_export_imports_elsewhere_with_its_ids_and_twice_is_unchanged(embeddings: WordLlamaEmbeddings) -> None:
    with (
        open_examples(seed=False, embeddings=embeddings) as one,
        open_examples(seed=False, embeddings=embeddings) as two,
    ):
        one.import_([an_example(number=number, tenant=tenant) for number, tenant in enumerate([None, "acme", None])])
        dump = b"".join(map(write_example, one.store.export(all_tenants=True))) + b"{}\n"
        report = two.import_jsonl(io.BytesIO(dump))
        assert report == ImportReport(added=3, rejected=(Rejected(4, "example article is missing"),))
        assert {e.id for e in two.store.export(all_tenants=True)} == {e.id for e in one.store.export(all_tenants=True)}
        assert two.import_jsonl(io.BytesIO(dump)).unchanged == 3
