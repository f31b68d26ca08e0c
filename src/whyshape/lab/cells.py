"""Which cells of the input an output cell reads, along one axis. ``None`` is a cell outside: padding.

A cell of an axis is an index; a window is a list of pairs (place in the kernel, cell or None).
"""

from __future__ import annotations

from itertools import product

Window = list[tuple[int, "int | None"]]


def read_by(place: int, n: int, k: int, s: int, before: int, d: int, mode: str = "zeros") -> Window:
    """The cells under a kernel of ``k`` at output ``place`` when it moves by ``s`` over ``n`` cells padded by ``before``.

    >>> read_by(0, n=28, k=3, s=1, before=1, d=1)
    [(0, None), (1, 0), (2, 1)]
    >>> read_by(0, n=28, k=3, s=1, before=1, d=1, mode="circular")
    [(0, 27), (1, 0), (2, 1)]
    """
    return [(tap, inside(place * s - before + tap * d, n, mode)) for tap in range(k)]


def inside(cell: int, n: int, mode: str) -> int | None:
    """A cell that may lie outside, as the cell whose value stands there; None where that is plain padding."""
    if 0 <= cell < n:
        return cell
    if mode == "replicate":
        return min(max(cell, 0), n - 1)
    if mode == "circular":
        return cell % n
    if mode == "reflect":
        return -cell if cell < 0 else 2 * (n - 1) - cell
    return None


def writing_to(place: int, n: int, k: int, s: int, p: int, d: int) -> Window:
    """The cells of a transposed convolution's input that add to output ``place``: those with ``cell*s + tap*d - p == place``.

    >>> writing_to(3, n=14, k=3, s=2, p=1, d=1)
    [(0, 2), (2, 1)]
    """
    found: Window = []
    for tap in range(k):
        cell, rest = divmod(place + p - tap * d, s)
        if rest == 0 and 0 <= cell < n:
            found.append((tap, cell))
    return found


def shared_out(place: int, n: int, out: int) -> Window:
    """The cells of an adaptive pool's window ``place`` when ``n`` cells are shared out over ``out`` windows.

    >>> [cell for _, cell in shared_out(1, n=7, out=3)]
    [2, 3, 4]
    """
    start, end = place * n // out, -(-(place + 1) * n // out)
    return [(cell - start, cell) for cell in range(start, end)]


def crossed(windows: list[Window]) -> list[tuple[tuple[int, ...], tuple[int, ...] | None]]:
    """Windows of several axes as one list in reading order: (taps, cell), the cell None if any axis is outside."""
    crossing = []
    for pairs in product(*windows):
        inner = tuple(cell for _, cell in pairs if cell is not None)
        crossing.append((tuple(tap for tap, _ in pairs), inner if len(inner) == len(pairs) else None))
    return crossing
