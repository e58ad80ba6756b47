"""Which story a text is most like, among the stories most like one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import Article

if TYPE_CHECKING:
    from retrievers.examples import Examples

FOG = Article(
    title="Fog grounds flights at the airport",
    text="Dense fog hid the runway overnight. Flights were grounded until noon and travellers slept beside belts.",
)


def test_a_text_about_the_article_finds_it_and_one_about_other_news_does_not(shipped: Examples) -> None:
    told, other = shipped.selector.ranks(
        FOG,
        ["Dense fog on the runway kept every flight on the ground.", "A goal in the last minute won the cup."],
        among=9,
    )
    assert told == 1
    assert other > 1


def test_the_rank_is_at_most_one_more_than_the_others(shipped: Examples) -> None:
    (rank,) = shipped.selector.ranks(FOG, ["Parliament passed the budget."], among=3)
    assert 1 <= rank <= 4


def test_an_example_with_the_articles_own_text_is_no_other_story(shipped: Examples) -> None:
    example = shipped.store.list(1).items[0]
    own = Article(text=example.article, title=example.headline)
    assert shipped.selector.ranks(own, [f"{example.headline} {example.article}"], among=9) == [1]


def test_without_other_stories_or_texts_there_is_nothing_to_rank(shipped: Examples) -> None:
    assert shipped.selector.ranks(FOG, ["Fog."], among=9, topic="nosuchtopic") == [1]
    assert shipped.selector.ranks(FOG, [], among=9) == []
