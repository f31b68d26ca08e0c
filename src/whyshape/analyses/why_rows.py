"""Typed rows: what the 320 of ``view(-1, 320)`` must be, and what it does where it is something else."""

from __future__ import annotations

from whyshape.analyses.answer import Reason
from whyshape.analyses.layers import Step, factors, is_batch
from whyshape.graph import Node
from whyshape.sizes import Size, leaves, product


def laid(asked, node: Node, n: int) -> Step | None:
    """The numbers of one input as a product, where a call lays all of them out anew in typed rows of ``n``."""
    derived = asked.layers.exact(node).derived
    for need in derived.needs if derived is not None else ():
        # All of them are a multiple of the rows, or, where nothing was left open, as many as was written.
        left, right = getattr(need.cond, "left", None), getattr(need.cond, "right", None)
        have, rows = left.args if isinstance(left, Size) and left.op == "%" else (left, right)
        if n not in map(int, (part for part in factors(rows) if part is not None)):
            continue
        size = product([part for part in factors(have) if not is_batch(part)])
        if isinstance(size, Size) and sum(_axis(at) for at in leaves(size)) > 1:
            return Step(node, node.outputs[0], -1, size)
    return None


def rows_typed(asked, node: Node, where: str, n: int, reader: str = "") -> Reason | None:
    """Why a typed size of rows is not free, told at the call that lays them out, or at the ``reader`` of its rows."""
    rows = laid(asked, node, n)
    if rows is None or int(rows.size) != n:
        return None
    name = node.path or node.op
    reads = f"{reader} reads the rows of {n} that {name} makes. " if reader else ""
    sentence = (
        f"{n} = {asked.multiplied(rows)} {reads}{name} reads the output of {asked.before(rows)}. You typed {n}, but it is not free: "
        f"{asked.with_input()} it must be {n}, or the batch changes unnoticed, or it fails."
    )
    return Reason(where, n, "calculated", True, sentence, tuple(asked.links(rows)))


def mixed(asked, node: Node, n: int) -> str:
    """What rows do whose typed size does not divide the numbers of one input."""
    rows = laid(asked, node, n)
    if rows is None or int(rows.size) % n == 0:
        return ""
    size = " * ".join(str(int(part)) for part in factors(rows.size))
    return f"Each input has {size} = {int(rows.size)} numbers: rows of {n} mix different inputs."


def _axis(size) -> bool:
    return bool(size.leaf and size.leaf.ref and size.leaf.ref[0] == "axis")
