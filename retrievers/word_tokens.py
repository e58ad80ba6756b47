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
_SOME = "a"
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
        vocabulary = tokenizer.get_vocab()
        self._begins_word = frozenset(id_ for token, id_ in vocabulary.items() if token.startswith("▁"))
        self._spaces = frozenset(id_ for token, id_ in vocabulary.items() if token and not token.strip("▁"))
        self._of_some = len(self._read(_SOME))
        self._known: dict[str, tuple[int, ...]] = {}

    def ids(self, text: str) -> list[int]:
        """The token ids of a text."""
        if any(special in text for special in self._special):  # found before words are
            return self._read(text)
        if len(self._known) >= CAPACITY:
            self._known = {}
        known = self._known
        words = _WORD.findall(f" {text}" if text else "")
        new = self._learn([word for word in dict.fromkeys(words) if word not in known])
        room = CAPACITY - len(known)
        known.update((word, new[word]) for word in list(new)[:room] if len(word) <= MAX_WORD_CHARS)
        found: list[int] = []
        for word in words:
            found += known.get(word) or new[word]
        return found

    def _learn(self, words: list[str]) -> dict[str, tuple[int, ...]]:
        """The ids of each word; all are read at once, and taken apart where spaces begin."""
        if not words:
            return {}
        parts: list[list[int]] = []
        among_spaces = False
        for id_ in self._read(f"{_SOME}{''.join(words)}")[self._of_some :]:  # for of no text at all no space is kept
            if id_ in self._begins_word and not among_spaces:
                parts.append([])
            parts[-1].append(id_)
            among_spaces = id_ in self._spaces
        return {word: tuple(part) for word, part in zip(words, parts, strict=True)}

    def _read(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids
