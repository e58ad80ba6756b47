from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evaluation.datasets import shipped_dataset
from evaluation.experiments import allowed_examples
from retrievers.importing import free_id
from retrievers.shipped import read_shipped
from retrievers.splits import split_of
from tests.evaluation.lab import a_case
from tests.support.articles import real_articles
from tests.support.examples import an_example

if TYPE_CHECKING:
    from domain import Example


def _shipped() -> list[Example]:
    return [replace(example, id=free_id(example.content_hash)) for example in read_shipped()]


def test_no_dev_example_is_allowed_whatever_the_dataset() -> None:
    for cases in (shipped_dataset("dev").cases, (a_case(1),)):
        allowed = allowed_examples(_shipped(), cases)
        assert (len(allowed.examples), allowed.excluded) == (411, 69)
        assert all(split_of(example) == "train" for example in allowed.examples)


def test_an_edited_dev_example_stays_out_by_its_id() -> None:
    dev = next(example for example in _shipped() if split_of(example) == "dev")
    edits = (replace(dev, article=f"Another beginning, number {n}.") for n in range(99))
    edited = next(edit for edit in edits if split_of(edit) == "train")
    assert allowed_examples([edited], [a_case(1)]).excluded == 1
    assert allowed_examples([replace(edited, id="ex_new")], [a_case(1)]).excluded == 0


def test_an_example_of_a_cases_article_stays_out_under_any_headline() -> None:
    case = a_case(1)
    twin = an_example(article=f"  {case.article.text.upper()}", headline="Nothing alike", id="twin")
    other = next(an_example(number=n, id="other") for n in range(99) if split_of(an_example(number=n)) == "train")
    assert allowed_examples([twin, other], [case]).examples == (other,)


def test_an_example_that_is_mostly_a_cases_article_stays_out() -> None:
    story, *others = (article.text for article in real_articles(6))
    case = a_case(1, article=replace(a_case(1).article, text=story))
    corrected = f"Correction: an earlier version was wrong. {story.replace('the', 'this', 2)}"
    examples = [an_example(article=text, id=f"ex_{n}") for n, text in enumerate([corrected, *others])]
    kept = allowed_examples(examples, [case]).examples
    assert "ex_0" not in {example.id for example in kept}
    assert {example.id for example in kept} == {example.id for example in examples[1:] if split_of(example) == "train"}


def test_the_record_names_what_may_be_shown() -> None:
    allowed = allowed_examples(_shipped(), [a_case(1)])
    record = allowed.record("embedded:wordllama")
    assert len(record.example_ids) == 411
    assert record.excluded == 69
    assert record.hash == allowed_examples(reversed(_shipped()), [a_case(1)]).record("embedded:wordllama").hash
