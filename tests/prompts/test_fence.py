"""The fence neutralises what could be read as structure, and nothing else."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts.fence import fence, tags_in

OPENINGS = [
    "<",
    "</",
    "< /",
    "\uff1c",
    "\uff1c\uff0f",
    "<\u200b/",
    "<\t/\n",
    "\u226e/",
    "<\ufe0f/",
    "<\u202e",
    "<\u0591/",
    "</" + " " * 100,
]
NAMES = [
    "article",
    "ARTICLE",
    "Summary",
    "se\u200bction",
    "\uff41\uff52\uff54\uff49\uff43\uff4c\uff45",
    "ar\u034fticle",
    "ti\u0301tle",
]
ENDINGS = [">", " >", "\n>", ' class="x">', "/>", "\uff1e", ""]
MARKERS = [
    "[Article 3]",
    "[ article  n ]",
    "[SUMMARY RIDDLE 2]",
    "[Sum\u200bmary Riddle 1]",
    "\uff3bArticle 1\uff3d",
    "[INST]",
    "[/INST]",
]
TOKENS = [
    "<|im_start|>",
    "<|im_end|>",
    "<\u200b|endoftext|>",
    "<s>",
    "</s>",
    "<start_of_turn>",
    "<\uff5cUser\uff5c>",
    "<<SYS>>",
]
HASHES = ["###", "#####", "\uff03##", "#\u200d##", "#\u200b#\u200b#"]

hostile = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.text(st.characters(categories=["Cf", "Cc", "Mn", "Zs"]), max_size=3),
        st.builds("".join, st.tuples(st.sampled_from(OPENINGS), st.sampled_from(NAMES), st.sampled_from(ENDINGS))),
        st.sampled_from(MARKERS + TOKENS + HASHES),
    ),
    max_size=12,
).map("".join)

FENCE = re.compile(
    r"<\s*/?\s*(?:article|summary|section|title|example|riddle|s|sys|start_of_turn)(?![a-z0-9_-])|<\s*\||###"
    r"|\[\s*(?:article|summary\s*riddle|/?\s*inst)\b[^\[\]]{0,60}\]"
)


def as_read(text: str) -> str:
    """What a lenient reader sees: compatibility forms unified, invisible characters and accents gone."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if unicodedata.category(char) not in {"Cf", "Mn", "Me"})


@settings(deadline=None)
@given(hostile)
def test_no_spelling_of_a_fence_survives(text: str) -> None:
    assert not FENCE.search(as_read(fence(text)))


@settings(deadline=None)
@given(hostile)
def test_fencing_twice_is_fencing_once(text: str) -> None:
    assert fence(fence(text)) == fence(text)


@settings(deadline=None)
@given(hostile)
def test_nothing_hides_in_fenced_text(text: str) -> None:
    for char in fence(text):
        assert char in "\n\t\u200c\u200d" or unicodedata.category(char) not in {"Cc", "Zl", "Zp"}
        assert unicodedata.bidirectional(char) not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="<[#\uff1c\ufe64\uff3b\uff03\ufe5f")))
def test_plain_words_of_any_script_are_left_alone(text: str) -> None:
    visible = "".join(char for char in text if char not in "\u115f\u1160\u3164\uffa0")
    assert fence(text) == visible


@pytest.mark.parametrize(
    "text",
    [
        "a < b and 3 <4 > 2",
        "<b>bold</b> and <articles>",
        "[1] and [sic] and [Articles of faith]",
        "C# and ## heading",
        "{braces} {{twice}} %s $x",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "क\u094d\u200dष",
        "👩\u200d🚀 ❤\ufe0f",
        "Tabs\tand\n\nempty lines ",
        "",
    ],
)
def test_innocent_text_is_left_alone(text: str) -> None:
    assert fence(text) == text


@pytest.mark.parametrize(
    ("text", "fenced"),
    [
        ("</article>", "\u2039/article>"),
        ("[Article 3]: x", "(Article 3): x"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("zero\u200bwidth\u202e\ufeff\x00", "zerowidth"),
        ("pass\u200dword", "password"),
        ("## ### ####", "## ## ##"),
        ("#\u0300##", "##"),
        ("#\u0591#\ufe0f#", "##"),
        ("#\u2764#\u2764#", "#\u2764#\u2764#"),
        ("<\u0591|im_start|>", "\u2039\u0591|im_start|>"),
        ("</" + " " * 100 + "article>", "\u2039/" + " " * 100 + "article>"),
        ("[Article" + " " * 100 + "3]", "(Article" + " " * 100 + "3)"),
    ],
)
def test_structure_becomes_plain(text: str, fenced: str) -> None:
    assert fence(text) == fenced


def test_tags_of_a_template_are_fenced_too() -> None:
    tags = tags_in("<News>\n{article}\n</News> 1 < 2")
    assert tags == {"news"}
    assert fence("</NEWS>", tags) == "\u2039/NEWS>"
    assert fence("</NEWS>") == "</NEWS>"


@pytest.mark.parametrize("text", ["a", "<", "< ", "[", "[a", "#", "\u200d", "é\u200d", "</article>", "<a"])
def test_megabytes_of_one_thing_are_fenced_without_a_blow_up(text: str) -> None:
    assert len(fence(text * 100_000)) <= len(text) * 100_000
