from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievers.feeds.plaintext import line, paragraphs


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain words", "plain words"),
        ("<p>One <b>bold</b>\n  line</p><p>Two</p>", "One bold line\n\nTwo"),
        ("One<br>Two<br/><br/>Three", "One\n\nTwo\n\nThree"),
        ("<ul><li>a<li>b</ul>tail", "a\n\nb\n\ntail"),
        ("a<script>evil()</script>b<style>x</style>c", "abc"),
        ("<figure><img src=x><figcaption>Photo: me</figcaption></figure><p>Text</p>", "Text"),
        ("Fish &amp; chips &lt;now&gt;", "Fish & chips <now>"),
        ("<!-- a --><?php b ?>c", "c"),
        ("a\x00b\x1ec", "abc"),
        ("<p>a", "a"),
        ("</p></div>a", "a"),
    ],
)
def test_the_text_of_html(html: str, text: str) -> None:
    assert paragraphs(html) == text


def test_a_title_is_one_line() -> None:
    assert line("<h1>Two</h1>\n<h2>lines</h2>") == "Two lines"


@given(st.text(alphabet="<>/pdivbr &;!-\x00\ud800a\n\"'=", max_size=200))
def test_nothing_breaks_it(html: str) -> None:
    found = paragraphs(html)
    found.encode()
    assert "\x00" not in found
