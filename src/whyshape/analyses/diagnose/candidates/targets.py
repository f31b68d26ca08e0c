"""What a loss is compared with: class numbers where one-hot rows arrive, an axis of 1 too many or missing."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Input, Offer, edit


def offers(case: Case) -> Iterator[Offer]:
    target = last(case)
    if target is None:
        return
    shape, rank, name = target.shape, len(target.shape), target.name or "the target"
    logits = next((case.graph.tensors[i].shape for i in case.call_inputs if i != target.tensor), ())
    for dim in range(rank - 1, -1, -1):
        if shape[dim] == 1 and rank > 1:
            yield Offer(({"target": "squeeze", "dim": dim},), (0.5 if dim else 1.5), f"{name} without its axis of 1: {name}.squeeze({dim})")
    if len(logits) == rank + 1:
        for dim in range(1, rank + 1):
            if logits[dim] == 1 and (*shape[:dim], 1, *shape[dim:]) == logits:
                yield Offer(
                    ({"target": "unsqueeze", "dim": dim},), 0.5, f"{name} with the axis of 1 the output has: {name}.unsqueeze({dim})"
                )
        if logits[:-1] == shape and target.whole:
            yield Offer(
                ({"target": "one_hot", "classes": logits[-1]},),
                1.8,
                f"{name} as {logits[-1]} columns of 0 and 1: F.one_hot({name}, {logits[-1]}).float()",
            )
    if len(logits) == 2 == rank + 1 and logits[0] == shape[0] and not target.whole:
        yield from one_column(case, name)
    for dim in range(1, rank):
        if shape[dim] == 1:
            continue  # nothing to choose from
        hot = logits[dim : dim + 1] == shape[dim : dim + 1]
        unlike = rank == len(logits) and not hot  # columns for other classes than are scored
        yield Offer(
            ({"target": "argmax", "dim": dim},),
            (0.6 if hot and target.whole else 1.3 if hot else 3.6 if unlike else 2.6) + 0.1 * dim,
            f"{name} as class numbers: {name}.argmax({dim})",
        )
    if rank == 4 and sorted(shape) == sorted(logits) and shape != logits:
        yield Offer(({"target": "permute", "dims": (0, 3, 1, 2)},), 0.8, f"{name} is (N, H, W, C): {name}.permute(0, 3, 1, 2)")
    if rank == 3 and shape[0:1] == logits[0:1] and sorted(shape) == sorted(logits) and shape != logits:
        yield Offer(({"target": "permute", "dims": (0, 2, 1)},), 1.2, f"{name}.permute(0, 2, 1)")


def one_column(case: Case, name: str) -> Iterator[Offer]:
    """One number for each row to be compared with, several given: one output, and the target as a column."""
    for knob in case.trail.knobs(case.trail.size(case.call_inputs[0], 1))[:1]:
        if knob.attr in case.patient.layers.get(knob.path, ("", {}))[1]:
            edits = (edit(knob.path, knob.attr, 1), {"target": "unsqueeze", "dim": 1})
            yield Offer(edits, 1.4, f"{knob.path}: {knob.attr} = 1, not {knob.value}, and {name}.unsqueeze(1)")


def is_loss(case: Case) -> bool:
    """Whether what refused compares an output with a target: by what it is called, or what the last input is called."""
    called = f"{case.problem.type} {case.problem.op}".lower()
    name = case.inputs[-1].name.lower()
    return (
        any(w in called for w in ("loss", "entropy", "nll")) or any(w in name for w in ("target", "label", "truth")) or name in ("y", "gt")
    )


def last(case: Case) -> Input | None:
    """The last input, if the refused call looks at it almost as it is: nothing that learns on its way."""
    if len(case.inputs) < 2 or not is_loss(case):
        return None
    target = case.inputs[-1]
    for tensor in case.call_inputs:
        behind = case.trail.before([tensor])
        met = {tensor, *(i for n in behind for i in n.inputs)}
        if target.tensor in met and not any(case.graph.tensors[i].kind == "parameter" for i in met):
            return target
    return None


__all__ = ["last", "offers"]
