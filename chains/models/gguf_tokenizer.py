"""Builds a model's own tokenizer from its GGUF file, so that tokens can be counted without starting the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tokenizers import Tokenizer

_CONTROL = 3
_LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def tokenizer_of(metadata: Mapping[str, Any]) -> Tokenizer | None:
    """The tokenizer that GGUF metadata describe; None for kinds not known here (anything but byte-level BPE).

    Which cut before the merges a model has is its `tokenizer.ggml.pre`; see llama.cpp's `llama-vocab.cpp`.
    """
    from tokenizers import AddedToken, Tokenizer, models

    cut = _CUTS.get(str(metadata.get("tokenizer.ggml.pre")))
    if metadata.get("tokenizer.ggml.model") != "gpt2" or cut is None:
        return None
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    merges = [(left, right) for left, _, right in (pair.partition(" ") for pair in metadata["tokenizer.ggml.merges"])]
    tokenizer = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = cut()
    kinds: list[int] = metadata.get("tokenizer.ggml.token_type", [])
    control = [token for token, kind in zip(tokens, kinds, strict=False) if kind == _CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return tokenizer


def _gpt2() -> Any:
    from tokenizers import pre_tokenizers

    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _single_digits() -> Any:
    from tokenizers import pre_tokenizers

    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), _gpt2()])


def _split(numbers: str) -> Callable[[], Any]:
    def make() -> Any:
        from tokenizers import Regex, pre_tokenizers

        pattern = Regex(f"{_LETTERS}|{numbers}|{_REST}")
        plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return pre_tokenizers.Sequence([pre_tokenizers.Split(pattern, behavior="isolated"), plain])

    return make


_CUTS: Mapping[str, Callable[[], Any]] = {
    "gpt-2": _gpt2,
    "default": _gpt2,
    "smollm": _single_digits,
    "starcoder": _single_digits,
    "llama-bpe": _split(r"\p{N}{1,3}"),
    "qwen2": _split(r"\p{N}"),
}
