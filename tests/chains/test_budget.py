"""Examples go whole, least similar first, and never more than fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.budget import TokenBudget, fit_examples

counts = st.lists(st.integers(0, 500), max_size=12)
budgets = st.builds(
    TokenBudget, window=st.integers(0, 4000), reserved_output=st.integers(0, 500), overhead=st.integers(0, 500)
)


@given(counts, budgets)
def test_what_stays_never_exceeds_the_budget(tokens: list[int], budget: TokenBudget) -> None:
    assert sum(fit_examples(tokens, tokens, budget)) <= budget.room


@given(counts, budgets)
def test_what_stays_is_the_longest_end_of_the_list_that_fits(tokens: list[int], budget: TokenBudget) -> None:
    kept = list(fit_examples(tokens, tokens, budget))
    first = len(tokens) - len(kept)
    assert kept == tokens[first:]
    assert first == 0 or sum(tokens[first - 1 :]) > budget.room


@given(counts, budgets)
def test_a_counting_function_is_the_same_as_a_list_of_counts(tokens: list[int], budget: TokenBudget) -> None:
    numbered = list(enumerate(tokens))
    assert fit_examples(numbered, lambda pair: pair[1], budget) == fit_examples(numbered, tokens, budget)


def test_examples_are_counted_only_until_one_does_not_fit() -> None:
    counted: list[str] = []

    def count(example: str) -> int:
        counted.append(example)
        return 60

    assert fit_examples(["far", "near", "nearest"], count, TokenBudget(window=100)) == ("nearest",)
    assert counted == ["nearest", "near"]


def test_a_most_similar_example_that_does_not_fit_is_not_replaced_by_others() -> None:
    assert fit_examples(["short", "long"], [1, 100], TokenBudget(window=50)) == ()


def test_room_is_what_output_and_overhead_leave() -> None:
    budget = TokenBudget(window=100, reserved_output=30, overhead=20)
    assert budget.room == 50
    assert budget.after(20).room == 30
    assert budget.after(80).room == 0


def test_counts_of_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="2 examples, but 1 counts"):
        fit_examples(["a", "b"], [1], TokenBudget(window=10))
