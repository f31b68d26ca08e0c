"""If, Loop, Scan, sequences, optionals, and functions kept in the file."""

from __future__ import annotations

from whyshape.graph import Value
from whyshape.readers.onnx.known import Known, whole
from whyshape.readers.onnx.records import GraphRecord
from whyshape.readers.onnx.scope import Op, Opaque, Sequence, Unknown, op

MOST_TURNS = 256  # of a loop that is followed turn by turn


@op("If")
def branch(op: Op):
    held = op.inputs[0] if op.has(0) else None
    then, other = op.attr("then_branch"), op.attr("else_branch")
    if isinstance(held, Known):
        return op.reader.inner(then if bool(held.items[0]) else other, op.scope, [])
    mark = op.net.mark()
    second = op.reader.inner(other, op.scope, [])
    sizes = [look(v) for v in second]
    op.net.forget(mark)
    first = op.reader.inner(then, op.scope, [])
    if [look(v) for v in first] != sizes:
        merged = []
        for value, (a, b) in zip(first, zip([look(v) for v in first], sizes)):
            merged.append(value if a == b else Unknown("which branch runs depends on the numbers, and they give other sizes"))
        return merged
    op.net.note("If: which branch runs depends on the numbers; both give the same sizes, the first is shown")
    return first


def look(value):
    """What is compared of a branch's result."""
    if isinstance(value, (Value, Known)):
        return tuple(value.shape), value.dtype
    return ("a list", tuple(look(v) for v in value.items)) if isinstance(value, Sequence) else repr(value)


@op("Loop")
def loop(op: Op):
    body: GraphRecord = op.attr("body")
    trips, cond = op.inputs[0] if op.has(0) else None, op.inputs[1] if op.has(1) else None
    state = list(op.inputs[2:])
    scans = len(body.outputs) - 1 - len(state)
    rows: list[list] = [[] for _ in range(scans)]
    turns = whole(trips.items[0]) if isinstance(trips, Known) else None
    going = bool(cond.items[0]) if isinstance(cond, Known) else True if cond is None else None
    if going is None or (turns is None and cond is None):
        return _repeating(op, body, state, scans, None)
    if turns is not None and turns > MOST_TURNS:
        return _repeating(op, body, state, scans, turns if cond is None else None)
    mark, turn = op.net.mark(), 0
    while going and (turns is None or turn < turns):
        if turn >= MOST_TURNS:
            op.net.forget(mark)
            return _repeating(op, body, list(op.inputs[2:]), scans, None)
        made = op.reader.inner(body, op.scope, [Known((turn,), ()), Known((True,), (), "bool"), *state])
        if not isinstance(made[0], Known):
            op.net.forget(mark)
            return _repeating(op, body, list(op.inputs[2:]), scans, None)
        going, state = bool(made[0].items[0]), list(made[1 : 1 + len(state)])
        for row, value in zip(rows, made[1 + len(state) :]):
            row.append(value)
        turn += 1
    return state + [_stacked(op, row) for row in rows]


def _stacked(op: Op, row):
    if not row or not all(isinstance(v, (Value, Known)) for v in row):
        return Unknown("nothing was gathered by the loop")
    if all(isinstance(v, Known) and len(v.items) == 1 for v in row):
        return Known(tuple(v.items[0] for v in row), (len(row), *row[0].shape), row[0].dtype)
    return op.net.call("stack", [v if isinstance(v, Value) else op.net.constant(v) for v in row], 0)


def _repeating(op: Op, body, state, scans, turns):
    """A loop whose turns are not followed: what one turn leaves as it was, any number of turns does."""
    why = "how often the loop turns depends on the numbers" if turns is None else f"the loop turns {turns} times; one was followed"
    mark = op.net.mark()
    held = [v if isinstance(v, (Value, Sequence)) or v is None else op.net.constant(v) if isinstance(v, Known) else v for v in state]
    made = op.reader.inner(body, op.scope, [Unknown(why, "int64"), Unknown(why, "bool"), *held])
    after = made[1 : 1 + len(state)]
    keeps = [look(a) == look(b) for a, b in zip(held, after)]
    rows = [look(v) for v in made[1 + len(state) :]]
    op.net.forget(mark)
    out: list = []
    tensors = [v if isinstance(v, Value) else op.net.constant(v) for v in state if isinstance(v, (Value, Known))]
    for value, kept in zip(state, keeps):
        if not kept or not isinstance(value, (Value, Known)):
            out.append(Unknown(f"{why}, and its sizes change from turn to turn"))
        else:
            out += op.net.measured("onnx.Loop", tensors, [(tuple(value.shape), value.dtype)], why)
    for row in rows:
        if turns is None or not isinstance(row[0], tuple):
            out.append(Unknown(why))
        else:
            out += op.net.measured("onnx.Loop", tensors, [((turns, *row[0]), row[1])], why)
    return out


@op("Scan")
def scan(op: Op):
    if op.opset < 9:
        raise Opaque("Scan of opset 8 had another meaning")
    body: GraphRecord = op.attr("body")
    count = op.attr("num_scan_inputs")
    state, streams = op.inputs[: len(op.inputs) - count], [op.x(i) for i in range(len(op.inputs) - count, len(op.inputs))]
    axes = op.attr("scan_input_axes", (0,) * count)
    mark = op.net.mark()
    axes = [a % len(x.shape) for a, x in zip(axes, streams)]
    slices = [op.net.tensor(x.shape[:a] + x.shape[a + 1 :], x.dtype) for a, x in zip(axes, streams)]
    held = [v if isinstance(v, Value) else op.net.constant(v) for v in state]
    made = op.reader.inner(body, op.scope, [*held, *slices])
    seen = [look(v) for v in made]
    before = [look(v) for v in held]
    op.net.forget(mark)
    length = streams[0].shape[axes[0]]
    why = "its body was followed once; every turn gives the same sizes"
    tensors = [v if isinstance(v, Value) else op.net.constant(v) for v in (*state, *streams)]
    out: list = []
    for i, look_ in enumerate(seen):
        if i < len(state):
            if look_ != before[i]:
                raise Opaque("what it carries changes its sizes from turn to turn")
            out += op.net.measured("onnx.Scan", tensors, [look_], why)
        else:
            if not isinstance(look_[0], tuple):
                raise Opaque("its body's sizes are not known")
            axis = op.attr("scan_output_axes", (0,) * (len(seen) - len(state)))[i - len(state)]
            shape = list(look_[0])
            shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, length)
            out += op.net.measured("onnx.Scan", tensors, [(tuple(shape), look_[1])], why)
    return out


def listed(op: Op, i: int = 0) -> Sequence:
    held = op.inputs[i] if op.has(i) else None
    if not isinstance(held, Sequence):
        raise Opaque("which tensors the list holds is not known")
    return held


def at(op: Op, i: int, length: int, default: int) -> int:
    return whole(op.numbers(i)[0]) % max(length, 1) if op.has(i) else default


@op("SequenceConstruct", "SequenceEmpty")
def construct(op: Op):
    return Sequence(tuple(op.inputs))


@op("SequenceInsert")
def insert(op: Op):
    items = list(listed(op).items)
    where = whole(op.numbers(2)[0]) if op.has(2) else len(items)
    items.insert(where + len(items) if where < 0 else where, op.inputs[1])
    return Sequence(tuple(items))


@op("SequenceErase")
def erase(op: Op):
    items = list(listed(op).items)
    del items[at(op, 1, len(items), len(items) - 1)]
    return Sequence(tuple(items))


@op("SequenceAt")
def item(op: Op):
    items = listed(op).items
    if not op.has(1) or not isinstance(op.inputs[1], Known):
        if len({repr(look(v)) for v in items}) == 1:
            return items[0]
        raise Opaque("which tensor of the list is taken depends on the numbers")
    return items[at(op, 1, len(items), 0)]


@op("SequenceLength")
def length(op: Op):
    return Known((len(listed(op).items),), ())


@op("SplitToSequence")
def split(op: Op):
    x, axis = op.x(), op.attr("axis", 0) % len(op.x().shape)
    if not op.has(1):
        pieces = op.net.call("split", x, 1, axis)
        return Sequence(tuple(pieces if op.attr("keepdims", 1) else [op.net.call("squeeze", p, axis) for p in pieces]))
    k = op.known(1)
    sizes = tuple(k.items) if k.shape else k.items[0]
    return Sequence(tuple(op.net.call("split", x, sizes, axis)))


@op("ConcatFromSequence")
def join(op: Op):
    items = [v if isinstance(v, Value) else op.net.constant(v) for v in listed(op).items if v is not None]
    return op.net.call("stack" if op.attr("new_axis", 0) else "cat", items, op.attr("axis"))


@op("SequenceMap")
def mapped(op: Op):
    body = op.attr("body")
    length = len(listed(op).items)
    rows = []
    for i in range(length):
        rows.append(op.reader.inner(body, op.scope, [v.items[i] if isinstance(v, Sequence) else v for v in op.inputs]))
    return [Sequence(tuple(column)) for column in zip(*rows)]


@op("Optional", "OptionalGetElement")
def optional(op: Op):
    if not op.has(0):
        raise Opaque("an optional without a value")
    return op.inputs[0]


@op("OptionalHasElement")
def has_element(op: Op):
    return Known((op.has(0),), (), "bool")
