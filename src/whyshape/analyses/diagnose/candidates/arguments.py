"""Constructor arguments: of the layer that refuses, or of one upstream; their values solved from the demand that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from whyshape.analyses.diagnose.candidates.targets import last
from whyshape.analyses.diagnose.case import Case, Offer, edit
from whyshape.analyses.diagnose.trail import Compiled, Knob
from whyshape.sizes import Cond

FAR = 40  # knobs upstream that are looked at
WINDOW = 16  # what kernels, strides and paddings are searched up to
PADDED = ("padding", "output_padding", "pad")  # may be 0
SLIDING = frozenset(["kernel_size", "stride", "padding", "dilation", "output_padding", "pad"])


def offers(case: Case) -> Iterator[Offer]:
    doubt = 0.5 * (case.rows_demand is not None)  # rows that were mixed are first to be kept whole
    for demand in dict.fromkeys((case.one_row_each, case.rows_demand)):
        if demand is not None:
            yield from (offer._replace(cost=offer.cost + doubt) for offer in meeting(case, demand))


def meeting(case: Case, demand: Cond) -> Iterator[Offer]:
    """Arguments whose values meet a demand, alone or the same one in several layers."""
    compiled = Compiled(demand)
    for distance, knob in enumerate(case.trail.knobs(demand.left, demand.right)[:FAR]):
        kept = case.patient.layers.get(knob.path, ("", {}))[1]
        if knob.attr not in kept or isinstance(kept[knob.attr], (str, bool)):
            continue
        own = -1 in knob.nodes
        for value in solutions(compiled, knob, demand.relation):
            for change in as_argument(kept[knob.attr], knob, value):
                cost = (2.0 if own else 3.0 + min(distance, 20) * 0.02) + (1.5 if knob.attr in SLIDING else 0)
                if knob.attr == "stride" and in_step(demand) and between_branches(case):
                    cost -= 3.2  # one branch moves by steps, the other does not
                if knob.attr == "output_padding" and value > knob.value and between_branches(case):
                    cost = 1.3  # a step of 2 leaves open which of two sizes was meant
                cost += 2 * (knob.attr == "dilation" and knob.value == 1)  # whoever spreads a kernel meant to, and does not forget it
                cost += (knob.attr == "groups") + habit(case, knob.path, knob.attr, change)
                layer = f"{case.patient.layers[knob.path][0]} {knob.path}".strip()
                yield Offer((edit(knob.path, knob.attr, change),), cost, f"{layer}: {knob.attr} = {change}, not {shown(kept[knob.attr])}")
    yield from together(case, compiled)


def in_step(demand) -> bool:
    """Whether one side is a whole number of times the other, as where one branch has a stride the other lacks."""
    small, large = sorted((int(demand.left), int(demand.right)))
    return demand.relation == "==" and small > 1 and large % small == 0 and large > small


def together(case: Case, compiled: Compiled) -> Iterator[Offer]:
    """The same argument of several layers of one type: padding forgotten in all of them."""
    demand = compiled.cond
    peers: dict[tuple[str, str], list[Knob]] = {}
    for knob in case.trail.knobs(demand.left, demand.right)[:FAR]:
        kind, kept = case.patient.layers.get(knob.path, ("", {}))
        if (
            knob.attr in ("padding", "stride", "kernel_size", "output_padding")
            and knob.attr in kept
            and not isinstance(kept[knob.attr], str)
        ):
            peers.setdefault((kind, knob.attr), []).append(knob)
    for (kind, attr), group in peers.items():
        values = {shown(case.patient.layers[k.path][1][attr]) for k in group}
        if not 2 <= len(group) <= 8 or len(values) != 1:
            continue
        holds = compiled.holds([id(at) for k in group for at in k.leaves])
        for value in range(0 if attr in PADDED else 1, 8):
            if value != group[0].value and holds(value):
                # a step of 2 leaves open which of two sizes was meant: what output_padding is there for
                cost = 1.3 if attr == "output_padding" else 3.2 if attr == "padding" else 4.5
                alike = [p for p in case.patient.layers if all_but(case, p, attr) == all_but(case, group[0].path, attr)]
                if attr == "padding" and len(alike) > len(group) and in_front(alike, group):
                    edits = tuple(edit(p, attr, value) for p in alike)
                    yield Offer(
                        edits,
                        cost - 0.2,
                        f"{attr} = {value} in every {kind} of kernel_size {shown(case.patient.layers[alike[0]][1]['kernel_size'])}",
                    )
                yield Offer(
                    tuple(edit(k.path, attr, value) for k in group),
                    cost,
                    f"{attr} = {value} in every {kind} ({', '.join(k.path for k in group)})",
                )
                break


def all_but(case: Case, path: str, attr: str) -> list:
    """What makes layers alike: their type, their window, and the argument itself, but not their channels."""
    kind, kept = case.patient.layers[path]
    return [kind, *(repr(kept.get(name)) for name in ("kernel_size", "stride", "dilation", attr))]


def in_front(alike: list[str], group: list[Knob]) -> bool:
    """Whether the layers the demand rests on are among those that are alike: then it is a habit of the whole model."""
    return {k.path for k in group} <= set(alike)


def solutions(compiled: Compiled, knob: Knob, relation: str) -> Iterator[int]:
    """Values of the knob, all its places alike, that meet the demand; the nearest first."""
    now = knob.value
    places = [id(at) for at in knob.leaves]
    holds = compiled.holds(places)
    if now <= WINDOW:
        low = 0 if knob.attr in PADDED else 1
        found = [v for v in sorted(range(low, WINDOW + 1), key=lambda v: (abs(v - now), v)) if v != now and holds(v)]
        yield from found[:2]
        if found:
            return
    if knob.attr in SLIDING:
        return
    if relation != "==":
        step = next((v for v in sorted({*range(max(now - 64, 1), now + 65)}, key=lambda v: abs(v - now)) if v != now and holds(v)), None)
        if step is not None:
            yield step
        return
    sides = compiled.sides(places)
    try:
        here, next_ = sides(now), sides(now + 1)
    except ZeroDivisionError:
        return
    gap, slope = here[0] - here[1], (next_[0] - next_[1]) - (here[0] - here[1])
    if slope and gap % slope == 0:  # both sides are straight lines in a number of channels or features
        value = now - gap // slope
        if value > 0 and value != now and holds(value):
            yield value


def as_argument(kept, knob: Knob, value: int) -> Iterator[int | tuple[int, ...]]:
    """The value as the constructor takes it: a weight holds in_channels/groups, the constructor wants in_channels."""
    if isinstance(kept, int):
        yield value * (kept // knob.value) if knob.value and kept % knob.value == 0 else value
    elif isinstance(kept, (tuple, list)):
        yield value if len(set(kept)) == 1 else tuple(value if n == knob.value else n for n in kept)


def shown(kept):
    """An argument as people write it: (3, 3) is 3."""
    return kept[0] if isinstance(kept, (tuple, list)) and kept and len(set(kept)) == 1 else kept


def between_branches(case: Case) -> bool:
    """Whether two results of the model meet: none of them a parameter, none the target of a loss."""
    return len(case.call_inputs) > 1 and not case.weight and last(case) is None


def keeps_size(kept: dict) -> bool:
    """Whether a window of step 1 gives as many places as it gets."""
    padding, kernel, dilation = (int(shown(kept.get(name, 1))) for name in ("padding", "kernel_size", "dilation"))
    return 2 * padding == dilation * (kernel - 1)


def keeps_step(kept: dict) -> bool:
    """Whether a transposed window gives its step times as many places as it gets."""
    padding, kernel, dilation, more, step = (
        int(shown(kept.get(name, 1))) for name in ("padding", "kernel_size", "dilation", "output_padding", "stride")
    )
    return dilation * (kernel - 1) + 1 - 2 * padding + more == step


def habit(case: Case, path: str, attr: str, value) -> float:
    """What speaks for (below zero) or against a change: what the other layers of the model do, and what everybody does."""
    kind, kept = case.patient.layers[path]
    now, cost = shown(kept[attr]), 0.0
    last = path.rpartition(".")[2]
    peers = Counter(
        repr(shown(k.get(attr)))
        for p, (t, k) in case.patient.layers.items()
        if p != path and t == kind and attr in k and p.rpartition(".")[2] == last
    )
    if attr in SLIDING:
        same = keeps_step if "output_padding" in kept and kind.startswith("ConvTranspose") else keeps_size
        numbers = [shown(kept.get(n, 1)) for n in ("padding", "kernel_size", "dilation")]
        if "padding" in kept and "kernel_size" in kept and all(isinstance(n, int) for n in (*numbers, value)):
            # padding that keeps the size: where two branches should meet, it is what was forgotten
            cost += (2.8 if attr == "padding" and between_branches(case) else 0.6) * (same(kept) - same({**kept, attr: value}))
        if peers:
            cost += 0.8 * ((peers[repr(now)] > 0) - (peers[repr(value)] > 0))
        return cost
    seen = Counter(
        v for p, (_, k) in case.patient.layers.items() for a, v in k.items() if type(v) is int and (p, a) != (path, attr) and v > 3
    )
    if seen[now] and not seen[value]:
        return cost + 0.7
    if seen[value] and not seen[now]:
        return cost - 0.7
    return cost


__all__ = ["offers"]
