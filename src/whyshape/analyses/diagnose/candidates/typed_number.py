"""A number typed in a line of `forward` that is what arrives, where another is wanted: `h[:, :16]` for `h[:, :8]`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from whyshape.analyses.diagnose.candidates.numbers import pairs
from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.lines import expressions, line_edit, replaced

NEAREST = 8  # calls before the refused one that are looked at


def offers(case: Case) -> Iterator[Offer]:
    lines = dict.fromkeys((node.file, node.line) for node in reversed(case.trail.upstream[-NEAREST:]) if node.file)
    for wanted, arrived in pairs(case):
        for file, line in lines if arrived > 1 and wanted > 0 else ():
            typed = [n for n in expressions(file, line, ast.Constant) if type(n.value) is int and n.value == arrived]
            whole = expressions(file, line, ast.expr)
            if typed and len(whole[-1:]) == 1:
                new = replaced(whole[-1], *((n, str(wanted)) for n in typed))
                yield line_edit(file, line, whole[-1], new, f"{wanted}, not {arrived}", 2.3)


__all__ = ["offers"]
