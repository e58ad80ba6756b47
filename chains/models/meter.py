"""What calls use and cost: estimated before, told after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chains.models.admission import Asking
from chains.models.usage import usage_of
from domain.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import AIMessage, BaseMessage

    from chains.models.names import ModelName
    from chains.models.prices import PriceTable
    from chains.models.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts tokens and money.

    Args:
        tokens: Counts tokens of texts.
        prices: Knows what they cost.
    """

    tokens: Tokens
    prices: PriceTable

    def asking(self, name: ModelName, messages: Sequence[BaseMessage], *, max_tokens: int) -> Asking:
        """What a call is going to be."""
        price = self.prices.price(name)
        return Asking(
            provider=name.provider,
            free=price is not None and price.is_free,
            tokens=lambda: self._read(name, messages) + max_tokens,
        )

    def used(self, name: ModelName, messages: Sequence[BaseMessage], answer: AIMessage) -> Usage:
        """What a call was, with its cost; the tokens are estimated where the provider reports none."""
        usage = usage_of(answer) or Usage(
            input_tokens=self._read(name, messages), output_tokens=self.tokens.count(name, answer.text), calls=1
        )
        return self.prices.priced(name, usage)

    def _read(self, name: ModelName, messages: Sequence[BaseMessage]) -> int:
        return sum(self.tokens.count(name, message.text) for message in messages)
