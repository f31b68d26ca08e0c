"""Which rows of a flow stand in which strip of the paper, when it is too tall for one."""

from __future__ import annotations

from whyshape.analyses.layout import Picture

LOOK_BACK = 0.55  # of a strip: from here on a better cut is looked for
EVEN = 0.95  # the same where strips shall be equally high


def strips(sketch: Picture, high: list[float], tall: float, gap: float, look_back: float = LOOK_BACK) -> list[range]:
    """The rows of each strip, at most about ``tall`` high; cut where the fewest lines must be carried over.

    >>> from whyshape.analyses.layout import placed
    >>> chain = placed(6, [(i, i + 1) for i in range(5)])
    >>> strips(chain, [10.0] * 6, 60.0, 10.0)  # ten high and a gap of ten each
    [range(0, 3), range(3, 6)]
    """
    rows, found, first = len(high), [], 0
    carried = carried_over(sketch, rows)
    while first < rows:
        least = min(rows, first + (1 if first else 2))
        while least < rows and not any(high[first:least]):  # where data comes in stands with what it enters
            least += 1
        end = least
        while end < rows and sum(high[first : end + 1]) + gap * (end + 1 - first) <= tall:
            end += 1
        if any(high[end:]):
            enough = look_back * (sum(high[first:end]) + gap * (end - first))
            back = [cut for cut in range(least, end + 1) if sum(high[first:cut]) + gap * (cut - first) >= enough]
            end = min(back, key=lambda cut: (carried[cut], -cut))
        else:  # and where it goes out with what it leaves
            end = rows
        found.append(range(first, end))
        first = end
    return found


def carried_over(sketch: Picture, rows: int) -> list[int]:
    """For each row how many parts above it are read in it or below it: the lines a cut above the row must carry over."""
    last: dict[int, int] = {}
    for a, b, *_ in sketch.edges:
        last[a] = max(last.get(a, 0), sketch.at[b][0])
    return [sum(sketch.at[a][0] < row <= end for a, end in last.items()) for row in range(rows)]
