"""The call of a layer in the model's own code, its input's axes put as the layer wants them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.lines import atom, call_of_layer, line_edit, replaced


def offers(case: Case) -> Iterator[Offer]:
    call = call_of_layer(case)
    if call is None:
        return
    if len(call.args) == 1 and not call.keywords:
        yield from permuted(case, call)
    yield from one_axis_more(case, call)
    yield from another_kind(case, call)
    yield from maps_in_steps(case, call)
    yield from folded(case, call)
    yield from steps_of_a_cell(case, call)
    yield from mask_of_fewer(case, call)
    yield from state_of_fewer_layers(case, call)


def instead(case: Case, call: ast.Call, new: str, says: str, cost: float, back: str = "") -> Offer:
    """The call with another first argument; ``back`` is done to its result."""
    rest = [*map(ast.unparse, call.args[1:]), *map(ast.unparse, call.keywords)]
    text = f"{ast.unparse(call.func)}({', '.join([new, *rest])}){back}"
    return line_edit(case.problem.file, case.problem.line, call, text, says, cost)


def permuted(case: Case, call: ast.Call) -> Iterator[Offer]:
    """What the layer wants stands on another axis."""
    wanted, x, name = case.wanted, case.x, case.problem.path.rpartition(".")[2]
    if isinstance(wanted, list):
        wanted = wanted[-1] if wanted else None
    it = atom(call.args[0])
    whole = not {"in_features", "in_channels", "input_size"} & set(case.layer[1])  # what is made has the axes of what arrived
    if len(x) == 4 and x[1] == wanted and x[-1] != wanted:
        says = f"the {wanted} channels last for {name}"
        head = "in_features" in case.layer[1] and next(reversed(case.patient.layers)) == case.problem.path
        # the last of all layers reads one place for each picture, not every place by itself
        yield instead(case, call, f"{it}.permute(0, 2, 3, 1)", says, 2.2 if head else 0.9, ".permute(0, 3, 1, 2)")
    if len(x) == 3:
        at = [i for i, n in enumerate(x) if n == wanted]
        here = case.call_inputs[0] in case.graph.inputs and not whole  # the inputs' own axes are changed where they come in
        if not here and ((1 in at and x[-1] != wanted) or (2 in at and x[1] != wanted)):
            says = f"axis {at[-1]} holds the {wanted} that {name} wants"
            counted = whole and 1 in at and case.came_in(1) is True and case.came_in(-1) is False  # steps, not features
            yield instead(case, call, f"{it}.transpose(1, 2)", says, 2.2 if counted else 1.0, ".transpose(1, 2)" if whole else "")
    if len(x) == 4 and x[-1] == wanted != x[1] and "in_channels" in case.layer[1] and (case.came_in(1), case.came_in(-1)) != (False, True):
        yield instead(case, call, f"{it}.permute(0, 3, 1, 2)", f"channels in front for {name}", 1.0)


def one_axis_more(case: Case, call: ast.Call) -> Iterator[Offer]:
    """What arrives has one axis less than the layer, or its state, was made for."""
    x, it, kept = case.x, atom(call.args[0]), case.layer[1]
    if not x or case.call_inputs[0] in case.graph.inputs:
        return  # the inputs' own axes are changed where they come in
    if kept.get("in_channels") == 1 and len(x) == case.spatial + 1 and x[:1] == case.rows:
        yield instead(case, call, f"{it}.unsqueeze(1)", "one channel for each of the batch", 0.4)
    short = case.reading is not None and case.reading.kind in ("state", "rank") and type(case.wanted) is int and type(case.arrived) is int
    if short and x[:1] == case.rows:
        length = 1 if kept.get("batch_first") else 0
        yield instead(case, call, f"{it}.unsqueeze({length})", "a series of one step", 0.7)


def maps_in_steps(case: Case, call: ast.Call) -> Iterator[Offer]:
    """Maps, (N, C, H, W), that reach a layer over steps: each column of a map is a step, or each place is."""
    x, width, it = case.x, case.layer[1].get("input_size"), atom(call.args[0])
    if len(x) != 4 or type(width) is not int:
        return
    turn = "transpose(1, 2)" if case.layer[1].get("batch_first") else "permute(2, 0, 1)"
    if x[1] * x[2] == width:
        yield instead(case, call, f"{it}.flatten(1, 2).{turn}", f"the {x[3]} columns are the steps, {x[1]}*{x[2]} = {width}", 0.6)
    elif x[1] == width:
        yield instead(case, call, f"{it}.flatten(2).{turn}", f"the {x[2]}*{x[3]} places are the steps", 0.8)
    elif x[3] == width and turn.startswith("t"):
        yield instead(case, call, f"{it}.flatten(1, 2)", f"{x[1]}*{x[2]} steps of {width}", 0.9)


def folded(case: Case, call: ast.Call) -> Iterator[Offer]:
    """Clips, (N, T, C, H, W), that reach a layer for pictures: every frame is one of a larger batch."""
    x, it = case.x, atom(call.args[0])
    if case.spatial and len(x) == case.spatial + 3 and x[2] == case.layer[1].get("in_channels"):
        yield instead(case, call, f"{it}.flatten(0, 1)", f"each of the {x[0]}*{x[1]} by itself", 0.9)


def steps_of_a_cell(case: Case, call: ast.Call) -> Iterator[Offer]:
    """A whole series reaches a layer for one step: the layer is called once for each."""
    x, kept = case.x, case.layer[1]
    if "num_layers" in kept or "hidden_size" not in kept or len(x) != 3 or x[-1] != kept.get("input_size") or len(call.args) > 2:
        return
    states = [case.graph.tensors[i].shape for i in case.call_inputs[1:]]
    axis = 0 if states and states[0][:1] == x[1:2] != x[:1] else 1
    cell, steps = ast.unparse(call.func), f"{atom(call.args[0])}.unbind({axis})"
    state = ast.unparse(call.args[1]) if len(call.args) > 1 else "None"
    name = state if state.isidentifier() and state != "None" else "state"
    new = f"({name} := {state}, [{name} := {cell}(step, {name}) for step in {steps}])[1][-1]"
    loop = f"for step in {steps}: {name} = {cell}(step, {name})" + (f"   # from {name} = {state}" if name != state else "")
    (edit,), cost, _ = line_edit(case.problem.file, case.problem.line, call, new, "", 0.6)
    says = f"{case.problem.path.rpartition('.')[2]} reads one step, {x[axis]} arrive: {loop}"
    yield Offer(({**edit, "forward": says},), cost, says)


def state_of_fewer_layers(case: Case, call: ast.Call) -> Iterator[Offer]:
    """States of more layers, or of both directions, than the layer has: those of the last."""
    wanted, arrived = case.wanted, case.arrived
    if not (
        isinstance(wanted, (list, tuple))
        and isinstance(arrived, (list, tuple))
        and len(call.args) == 2
        and len(wanted) == 3 == len(arrived)
    ):
        return
    if tuple(wanted[1:]) == tuple(arrived[1:]) and arrived[0] > wanted[0] and "hidden_size" in case.layer[1]:
        states = call.args[1].elts if isinstance(call.args[1], ast.Tuple) else [call.args[1]]
        new = replaced(call, *((state, f"{atom(state)}[-{wanted[0]}:]") for state in states))
        says = f"{arrived[0]} layers of states arrive: the last {wanted[0] if wanted[0] > 1 else ''}".rstrip()
        yield line_edit(case.problem.file, case.problem.line, call, new, says, 1.6)


def mask_of_fewer(case: Case, call: ast.Call) -> Iterator[Offer]:
    """A mask made before other places were put in front: those take part for all, as zeros in a layer's mask say."""
    few, many = case.arrived, case.wanted
    if case.problem.path not in case.patient.layers or type(few) is not int or type(many) is not int or not 0 < few < many:
        return
    for given in call.keywords:
        ref = case.problem.kwargs.get(given.arg or "")
        shape = case.graph.tensors[ref.tensor].shape if type(ref).__name__ == "Ref" else ()
        if "mask" in (given.arg or "") and shape[-1:] == (few,):
            pads = ", ".join([f"{many - few}, 0"] * (2 if shape[-2:] == (few, few) else 1))
            new = replaced(call, (given.value, f"torch.nn.functional.pad({ast.unparse(given.value)}, ({pads}))"))
            says = f"{many - few} more in front of the {few} of the mask"
            yield line_edit(case.problem.file, case.problem.line, call, new, says, 1.4)


def another_kind(case: Case, call: ast.Call) -> Iterator[Offer]:
    """Numbers of another kind than the layer reads: whole ones, or ones with fractions."""
    if isinstance(case.wanted, str) and case.wanted in CASTS and isinstance(case.arrived, str):
        cast = CASTS[case.wanted]
        yield instead(case, call, f"{atom(call.args[0])}.{cast}()", f"{case.wanted} is wanted", 0.4)


CASTS = {"int64": "long", "float32": "float", "bool": "bool"}


__all__ = ["offers"]
