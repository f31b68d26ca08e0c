"""A value as text: the answer, the sums that make it, and PyTorch's number beside ours."""

from __future__ import annotations

import math
from collections.abc import Collection

from whyshape.lab.opened import Part, Term
from whyshape.lab.values import AXES, Value, place


def text(value: Value, open_parts: Collection[int] | None = None) -> str:
    """The value in words and sums. ``open_parts`` names the input maps whose products are shown one by one.

    A sum over one map is opened without asking; a sum over numbers in a row shows its strongest contributions.
    """
    lines = [f"{value.layer} ({value.type}), {place(value.at)}:  {value.result:.6f}", ""]
    kind = value.opened.kind
    if kind == "sum":
        lines += the_sum(value, open_parts)
    elif kind in ("winner", "mean"):
        lines += the_window(value)
    else:
        came = value.opened.parts[0].terms[0]
        came_from = f"comes from {place((came.at or ())[1:])} of its input, where {came.input:.6f} stands"
        lines.append(came_from)
        if value.opened.formula:
            lines.append(f"{value.opened.formula} = {value.result:.6f}")
        elif value.layer and value.type.startswith("Dropout"):
            lines.append("dropout passes everything on in eval mode")
    lines += ["", f"added up here  {value.result:+.6f}", f"PyTorch says   {value.torch:+.6f}   " + agreement(value)]
    if value.flat is not None:
        lines.append(f"flatten puts it at {flat_sum(value)} of {math.prod(value.output_shape)}")
    return "\n".join(lines)


def agreement(value: Value) -> str:
    said = "equal" if value.equal else "NOT EQUAL"
    return f"{said}, the difference is {value.difference:.1e}"


def the_sum(value: Value, open_parts: Collection[int] | None) -> list[str]:
    parts = value.opened.parts
    products = sum(len(part.terms) for part in parts)
    if parts[0].name == "numbers":
        return strongest(value, products)
    one = "its window" if len(parts) == 1 else f"the same window on {len(parts)} maps, {len(parts[0].terms)} products each"
    lines = [f"It reads {one}: {products} products are added to one number."]
    lines += [f"The window covers {covered(parts[0])}.", ""]
    opened = open_parts if open_parts is not None else ([0] if len(parts) == 1 else [])
    for i, part in enumerate(parts):
        lines.append(f"  {part.name:<8} {len(part.terms):>4} products  {part.total:+.6f}")
        if i in opened:
            lines += ["      " + line for line in grid(part)]
    if value.opened.bias is not None:
        lines.append(f"  {'bias':<8} {'':>4}           {value.opened.bias:+.6f}")
    return lines


def covered(part: Part) -> str:
    """``rows 5 to 9, columns 7 to 11``, and how many of its cells are padding."""
    cells = [term.at for term in part.terms if term.at is not None]
    padding = len(part.terms) - len(cells)
    if not cells:
        return "nothing but padding" if part.terms else "no cell at all: nothing but the bias arrives here"
    n = len(cells[0]) - 2
    spans = zip(AXES[n + 1][1:], zip(*(cell[-n:] for cell in cells)))
    words = [f"{name}s {min(i)} to {max(i)}" if min(i) < max(i) else f"{name} {min(i)}" for name, i in spans]
    return ", ".join(words) + (f"; {padding} of its cells {'is' if padding == 1 else 'are'} padding" if padding else "")


def grid(part: Part) -> list[str]:
    """The products of one map, a line for each row of the window: input * weight."""
    rows = [part.terms[i : i + part.row] for i in range(0, len(part.terms), part.row)]
    wide = max((len(cell(term)) for term in part.terms), default=0)
    return ["  ".join(f"{cell(t):>{wide}} * {t.weight:+.4f}" for t in row) for row in rows]  # five side by side fit the screen


def cell(term: Term) -> str:
    return "pad" if term.at is None else f"{term.input:+.4f}"


def the_window(value: Value) -> list[str]:
    opened = value.opened
    terms = opened.parts[0].terms
    winner = opened.winner
    verb = "the largest wins" if opened.kind == "winner" else f"their sum is divided by {opened.divisor}"
    lines = [f"It reads {len(terms)} numbers of {opened.parts[0].name}; {verb}.", ""]
    for term in terms:
        mark = "   <- wins" if term is winner else ""
        lines.append(f"  {place((term.at or ())[1:]):<24} {term.input:+.6f}{mark}")
    return lines


def strongest(value: Value, products: int) -> list[str]:
    positive, negative, others = value.strongest()
    lines = [f"All {products} numbers that come in are multiplied by a weight and added up. The strongest:", ""]
    for term in positive + negative:
        source = value.source(term)
        at = f"number {(term.at or (0,))[-1]}" + (f" ({source})" if source else "")
        lines.append(f"  {term.product:+.6f}  = {term.input:+.4f} * {term.weight:+.4f}   {at}")
    left = products - len(positive) - len(negative)
    lines.append(f"  {others:+.6f}  {left} others together")
    if value.opened.bias is not None:
        lines.append(f"  {value.opened.bias:+.6f}  bias")
    return lines


def flat_sum(value: Value) -> str:
    """``8*16 + 1*4 + 1 = 133``: each index times the cells that one step of it passes over."""
    steps, passed = [], 1
    for n in reversed(value.output_shape):
        steps.append(passed)
        passed *= n
    shown = [f"{i}*{step}" if step > 1 else str(i) for i, step in zip(value.at, reversed(steps))]
    return f"{' + '.join(shown)} = {value.flat}"
