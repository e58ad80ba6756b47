"""Every rendered prompt, as a model would get it. `pytest --snapshot-update` when a new version is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prompts import Catalog

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from domain import Example

VALUES = {
    "title": "Swan closes the ring road",
    "article": "A swan sat down on the ring road of Ashby on Monday.\n\nPolice closed two lanes for three hours.",
    "section": "A swan sat down on the ring road of Ashby on Monday.",
    "summary": "A swan closed two lanes of the ring road of Ashby for three hours.",
}


@pytest.mark.parametrize("ref", [prompt.ref for prompt in Catalog().prompts()])
def test_rendered_prompt(ref: str, builtin: Catalog, examples: list[Example], snapshot: SnapshotAssertion) -> None:
    prompt = builtin.prompt(ref)
    values = {name: VALUES[name] for name in prompt.variables}
    messages = prompt.render(values, examples, ["it uses the word 'swan' of the answer"])
    assert "\n".join(f"--- {message.type}\n{message.content}" for message in messages) == snapshot
