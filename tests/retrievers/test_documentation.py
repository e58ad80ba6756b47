from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from retrievers import encoder, fetch, selection

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "retrieval.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    names: dict[str, object] = {}
    exec(code, names)
    assert "typhoon" in capsys.readouterr().out
    names["examples"].close()  # type: ignore[attr-defined]  # the page made it


def test_the_page_names_the_numbers_of_the_code() -> None:
    assert (
        f"unit({encoder.TITLE_WEIGHT} e(title) + {encoder.LEAD_WEIGHT} e(lead) + {encoder.BODY_WEIGHT} e(body))" in PAGE
    )
    assert f"at most {encoder.MAX_LEAD_CHARS} characters" in PAGE
    assert f"the {encoder.MAX_BODY_CHARS:,} characters after it" in PAGE
    assert f"a cosine of {selection.NEAR_DUPLICATE} or more" in PAGE
    policy = fetch.FetchPolicy()
    assert f"{policy.max_redirects} redirects, {policy.max_bytes // 1_000_000} MB after decompression" in PAGE
    assert f"and {policy.timeout_s:g} s" in PAGE
