"""What is said of a number that no layer's setting and no formula explains: who holds it, or which call gave it."""

from __future__ import annotations

from whyshape.analyses.answer import Reason
from whyshape.analyses.words import text


def held(why, n: int) -> list[Reason]:
    """The model's own parameters, buffers and constants of this size."""
    found = []
    for i, t in enumerate(why.graph.tensors):
        axes = [str(a) for a, size in enumerate(t.shape) if int(size) == n]
        if axes and t.kind in ("parameter", "buffer", "constant"):
            of = f"{'axis' if len(axes) == 1 else 'axes'} {' and '.join(axes)} of {why.words.held(i)}"
            found.append(Reason(t.name or "a tensor", n, "chosen", False, f"{n} [chosen] is {of}."))
    return found


def bare(why, n: int) -> list[Reason]:
    """The calls that have it as a setting, learn as many numbers, or give it as a size: no formula is known, or it is a 1."""
    found = []
    for node in why.graph.nodes:
        path = node.path or node.op
        for knob in [k for k, value in why.layers.of(node).knobs.items() if value == n]:
            found.append(Reason(f"{path}.{knob}", n, "chosen", False, f"{n} [chosen] is the {knob} of {path}."))
        if why.learned(node) == n:
            found.append(why.parameters(node))
        shape = next((t.shape for t in (why.graph.tensors[i] for i in node.outputs) if n in map(int, t.shape)), None)
        if shape is not None and node.rule is None:
            told = f"{n} [measured] is a size of what {path} gave when it was run, {text(shape)}; no formula is known for it here."
            found.append(Reason(path, n, "measured", False, told))
        elif shape is not None:
            found.append(Reason(path, n, "calculated", False, f"{n} [=] is a size of what {path} gives, {text(shape)}."))
    return found


__all__ = ["bare", "held"]
