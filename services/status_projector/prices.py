"""What messages cost by our own table (SC-03, SC-04, CF-43)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

OTHER: Final = "other"
"""The price of every type that has none of its own."""

DEFAULT_PRICES: Final = MappingProxyType(
    {
        "text": Decimal("0.005"),
        "image": Decimal("0.005"),
        "document": Decimal("0.005"),
        "audio": Decimal("0.005"),
        "template": Decimal("0.009"),
        OTHER: Decimal("0.005"),
    }
)
"""A message each (SC-03)."""

_PLACES: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Prices:
    """A price for each type."""

    by_type: Mapping[str, Decimal]
    currency: str

    def of(self, message_type: str) -> Decimal:
        """Return the price of one message.

        >>> Prices(DEFAULT_PRICES, "USD").of("sticker")
        Decimal('0.005')
        """
        return self.by_type.get(message_type, self.by_type[OTHER])


def mean(total: Decimal, count: int) -> Decimal:
    """Return the cost of one message, to a millionth; 0 of none (SC-04).

    >>> mean(Decimal("0.019"), 3)
    Decimal('0.006333')
    """
    return (total / count).quantize(_PLACES) if count else Decimal(0)
