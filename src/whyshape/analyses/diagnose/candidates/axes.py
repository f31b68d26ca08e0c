"""The inputs' axes: one missing, one too many, in another order, laid out as rows."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from whyshape.analyses.diagnose.candidates.targets import last
from whyshape.analyses.diagnose.case import Case, Input, Offer
from whyshape.sizes import product


def offers(case: Case) -> Iterator[Offer]:
    target = last(case)
    for i in case.inputs[:4]:
        if target is not None and i.tensor == target.tensor:
            continue  # a loss's target has a source of its own
        channels, spatial = reader(case, i)
        yield from missing(case, i, channels, spatial)
        yield from extra(case, i, channels, spatial)
        yield from order(case, i, channels, spatial)
        yield from rows(case, i, channels, spatial)
    yield from several(case)


def put(i: Input | str, op: str, **how) -> tuple[dict, ...]:
    arg = i if isinstance(i, str) else i.arg
    return ({"input": op, **how, **({"arg": arg} if arg != 0 else {})},)


def called(i: Input) -> str:
    return i.name or "the input"


def reader(case: Case, i: Input) -> tuple[int | None, int]:
    """What first looks at the input through a window: the channels it wants, and over how many axes it slides."""
    known = {i.tensor}
    calls = [(n.path, n.inputs, n.outputs) for n in case.graph.nodes]
    calls.append((case.problem.path, tuple(case.call_inputs) + parameters(case), ()))
    for path, inputs, outputs in calls:
        if known & set(inputs):
            kept = case.patient.layers.get(path, ("", {}))[1]
            weights = [case.graph.tensors[t].shape for t in inputs if case.graph.tensors[t].kind == "parameter"]
            if "in_channels" in kept:
                return kept["in_channels"], len(weights[0]) - 2 if weights else 0
            if weights:
                return None, 0
            known |= set(outputs)
    return None, 0


def parameters(case: Case) -> tuple[int, ...]:
    from whyshape.analyses.diagnose.trail import references

    return tuple(t for t in references((case.problem.args, case.problem.kwargs)) if case.graph.tensors[t].kind == "parameter")


def missing(case: Case, i: Input, channels: int | None, spatial: int) -> Iterator[Offer]:
    rank, name = len(i.shape), called(i)
    if spatial:
        if rank == spatial + 1:
            fits = i.shape[0] == channels
            yield Offer(put(i, "unsqueeze", dim=0), 0.4 if fits else 1.6, f"{name} has no batch axis: {name}.unsqueeze(0)")
            if channels == 1 and i.shape[0] != 1:
                yield Offer(put(i, "unsqueeze", dim=1), 0.45, f"{name} has no channel axis: {name}.unsqueeze(1)")
        if rank == spatial + 1 and spatial == 2 and channels == 3 and 3 not in (i.shape[0], i.shape[-1]):
            at = 0 if i.shape[0] == 1 else 1  # one grey picture, or grey pictures that never had the axis
            grey = put(i, "unsqueeze", dim=at) + put(i, "expand_channels", to=3)
            yield Offer(grey, 1.1, f"{name} holds grey pictures: {name}.unsqueeze({at}).expand(-1, 3, -1, -1)")
        if rank == spatial and channels == 1:
            both = put(i, "unsqueeze", dim=0) + put(i, "unsqueeze", dim=0)
            side = isqrt(i.shape[-1])
            flat = rank == 2 and side > 4 and side * side == i.shape[-1]
            yield Offer(both, 2.8 if flat else 0.8, f"{name} has neither batch nor channel axis: {name}[None, None]")
        if rank == spatial and channels and i.shape[0] != 1:
            yield Offer(put(i, "unsqueeze", dim=1), 1.4, f"{name} has no channel axis: {name}.unsqueeze(1)")
        return
    short = case.lacking == 1 or (case.reading and case.reading.kind == "rank")
    near = i.tensor in case.call_inputs or case.near_input() == i
    rows_in_front = case.reading is not None and case.reading.kind == "state" and near and not i.arg and case.layer[1].get("batch_first")
    for dim in range(rank + 1):
        cost = (0.8 if short else 3.6) + (0 if near else 1.0) + 0.1 * dim
        if rows_in_front and dim == rank - 1 == 1:
            cost = 0.9  # rows that meet the states of a batch: a series of one step each
        yield Offer(put(i, "unsqueeze", dim=dim), cost, f"{name} lacks an axis: {name}.unsqueeze({dim})")


def extra(case: Case, i: Input, channels: int | None, spatial: int) -> Iterator[Offer]:
    rank, name = len(i.shape), called(i)
    too_many = (spatial and rank > spatial + 2) or (case.reading and case.reading.kind == "rank") or case.lacking == -1
    for dim, n in enumerate(i.shape):
        if n == 1 and rank > 1:
            yield Offer(
                put(i, "squeeze", dim=dim), 0.7 if too_many and dim else 3.2, f"{name} has an axis of 1 too many: {name}.squeeze({dim})"
            )
    if too_many and rank > 1:
        for dim in range(rank):
            cost = 3.8 + 0.1 * dim + 0.4 * (i.shape[dim : dim + 1] == case.rows)  # one of the batch is less than one step of all
            yield Offer(put(i, "index", dim=dim, index=0), cost, f"only the first along axis {dim} of {name}")


def order(case: Case, i: Input, channels: int | None, spatial: int) -> Iterator[Offer]:
    rank, name = len(i.shape), called(i)
    if spatial and rank in (spatial + 1, spatial + 2):
        at = rank - spatial - 1
        for j, n in enumerate(i.shape):
            if n == channels and j != at and i.shape[at] != channels:
                dims = [d for d in range(rank) if d != j]
                dims.insert(at, j)
                at_end = j == rank - 1
                says = (
                    f"{name} arrives as height x width x channels: {name}.permute{tuple(dims)}"
                    if at_end and spatial > 1
                    else f"{name}.permute{tuple(dims)}"
                )
                # an axis of 1 proves nothing; channels behind a first axis look like a batch for fewer axes
                cost = (0.3 if at_end and spatial > 1 else 0.9) + 1.8 * (n == 1) + 1.2 * (at == 0 and j == 1)
                yield Offer(put(i, "permute", dims=tuple(dims)), cost, says)
                if rank == spatial + 1 and at == 0:
                    yield Offer(
                        put(i, "permute", dims=tuple(dims)) + put(i, "unsqueeze", dim=0),
                        cost + 0.6,
                        f"{name}.permute{tuple(dims)}.unsqueeze(0)",
                    )
        return
    wanted = case.wanted
    near = i.tensor in case.call_inputs or case.near_input() == i
    if rank >= 2 and type(wanted) is int and near:
        for j, n in enumerate(i.shape[:-1]):
            if n == wanted and j:
                dims = [d for d in range(rank) if d != j] + [j]
                yield Offer(
                    put(i, "permute", dims=tuple(dims)),
                    1.1,
                    f"the {wanted} features of {name} stand on axis {j}: {name}.permute{tuple(dims)}",
                )
    if rank in (2, 3) and (case.problem.kind == "shape" or case.reading):
        cost = 2.6 + (0 if rank == 3 else 1) + (0 if near else 0.7)
        if last(case) is not None and sorted(i.shape[:2]) in ([case.wanted, case.arrived], [case.arrived, case.wanted]):
            cost = 1.2  # the loss counts along the other axis
        yield Offer(
            put(i, "permute", dims=(1, 0, 2)[:rank]),
            cost,
            f"the first two axes of {name} change places",
        )


def rows(case: Case, i: Input, channels: int | None, spatial: int) -> Iterator[Offer]:
    rank, name, shape = len(i.shape), called(i), i.shape
    if spatial == 2 and channels and rank in (1, 2):
        side = isqrt(shape[-1] // channels)
        if side > 1 and channels * side * side == shape[-1]:
            rows_of = (shape[0] if rank == 2 else 1, channels, side, side)
            yield Offer(put(i, "reshape", shape=rows_of), 0.5, f"{shape[-1]} = {channels}*{side}*{side}: {name}.reshape{rows_of}")
    if spatial > 1 and rank == 2 and channels and channels > 1 and shape[1] == channels:
        new = (*shape, *(1,) * spatial)
        yield Offer(put(i, "reshape", shape=new), 0.5, f"{name} has one place: {name}.reshape{new}")
    if spatial == 1 and channels and rank == 2 and channels > 1 and shape[1] % channels == 0:
        yield Offer(put(i, "reshape", shape=(shape[0], channels, shape[1] // channels)), 1.5, f"{name} cut into {channels} channels")
    if spatial and rank == spatial + 3:
        folded = (shape[0] * shape[1], *shape[2:])
        yield Offer(
            put(i, "reshape", shape=folded),
            (0.6 if shape[2] == channels else 1.9) + 0.8 * (shape[1] == 1),
            f"fold axis 1 of {name} into the batch: {name}.flatten(0, 1)",
        )
        if shape[1] * shape[2] == channels:
            yield Offer(
                put(i, "reshape", shape=(shape[0], channels, *shape[3:])),
                0.6 + 0.8 * (shape[1] == 1),
                f"lay axis 1 of {name} into the channels: {name}.flatten(1, 2)",
            )
    wanted = case.wanted
    near = i.tensor in case.call_inputs or case.near_input() == i
    if not spatial and rank > 2 and near and type(wanted) is int and product(shape[1:]) == wanted:
        yield Offer(put(i, "reshape", shape=(shape[0], wanted)), 0.9, f"{name} laid out in rows: {name}.flatten(1)")
    if not spatial and near and rank == 2 and type(wanted) is int and shape[1] != wanted and shape[1] % wanted == 0 and wanted > 1:
        yield Offer(put(i, "reshape", shape=(shape[0], shape[1] // wanted, wanted)), 3.0, f"{name} cut into steps of {wanted}")


def several(case: Case) -> Iterator[Offer]:
    """The same change to several inputs of one shape, and to all of them."""
    if len(case.inputs) < 2:
        return
    groups: dict[tuple[int, ...], list[Input]] = {}
    for i in case.inputs:
        groups.setdefault((len(i.shape),), []).append(i)
    state = bool(case.reading and case.reading.kind == "state") or "state" in case.problem.sentence
    for rank, group in groups.items():
        rest = [i for i in group if i.arg]
        if rank[0] <= 2 and rest and len(case.inputs) <= 6:
            edits = tuple(e for i in rest for e in put(i, "unsqueeze", dim=0))
            yield Offer(edits, 0.6 if state else 2.8, f"{' and '.join(called(i) for i in rest)} lack their first axis")
        ones = [i for i in rest if rank[0] > 1 and i.shape[0] == 1]
        if len(ones) > 1:
            edits = tuple(e for i in ones for e in put(i, "squeeze", dim=0))
            yield Offer(edits, 0.7 if state else 3.0, f"{' and '.join(called(i) for i in ones)} have an axis of 1 too many in front")
        if rank[0] == 3 and len(group) == len(case.inputs):
            yield Offer(put("all", "permute", dims=(1, 0, 2)), 2.2, "the first two axes of every input change places")
        if rank[0] == 3 and len(rest) > 1:
            yield Offer(
                tuple(e for i in rest for e in put(i, "permute", dims=(1, 0, 2))), 2.4, "the first two axes of the states change places"
            )
    yield from matched(case, state)


def matched(case: Case, state: bool) -> Iterator[Offer]:
    """An axis of one input repeated or cut to what another, or the layer, wants."""
    wanted, arrived = case.wanted, case.arrived
    if isinstance(wanted, (list, tuple)) and isinstance(arrived, (list, tuple)) and len(wanted) == len(arrived):
        differ = [(d, w, a) for d, (w, a) in enumerate(zip(wanted, arrived)) if w != a]
    elif type(wanted) is int and type(arrived) is int:
        differ = [(None, wanted, arrived)]
    else:
        return
    for d, w, a in differ[:2]:
        for i in case.inputs:
            if len(i.shape) == 2 and i.shape != i.shape[::-1] and a in i.shape and w == i.shape[1 - i.shape.index(a)] and i.arg:
                yield Offer(put(i, "permute", dims=(1, 0)), 1.0, f"the two axes of {called(i)} change places")
        if len(differ) > 1 and d is not None and state:
            yield from (
                Offer(put(i, "permute", dims=(1, 0, 2)), 1.0, f"{called(i)} with its first two axes exchanged")
                for i in case.inputs
                if i.shape == tuple(arrived)
            )
        target = last(case)
        for i in case.inputs:
            for dim, n in enumerate(i.shape):
                if (target is not None and i.tensor == target.tensor) or n != a or (d is not None and dim != d) or w <= 0 or a <= 0:
                    continue
                same = [j for j in case.inputs if j.shape == i.shape and j.arg] if i.arg else [i]
                for group in ([i],) if len(same) < 2 else ([i], same):
                    if w > a and w % a == 0:
                        edits = tuple(e for j in group for e in put(j, "repeat_interleave", dim=dim, repeats=w // a))
                        yield Offer(
                            edits, (1.4 if i.arg else 3.4) + 0.1 * (len(group) == 1), f"axis {dim} of {called(i)} repeated {w // a} times"
                        )
                    if a > w:
                        edits = tuple(e for j in group for e in put(j, "slice", dim=dim, to=w))
                        # the last batch is shorter than the state that was made for a full one
                        cost = (1.5 if state and d else 2.9) + 0.1 * (len(group) == 1)
                        yield Offer(edits, cost, f"only the first {w} along axis {dim} of {called(i)}")


__all__ = ["offers"]
