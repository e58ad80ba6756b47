from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.models.names import ModelName
from chains.models.prices import Price, PriceTable
from domain.errors import InvalidFile
from domain.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

TABLE = PriceTable()


def price(name: str) -> Price | None:
    return TABLE.price(ModelName.parse(name))


def test_local_models_cost_nothing() -> None:
    usage = Usage(input_tokens=10, output_tokens=10, calls=1)
    for name in ("embedded:smollm2-135m-instruct", "transformers:gpt2"):
        assert TABLE.priced(ModelName.parse(name), usage).cost_usd == 0.0


def test_a_model_nobody_priced_has_no_cost_which_is_not_zero() -> None:
    assert TABLE.priced(ModelName.parse("openai:house-brand"), Usage(input_tokens=10, calls=1)).cost_usd is None


def test_a_dated_model_has_its_familys_price_unless_it_has_its_own() -> None:
    assert price("openai:gpt-4o-mini-2024-07-18") == price("openai:gpt-4o-mini")
    assert price("anthropic:claude-haiku-4-5-20251001") == price("anthropic:claude-haiku-4-5")
    assert price("openai:gpt-4o-2024-05-13") != price("openai:gpt-4o")


def test_a_word_more_is_another_model() -> None:
    assert price("openai:gpt-4o-mini-turbo") is None


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_cached_tokens_are_a_part_of_the_input_at_their_own_price(fresh: int, cached: int, output: int) -> None:
    usage = Usage(input_tokens=fresh + cached, cached_tokens=cached, output_tokens=output, calls=1)
    expected = (fresh * 2 + cached * 0.5 + output * 8) / 1e6
    assert Price(input=2, output=8, cached=0.5).of(usage) == pytest.approx(expected)


def test_an_operators_table_goes_before_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text(
        "prices:\n  vllm:\n    qwen: {input: 0.1, output: 0.2}\n  openai:\n    gpt-4o: {input: 1, output: 1}\n"
    )
    table = PriceTable(own)
    assert table.price(ModelName.parse("vllm:qwen")) == Price(input=0.1, output=0.2)
    assert table.price(ModelName.parse("openai:gpt-4o")) == Price(input=1, output=1)
    assert table.price(ModelName.parse("openai:gpt-4o-mini")) == price("openai:gpt-4o-mini")


@pytest.mark.parametrize("text", ["", "[]", "prices: 3", "prices: {a: {b: 1}}", "prices: {a: {b: {input: x}}}", "{"])
def test_a_file_that_is_no_price_table_is_refused(tmp_path: Path, text: str) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text(text)
    with pytest.raises(InvalidFile, match="no price table"):
        PriceTable(own)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="cannot be read"):
        PriceTable(tmp_path / "none.yaml")


def test_every_shipped_price_is_sane() -> None:
    assert len(TABLE._shipped) > 80
    for name, one in TABLE._shipped.items():
        assert 0 < one.input <= one.output * 10, name
        assert one.cached is None or one.cached < one.input, name
        assert one.window is None or one.window >= 4096, name
