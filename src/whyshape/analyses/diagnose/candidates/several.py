"""A layer that gives several things, used as if it gave one: the pair of an LSTM, the dictionary of a segmentation network."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.lines import expressions, line_edit


def offers(case: Case) -> Iterator[Offer]:
    if case.reading is None or case.reading.kind != "several":
        return
    p, says = case.problem, "the first of what the layer gives"
    held = next((a for a in p.args if isinstance(a, dict)), None)
    index = repr(next(iter(held))) if held else "0"
    for call in expressions(p.file, p.line, ast.Call):
        for argument in call.args:
            if isinstance(argument, (ast.Name, ast.Call)):
                yield line_edit(p.file, p.line, argument, f"{ast.unparse(argument)}[{index}]", says, 0.8)
    attribute = re.search(r"has no attribute '(\w+)'", p.message or p.sentence)
    for found in expressions(p.file, p.line, ast.Attribute) if attribute else ():
        if found.attr == attribute[1] and isinstance(found.value, (ast.Name, ast.Call)):  # type: ignore[index]
            yield line_edit(p.file, p.line, found.value, f"{ast.unparse(found.value)}[{index}]", says, 0.8)


__all__ = ["offers"]
