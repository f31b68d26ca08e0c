"""Parameters with a size of their own: tables of positions made for another picture or a longer text."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.lines import operands
from whyshape.analyses.diagnose.trail import Compiled, Knob, references


def offers(case: Case) -> Iterator[Offer]:
    yield from turned(case)
    yield from lacking_axes(case)
    demand = case.trail.demand
    if demand is None:
        return
    compiled = Compiled(demand)
    operands = list(references((case.problem.args, case.problem.kwargs)))
    knobs = [k for k in case.trail.knobs(demand.left, demand.right) if k.attr.startswith("[") and free(case, k.path)]
    for group in groups(knobs):
        leaves = [at for k in group for at in k.leaves]
        now = int(leaves[0])
        near = dict.fromkeys([int(v) for v in (demand.left, demand.right)] + list(range(1, 65)))
        holds = compiled.holds([id(at) for at in leaves])
        value = next((v for v in near if v != now and v > 0 and holds(v)), None)
        if value is None:
            continue
        shapes = {k.path: list(shape_of(case, k.path)) for k in group}
        for k in group:
            shapes[k.path][int(k.attr[1:-1])] = value
        edits = tuple({"param": path, "shape": tuple(shape)} for path, shape in shapes.items())
        text = ", ".join(f"{p} of shape {'x'.join(map(str, s))}" for p, s in shapes.items())
        far = not any(
            case.graph.tensors[i].name in shapes for i in operands
        )  # not what the refused call was given, but something before it
        yield Offer(edits, 2.2 + 0.1 * (len(edits) - 1) + 0.3 * far, f"{text}: made for what arrives")


def turned(case: Case) -> Iterator[Offer]:
    """A weight of two axes typed the other way round: (in, out) where (out, in) is read."""
    for i in references((case.problem.args, case.problem.kwargs)):
        t = case.graph.tensors[i]
        if t.kind == "parameter" and len(t.shape) == 2 and t.shape[0] != t.shape[1] and case.multiplies and free(case, t.name):
            edit = {"param": t.name, "shape": t.shape[::-1]}
            yield Offer((edit,), 1.8, f"{t.name} of shape {t.shape[1]}x{t.shape[0]}: its two axes the other way round")


def lacking_axes(case: Case) -> Iterator[Offer]:
    """A weight of one's own with fewer axes than the operator reads: axes of 1 in front."""
    for i in references((case.problem.args, case.problem.kwargs)):
        t = case.graph.tensors[i]
        if case.lacking > 0 and t.kind in ("parameter", "buffer") and len(t.shape) == case.arrived and free(case, t.name):
            shape = (1,) * case.lacking + t.shape
            yield Offer(
                ({"param": t.name, "shape": shape},), 2.2, f"{t.name} of shape {'x'.join(map(str, shape))}: {case.wanted} axes are read"
            )
            for given in operands(case):
                if given.tensor == i:
                    index = ", ".join(["None"] * case.lacking)
                    yield given.instead(case, f"{given.text}[{index}]", f"{case.wanted} axes are read", 1.0)


def free(case: Case, path: str) -> bool:
    """Whether the parameter is no argument of a layer PyTorch has: those are changed by their arguments."""
    holder, _, name = path.rpartition(".")
    kind, kept = case.patient.layers.get(holder, ("", {}))
    return (kind not in case.patient.types or not any(type(v) is int for v in kept.values())) and name not in (
        "running_mean",
        "running_var",
    )


def groups(knobs: list[Knob]) -> Iterator[list[Knob]]:
    """Each parameter's axis alone; and all that have the same size together, as the sides of a square have."""
    for knob in knobs:
        yield [knob]
    by_value: dict[int, list[Knob]] = {}
    for knob in knobs:
        by_value.setdefault(knob.value, []).append(knob)
    yield from (group for group in by_value.values() if len(group) > 1)


def shape_of(case: Case, name: str) -> tuple[int, ...]:
    return next(t.shape for t in case.graph.tensors if t.name == name and t.kind in ("parameter", "buffer"))


__all__ = ["offers"]
