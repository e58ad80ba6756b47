from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain import Article
from evaluation.datasets import Dataset, case_id, read_dataset, shipped_dataset, stored_dataset, stored_size
from evaluation.datasets.files import MAX_FIELD_CHARS
from evaluation.errors import InvalidDataset
from retrievers.shipped import read_shipped
from tests.evaluation.lab import a_case

if TYPE_CHECKING:
    from pathlib import Path


def _written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_dev_and_train_part_the_shipped_examples() -> None:
    dev, train = shipped_dataset("dev"), shipped_dataset("train")
    assert (len(dev.cases), len(train.cases)) == (69, 411)
    assert {case.id for case in dev.cases}.isdisjoint(case.id for case in train.cases)
    assert {case.article.text for case in (*dev.cases, *train.cases)} == {one.article for one in read_shipped()}
    assert all(case.summary and case.answer and case.riddle and case.hints and case.topic for case in dev.cases)


def test_a_case_keeps_its_id_when_only_case_and_spaces_change() -> None:
    one = Article(text="Fog closed  the\nairport.", title="Fog")
    assert case_id(one) == case_id(Article(text="FOG closed the airport.", title="fog"))
    assert case_id(one) != case_id(Article(text="Fog opened the airport.", title="Fog"))


def test_an_article_that_stands_twice_is_one_case() -> None:
    dataset = Dataset.of("twice", [a_case(1, answer="the first"), a_case(2), a_case(1, answer="the second")])
    assert [case.answer for case in dataset.cases] == ["the first", "a blind runway"]


def test_a_larger_sample_holds_a_smaller_one_in_the_same_order() -> None:
    dataset = shipped_dataset("dev")
    small, large = dataset.limited(10), dataset.limited(30)
    assert (len(small.cases), len(large.cases), small.available) == (10, 30, 69)
    assert [case for case in large.cases if case in small.cases] == list(small.cases)
    assert small.cases != dataset.cases[:10]
    assert dataset.limited(500) == dataset


def test_the_hash_sees_references_and_not_the_order() -> None:
    cases = [a_case(1), a_case(2)]
    assert Dataset.of("a", cases).hash == Dataset.of("b", reversed(cases)).hash
    assert Dataset.of("a", cases).hash != Dataset.of("a", [a_case(1, summary="Another."), a_case(2)]).hash


def test_jsonl_is_read_with_either_name_of_a_field(tmp_path: Path) -> None:
    rows = [
        {"article": "Fog fell.", "title": "Fog", "hints": ["grey"], "answer": "fog", "unknown": 3},
        {"text": "Snow fell.", "headline": "Snow", "topic": "weather", "summary": None},
    ]
    dataset = read_dataset(_written(tmp_path, "a.jsonl", "\ufeff" + "\n\n".join(map(json.dumps, rows))))
    assert [(case.article.title, case.topic, case.answer, case.hints) for case in dataset.cases] == [
        ("Fog", "", "fog", ("grey",)),
        ("Snow", "weather", None, ()),
    ]


def test_csv_is_read_with_line_breaks_in_cells(tmp_path: Path) -> None:
    text = 'Title,Article,Hints\r\nFog,"Fog fell.\nAll\u2028day.","grey\nwet"\r\n\r\nSnow,Snow fell.,"[""white""]"\r\n'
    dataset = read_dataset(_written(tmp_path, "a.csv", text))
    assert [case.article.text for case in dataset.cases] == ["Fog fell.\nAll\u2028day.", "Snow fell."]
    assert [case.hints for case in dataset.cases] == [("grey", "wet"), ("white",)]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.jsonl", '{"article": "Fog."}\n{"article": }', "a.jsonl:2 is not JSON"),
        ("a.jsonl", '{"article": "Fog."}\n[1]', "a.jsonl:2 is not a JSON object"),
        ("a.jsonl", '{"title": "Fog."}', "a.jsonl:1 has no 'article'"),
        ("a.jsonl", '{"article": 3}', "a.jsonl:1 has a article that is not a string"),
        ("a.jsonl", '{"article": " \\u200b "}', "a.jsonl:1 has an article whose text is blank"),
        ("a.jsonl", '{"article": "a", "text": "b"}', "a.jsonl:1 has two of article and text"),
        ("a.jsonl", '{"article": "a", "hints": "b"}', "a.jsonl:1 has hints that are not a list"),
        ("a.jsonl", '{"article": "a", "riddle": "\\ud800"}', "a.jsonl:1 has a riddle that holds NUL bytes or lone"),
        ("a.jsonl", "[" * 100_000, "a.jsonl:1 is not JSON"),
        ("a.jsonl", b'{"article": "a"}\n\xff', "a.jsonl:2 is not UTF-8 text"),
        ("a.jsonl", json.dumps({"article": "a" * (MAX_FIELD_CHARS + 1)}), "is longer than 1,000,000 characters"),
        ("a.jsonl", "\n \n", "a.jsonl has no case"),
        ("a.csv", "title,body\nFog,Fog fell.", "a.csv:1 has no column 'article'"),
        ("a.csv", "article,article\na,b", "a.csv:1 has the column 'article' twice"),
        ("a.csv", "title,article\nFog,Fog fell.\nSnow", "a.csv:3 has 1 cells where the header has 2"),
        ("a.csv", 'title,article\nFog,"Fog fell.\nall day"\nSnow', "a.csv:4 has 1 cells where the header has 2"),
        ("a.csv", 'title,article\nFog,"Fog fell', "is not CSV"),
        ("a.csv", "title,article\nFog,", "a.csv:2 has an article whose text is blank"),
        ("a.csv", "", "a.csv:1 has no column 'article'"),
        ("a.parquet", "x", "is neither dev, train, stored:N nor a .jsonl or .csv file"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, complaint: str
) -> None:
    with pytest.raises(InvalidDataset) as caught:
        read_dataset(_written(tmp_path, name, content))
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match=r"nothing\.csv cannot be read: No such file"):
        read_dataset(tmp_path / "nothing.csv")


def test_stored_articles_are_sampled_alike_each_time_and_once_each() -> None:
    articles = [Article(text=f"Story {number}.") for number in range(40)]
    sample = stored_dataset("stored:10", [*articles, *articles], 10)
    assert sample == stored_dataset("stored:10", reversed(articles), 10)
    assert len(sample.cases) == 10
    assert all(case.riddle is None for case in sample.cases)
    with pytest.raises(InvalidDataset, match="has not stored any article"):
        stored_dataset("stored", [], 10)


def test_names_of_stored_samples() -> None:
    assert (stored_size("stored"), stored_size("stored:7"), stored_size("dev")) == (50, 7, None)
    with pytest.raises(InvalidDataset, match="asks for no case"):
        stored_size("stored:0")
