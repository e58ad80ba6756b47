"""The token budget of one prompt, and which examples fit it. Examples go whole, before article text is touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBudget:
    """What a model's window leaves for examples and text.

    Args:
        window: Tokens the model reads and writes together.
        reserved_output: Tokens it may write.
        overhead: Tokens of everything fixed: instructions and chat template.
    """

    window: int
    reserved_output: int = 0
    overhead: int = 0

    @property
    def room(self) -> int:
        """Tokens left, never negative."""
        return max(self.window - self.reserved_output - self.overhead, 0)

    def after(self, tokens: int) -> TokenBudget:
        """The budget with so many more tokens spoken for."""
        return TokenBudget(
            window=self.window, reserved_output=self.reserved_output, overhead=self.overhead + max(tokens, 0)
        )


def fit_examples(
    examples: Sequence[T], counts: Sequence[int] | Callable[[T], int], budget: TokenBudget
) -> tuple[T, ...]:
    """The examples that stay: as many of the most similar ones as fit, in the order given.

    Examples stand with the most similar last, so what stays is the longest end of the list whose tokens fit together.
    None is passed over for a shorter, less similar one; so when the most similar does not fit, none stays.

    Args:
        examples: Most similar last.
        counts: Tokens of each, or a function that counts one; it is called for no more examples than needed.
        budget: What there is room for.

    Raises:
        ValueError: There are not as many counts as examples.
    """
    if not callable(counts) and len(counts) != len(examples):
        message = f"{len(examples)} examples, but {len(counts)} counts"
        raise ValueError(message)
    left = budget.room
    first = len(examples)
    while first > 0:
        left -= counts(examples[first - 1]) if callable(counts) else counts[first - 1]
        if left < 0:
            break
        first -= 1
    return tuple(examples[first:])
