"""Rendering: exactly the declared variables, inserted once and as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

from domain import Example
from prompts import Catalog, VariablesMismatch
from prompts.fence import fence
from prompts.promptfile import load_prompt
from tests.prompts.files import write

if TYPE_CHECKING:
    from pathlib import Path

    from prompts import Prompt

COMPLETION = """\
name: story
version: 1
description: For tests.
format: completion
variables: [article]
messages:
  - content: |
      Tell riddles.
  - examples:
      - content: |
          {example_n}. {example_article} = {example_answer}
  - content: |
      {n}. {article}
  - content: |
      =
retry:
  - content: |
      (not {reasons})
"""


@pytest.fixture
def completion(tmp_path: Path) -> Prompt:
    return load_prompt(write(tmp_path / "story.yaml", COMPLETION), "user")


def an_example(**fields: str) -> Example:
    values = {"article": "A", "summary": "S", "answer": "the answer", "riddle": "R\nR"}
    return Example(**{**values, **fields})  # type: ignore[arg-type]  # tests name fields freely


def test_missing_and_extra_variables_are_named_before_any_call(builtin: Catalog) -> None:
    with pytest.raises(VariablesMismatch) as caught:
        builtin.prompt("riddle").render({"sumary": "x"})
    assert str(caught.value) == (
        "prompt riddle@1 needs summary, which was not given; it does not declare sumary: "
        "pass exactly the variables its file declares"
    )


def test_values_are_inserted_as_they_are_and_never_rendered_again(builtin: Catalog) -> None:
    value = "{summary} {0} {{x}} %s {{{ &quot; \\n 'é'"
    assert value in str(builtin.prompt("riddle").render({"summary": value})[-1].content)


def test_examples_stand_in_order_between_system_and_question(builtin: Catalog, examples: list[Example]) -> None:
    messages = builtin.prompt("riddle").render({"summary": "The question."}, examples)
    assert [message.type for message in messages] == ["system", "human", "ai", "human", "ai", "human"]
    assert examples[0].summary in messages[1].content
    assert examples[1].riddle in messages[4].content
    assert "The question." in messages[5].content


def test_hints_are_labelled_one_a_line(builtin: Catalog, examples: list[Example]) -> None:
    answer = str(builtin.prompt("riddle").render({"summary": "x"}, examples[:1])[2].content)
    assert answer.endswith("\nHint: Someone was late.\nHint: The fine would have been enormous.")


def test_prompt_without_a_place_for_examples_leaves_them_out(builtin: Catalog, examples: list[Example]) -> None:
    prompt = builtin.prompt("zero-shot-riddle")
    assert not prompt.shows_examples
    assert prompt.render({"summary": "x"}, examples) == prompt.render({"summary": "x"})


def test_retry_reasons_leave_what_comes_before_them_untouched(builtin: Catalog, examples: list[Example]) -> None:
    prompt = builtin.prompt("riddle")
    first = prompt.render({"summary": "x"}, examples)
    again = prompt.render({"summary": "x"}, examples, ["uses the word 'bees'", "has one line"])
    assert again[:-1] == first[:-1]
    assert str(again[-1].content).startswith(str(first[-1].content))
    assert str(again[-1].content).endswith("- uses the word 'bees'\n- has one line")


def test_retry_of_another_role_is_a_message_of_its_own(tmp_path: Path) -> None:
    text = COMPLETION.replace("format: completion", "format: chat").replace("- content", "- role: human\n    content")
    text = text.replace("retry:\n  - role: human", "retry:\n  - role: system").replace(
        "      - role: human\n    c", "      - role: human\n        c"
    )
    prompt = load_prompt(write(tmp_path / "story.yaml", text), "user")
    assert [message.type for message in prompt.render({"article": "x"}, (), ["y"])][-2:] == ["human", "system"]


def test_prompt_without_retry_block_leaves_reasons_out(builtin: Catalog) -> None:
    prompt, values = builtin.prompt("condense"), {"title": "t", "section": "s"}
    assert prompt.render(values, (), ["reason"]) == prompt.render(values)


def test_completion_is_one_text_with_numbered_examples_and_no_space_at_its_end(completion: Prompt) -> None:
    (message,) = completion.render({"article": "B"}, [an_example(), an_example(article="C")])
    assert isinstance(message, HumanMessage)
    assert message.content == "Tell riddles.\n1. A = the answer\n2. C = the answer\n3. B\n="


def test_completion_says_retry_reasons_before_its_last_piece(completion: Prompt) -> None:
    (message,) = completion.render({"article": "B"}, (), ["long"])
    assert message.content == "Tell riddles.\n1. B\n(not - long)\n="


def test_same_example_at_another_number_is_rendered_with_that_number(completion: Prompt) -> None:
    one, two = an_example(), an_example(article="C")
    completion.render({"article": "B"}, [one, two])
    assert "1. C = the answer\n2. A = the answer" in completion.render({"article": "B"}, [two, one])[0].content


def test_edited_example_is_rendered_anew(builtin: Catalog) -> None:
    prompt = builtin.prompt("riddle")
    prompt.render({"summary": "x"}, [an_example()])
    assert "other words" in str(prompt.render({"summary": "x"}, [an_example(answer="other words")])[2].content)


def test_template_serves_chains_of_ones_own(builtin: Catalog) -> None:
    template = builtin.prompt("riddle").template
    assert isinstance(template, ChatPromptTemplate)
    assert any(isinstance(part, MessagesPlaceholder) for part in template.messages)
    messages = template.invoke({"summary": "S", "examples": [HumanMessage("a"), AIMessage("b")]}).to_messages()
    assert [message.type for message in messages] == ["system", "human", "ai", "human"]


def test_template_of_a_completion_takes_examples_as_text(completion: Prompt) -> None:
    messages = completion.template.invoke({"article": "B", "n": "2", "examples": "1. A\n"}).to_messages()
    assert messages[0].content == "Tell riddles.\n1. A\n2. B\n=\n"


def test_every_built_in_prompt_renders_with_what_its_step_offers(builtin: Catalog, examples: list[Example]) -> None:
    for spec in builtin.pipelines():
        for step in spec.steps:
            prompt = builtin.prompt(step.prompt)
            assert prompt.render(dict.fromkeys(prompt.variables, "text"), examples, ["reason"])


@given(st.text(), st.text(alphabet="{}[]<>aexmple_ "))
def test_renders_what_langchain_makes_of_the_template(summary: str, riddle: str) -> None:
    prompt = Catalog().prompt("riddle")
    shown = an_example(riddle=f"R{riddle}")
    rendered = prompt.render({"summary": summary}, [shown])
    shots = rendered[len(prompt.before) : -len(prompt.after)]
    values = {"summary": fence(summary), "n": "2", "examples": shots}
    assert rendered == prompt.template.invoke(values).to_messages()
