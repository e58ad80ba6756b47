"""Token ids word by word, so that a word that was met before is not taken apart again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CAPACITY = 30_000
"""Words that are remembered, about 6 MB; when there are more, all are forgotten and the frequent ones soon are back."""

MAX_WORD_CHARS = 32
"""Longer ones are hardly met twice."""

_WORD = re.compile(r"[ ▁]*[^ ▁]+|[ ▁]+")


_NOT_THIS = "a tokenizer whose texts cannot be taken apart word by word"


class WordTokens:
    """What a byte pair encoding without a pre-tokenizer makes of a text, for the price of looking its words up.

    Exact where a space can only begin a token, which is checked: then no merge reaches over the end of a word, and the
    tokens of a text are those of its words, each with the spaces before it. Safe in threads.

    Args:
        tokenizer: Puts a space before every text, as Llama's does.

    Raises:
        ValueError: Its texts cannot be taken apart word by word.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        if tokenizer.pre_tokenizer is not None or any("▁" in token.lstrip("▁") for token in tokenizer.get_vocab()):
            raise ValueError(_NOT_THIS)
        self._tokenizer = tokenizer
        self._special = tuple(token.content for token in tokenizer.get_added_tokens_decoder().values())
        space = tokenizer.token_to_id("▁")
        if space is None:
            raise ValueError(_NOT_THIS)
        self._of_space = (int(space),)
        self._known: dict[str, tuple[int, ...]] = {}

    def ids(self, text: str) -> list[int]:
        """The token ids of a text."""
        if any(special in text for special in self._special):  # found before words are
            return self._read(text)
        known = self._known
        found: list[int] = []
        for word in _WORD.findall(f" {text}" if text else ""):
            ids = known.get(word)
            found += self._learn(word) if ids is None else ids
        return found

    def _learn(self, word: str) -> tuple[int, ...]:
        ids = tuple(self._read(word[1:])) if word[1:] else self._of_space  # the tokenizer puts the space back
        if len(word) <= MAX_WORD_CHARS:
            if len(self._known) >= CAPACITY:
                self._known = {}
            self._known[word] = ids
        return ids

    def _read(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids
