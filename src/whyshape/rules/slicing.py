"""How many places a slice leaves, as a formula."""

from __future__ import annotations

from whyshape.sizes import Size, ceil_div, largest, smallest

FAR = 1 << 62  # what "to the end" is when a program says it as a number


def sliced(n, start=None, stop=None, step=1):
    """How many of ``n`` places ``start:stop:step`` takes; negative ends count from the back, and nothing reaches over the edge.

    >>> sliced(10, 2, -1), sliced(10, None, 3), sliced(10, 0, None, 4), sliced(2, 5)
    (7, 3, 3, 0)
    """
    if not (isinstance(n, Size) or isinstance(start, Size) or isinstance(stop, Size) or isinstance(step, Size)):
        return len(range(n)[start:stop:step])
    size = _span(n, start, stop)
    return size if step == 1 else ceil_div(size, step)


def _span(n, start, stop):
    """The places between two ends. Which side an end counts from is its sign; the rest is arithmetic."""
    if start is None or (not isinstance(start, Size) and start == 0):
        start = None
    if stop is None or stop is n or (not isinstance(stop, Size) and stop >= FAR):
        stop = None
    from_back, to_back = start is not None and bool(start < 0), stop is not None and bool(stop < 0)
    if start is None:
        if stop is None:
            return n
        return largest(n + stop, 0) if to_back else smallest(n, stop)
    if stop is None:
        return smallest(-start, n) if from_back else largest(n - start, 0)
    if from_back:
        if to_back:
            return largest(smallest(stop - start, n + stop), 0)
        return largest(smallest(n, stop) - largest(n + start, 0), 0)
    if to_back:
        return largest(n - start + stop, 0)
    return largest(smallest(n, stop) - start, 0)
