"""The fence: makes untrusted text safe to stand inside a prompt, without otherwise changing it.

News text, titles, examples and what a model wrote are data. In a prompt they stand between tags (`<article>` and
`</article>`) or after markers (`[Article 3]:`, `###`), inside a message that chat tokens delimit (`<|im_start|>`). None
of them may close its fence, open another one, start a message of its own, or hide anything from a person who reads it:

* fence tags and chat tokens lose their `<` to a quotation mark that looks like it (U+2039), whatever their
  case, spacing, width or invisible filling;
* `[Article 3]`, `[Summary Riddle 3]` and `[INST]` get round brackets; a run of three or more `#` becomes `##`;
* control, bidirectional and zero-width characters go; line and paragraph separators become line breaks. The joiners of
  Persian, Hindi or emoji stay where they stand between such characters.

This cannot stop a model from obeying plain words. The gate judges what comes out.
"""

from __future__ import annotations

import re
import unicodedata

DEFAULT_TAGS = frozenset({"article", "section", "summary", "title", "example", "riddle"})
"""Tags fenced in every prompt; a prompt adds those that its own messages use."""

_CHAT_TOKENS = frozenset(
    {"s", "bos", "eos", "pad", "unk", "mask", "sys", "im_start", "im_end", "endoftext", "start_of_turn", "end_of_turn"}
    | {"turn", "system", "user", "assistant", "human", "ai", "think", "tool_call", "tool_response"}
)
_QUOTE = "\u2039"

_LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]+"
)
_UNSEEN = re.compile("[\r\x0b\x0c\x1c-\x1e\u2028\u2029\u200c\u200d" + _INVISIBLE.pattern[1:-1])
_JOINER = re.compile("[\u200c\u200d]+")
_HASHES = re.compile("[#\uff03\ufe5f]{3,}")
_HASH_GAP = re.compile(r"(?<=[#\uff03\ufe5f])[^\w\s\x00-\x7f\uff03\ufe5f]+(?=[#\uff03\ufe5f])")
_SKIPPED = r"[\s\u0300-\u036f\u200c\u200d\ufe00-\ufe0f]*+"
_OPENING = re.compile(rf"[<\uff1c\ufe64\u226e](?!<)({_SKIPPED}(?:[/\uff0f]{_SKIPPED})?)(?=[^\s<>=0-9])")
_BRACKETED = re.compile(r"[\[\uff3b]([^\[\]\uff3b\uff3d]{1,300})[\]\uff3d]")
_MARKER = re.compile(r"(?:article|summary ?riddle)\b.*|/? ?(?:inst|system_prompt)\b.*")
_TAG_NAME = re.compile(r"\s*[/\uff0f]?\s*([a-z_][a-z0-9_-]*)")
_TEMPLATE_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9_-]*)")
_WINDOW = 80


def fence(text: str, tags: frozenset[str] = DEFAULT_TAGS) -> str:
    """The text with everything neutralised that could be read as the prompt's structure; twice is the same as once.

    Args:
        text: Untrusted text.
        tags: Lower-case names of the tags that prompts use as fences.
    """
    text = _visible(text)
    if "<" in text or not text.isascii():
        text = _OPENING.sub(lambda match: _opening(match, tags), text)
    if "[" in text or not text.isascii():
        text = _BRACKETED.sub(_bracketed, text)
    if not text.isascii():
        text = _HASH_GAP.sub(lambda match: match[0] if _plain(match[0]) else "", text)
    return _HASHES.sub("##", text)


def tags_in(template: str) -> frozenset[str]:
    """Names of the tags that a template uses in its own text, in lower case."""
    return frozenset(name.lower() for name in _TEMPLATE_TAG.findall(template))


def _visible(text: str) -> str:
    if not _UNSEEN.search(text):
        return text
    text = _INVISIBLE.sub("", _LINE_BREAKS.sub("\n", text))
    return _JOINER.sub(_joiner, text)


def _joiner(match: re.Match[str]) -> str:
    start, end = match.span()
    before, after = match.string[max(start - 1, 0) : start], match.string[end : end + 1]
    return match[0][0] if _joins(before) and _joins(after) else ""


def _joins(char: str) -> bool:
    """Whether a joiner beside this character means something: letters and marks beyond Latin, and emoji."""
    if not char or char.isascii():
        return False
    return unicodedata.category(char) in {"Lo", "Mn", "Mc", "So", "Sk"}


def _opening(match: re.Match[str], tags: frozenset[str]) -> str:
    ahead = _plain(match.string[match.end() : match.end() + _WINDOW])
    name = _TAG_NAME.match(ahead)
    forbidden = ahead.startswith("|") or (name is not None and (name[1] in tags or name[1] in _CHAT_TOKENS))
    return _QUOTE + match[1] if forbidden else match[0]


def _bracketed(match: re.Match[str]) -> str:
    return f"({match[1]})" if _MARKER.fullmatch(" ".join(_plain(match[1]).split())) else match[0]


def _plain(text: str) -> str:
    """As a reader would take it: compatibility forms unified, case and everything without a width of its own gone."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if unicodedata.category(char) not in {"Mn", "Me", "Cf"})
