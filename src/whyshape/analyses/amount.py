"""A number that knows whether it is all there: complete, partial ("at least"), or unavailable. Unknown is never zero."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Amount(NamedTuple):
    """``value`` and, by name, what could not be counted into it.

    >>> Amount(5) + Amount(None, ("nms",))
    at least 5 (not counted: nms)
    >>> Amount(None, ("nms",)).status
    'unavailable'
    """

    value: int | None
    missing: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """``complete``, ``partial`` or ``unavailable``."""
        return "complete" if not self.missing else "unavailable" if self.value is None else "partial"

    def __add__(self, other):  # type: ignore[override]
        return amount((self, other))

    def __str__(self) -> str:
        if self.value is None:
            return "unknown"
        names = ", ".join(self.missing[:3]) + (f" and {len(self.missing) - 3} more" if len(self.missing) > 3 else "")
        return f"at least {int(self.value)} (not counted: {names})" if self.missing else str(int(self.value))

    def __repr__(self) -> str:
        return str(self)

    def to_dict(self) -> dict:
        """As JSON data."""
        return {"value": None if self.value is None else int(self.value), "status": self.status, "missing": list(self.missing)}

    def words(self, unit=lambda n: f"{n:,}") -> str:
        """For people: ``1,024``, ``at least 1,024`` or ``unknown``; ``unit`` writes the number (`bytes_text`).

        >>> Amount(87360, ("nms",)).words(bytes_text)
        'at least 85.3 KiB'
        """
        return "unknown" if self.value is None else f"{'at least ' if self.missing else ''}{unit(int(self.value))}"


def bytes_text(n: int) -> str:
    """Bytes with a unit of 1024.

    >>> bytes_text(512), bytes_text(87360), bytes_text(25769803776)
    ('512 B', '85.3 KiB', '24.0 GiB')
    """
    size, unit = float(n), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{n} B" if unit == "B" else f"{size:.1f} {unit}"


def amount(parts: Iterable[Amount]) -> Amount:
    """All of them added; what one of them misses, the sum misses."""
    value, missing, known, some = 0, {}, False, False
    for part in parts:
        some = True
        if part.value is not None:
            value, known = value + part.value if known else part.value, True
        for name in part.missing:
            missing[name] = None
    return Amount(value if known or not some else None, tuple(missing))
