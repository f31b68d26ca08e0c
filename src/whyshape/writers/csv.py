"""Comma-separated values, as spreadsheets read them: no cell can become a formula there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from whyshape.writers.plain import one_line


def write(columns: Iterable[str], rows: Iterable[Iterable]) -> str:
    """Rows of numbers and text; None is an empty cell, a tuple of sizes stands as ``1x10x24x24``.

    >>> print(write(("layer", "output", "macs"), [("conv_1", (1, 10), None)]), end="")
    layer,output,macs
    conv_1,1x10,
    """
    out = io.StringIO()
    made = csv.writer(out, lineterminator="\n")
    made.writerow(columns)
    made.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value):
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, (tuple, list)):
        return "x".join(map(str, value))
    text = one_line(str(value))
    return f"'{text}" if text[:1] in "=+-@" and text[:1] and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
