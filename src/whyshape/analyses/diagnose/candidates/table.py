"""Numbers that name a row of a table: larger than the table is long."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Offer, edit
from whyshape.sizes import Size


def offers(case: Case) -> Iterator[Offer]:
    yield from rows(case)
    yield from classes(case)


def classes(case: Case) -> Iterator[Offer]:
    """A class number beyond the scores there are: as many scores as there are classes."""
    if not case.reading or case.reading.kind != "target_index" or not case.call_inputs:
        return
    scores = case.graph.tensors[case.call_inputs[0]].shape
    size = case.trail.size(case.call_inputs[0], 1 if len(scores) > 1 else 0)
    for knob in case.trail.knobs(size):
        if knob.attr in case.patient.layers.get(knob.path, ("", {}))[1]:
            n = case.arrived + 1
            yield Offer(
                (edit(knob.path, knob.attr, n),),
                1.5,
                f"{knob.path}: {knob.attr} = {n}: the classes go from 0 to {n - 1}; if yours start at 1, subtract 1 from them",
            )


def rows(case: Case) -> Iterator[Offer]:
    """A row number beyond the table: a longer table, or fewer numbers to pick from."""
    kept = case.layer[1]
    rows = kept.get("num_embeddings")
    if not isinstance(rows, int) or not case.patient.real or case.problem.path not in case.patient.layers:
        return
    largest = case.trial.largest_index
    made = next((source for t in case.call_inputs for source in chosen_from(case, t)), None)
    if made is not None and int(made) > rows:
        # the numbers were picked from so many scores: there must be as many scores as rows
        for knob in case.trail.knobs(made) if isinstance(made, Size) else ():
            if knob.attr in case.patient.layers.get(knob.path, ("", {}))[1]:
                says = f"{knob.path}: {knob.attr} = {rows}: one score for each of the {rows} rows, not {int(made)}"
                yield Offer((edit(knob.path, knob.attr, rows),), 0.9, says)
    elif largest is not None and largest >= rows:
        yield Offer(
            (edit(case.problem.path, "num_embeddings", largest + 1),),
            1.5,
            f"{case.problem.path}: num_embeddings = {largest + 1}: the largest number is {largest}",
        )


def chosen_from(case: Case, tensor: int) -> Iterator[int]:
    """The sizes of the axes that whole numbers were picked along: they stay below them."""
    for node in reversed(case.trail.before([tensor])):
        ins, outs = node.inputs[:1], node.outputs[-1:]
        if ins and outs and not whole(case, ins[0]) and whole(case, outs[0]):
            shape = tuple(case.trail.size(ins[0], i) for i in range(len(case.graph.tensors[ins[0]].shape)))
            gone = [n for n in shape if int(n) not in case.graph.tensors[outs[0]].shape]
            yield from gone[-1:] or shape[-1:]


def whole(case: Case, tensor: int) -> bool:
    return case.graph.tensors[tensor].dtype.startswith(("int", "uint"))


__all__ = ["offers"]
