import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.models.names import ModelName
from domain.errors import UnknownModelName


def test_everything_after_the_first_colon_is_the_model() -> None:
    assert ModelName.parse("openai:ft:gpt-4o:acme::abc") == ModelName("openai", "ft:gpt-4o:acme::abc")


def test_the_provider_is_lower_case_and_spaces_around_do_not_count() -> None:
    assert str(ModelName.parse(" OpenAI:gpt-4o ")) == "openai:gpt-4o"


@pytest.mark.parametrize("text", ["", "gpt-4o", ":gpt-4o", "openai:", "openai: "])
def test_a_name_without_provider_or_model_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UnknownModelName, match="embedded:smollm2"):
        ModelName.parse(text)


@given(st.from_regex(r"[a-z_]+:[\w./:-]+", fullmatch=True))
def test_parsing_and_writing_is_a_round_trip(text: str) -> None:
    assert str(ModelName.parse(text)) == text
