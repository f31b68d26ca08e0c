"""Places somebody asks about: a layer, a part of one, the input, the maps, TensorFlow's way; and the slip behind a wrong result."""

from __future__ import annotations

import difflib
from typing import Any

from whyshape.analyses.why import Answer, Reason, _path, _where
from whyshape.analyses.why_rows import laid
from whyshape.analyses.words import name_of, text
from whyshape.analyses.words_notation import Notation
from whyshape.errors import WhyshapeError
from whyshape.graph import Node
from whyshape.sizes import product

INPUT_WORDS = ("input", "spatial", "size", "spatial size", "input size")
CHANNEL_WORDS = ("in_channels", "channels", "maps", "input channel", "input channels", "out_channels")
KERAS_WORDS = ("keras", "tensorflow", "tf", "torch", "pytorch")


def asked(ask, what: str) -> Answer | None:
    """The answer for a place, or None when there is no such place."""
    low = what.lower().strip(" ?")
    if low in INPUT_WORDS:
        return spatial(ask)
    if low in KERAS_WORDS:
        return keras(ask)
    if low == "accepts":
        return accepted(ask)
    node, part = find(ask, what)
    if node is None:
        return channels(ask) if low in CHANNEL_WORDS else None
    return layer(ask, node) if not part else part_of(ask, node, part)


def find(ask, what: str) -> tuple[Node | None, str]:
    """The call a path names, by its full path or its end, and the part of it that is asked for."""
    nodes = ask.graph.nodes
    paths = list(dict.fromkeys(n.path or n.op for n in nodes))
    for cut in (what, what.rpartition(".")[0]):
        hits = [p for p in paths if cut and (p == cut or p.endswith("." + cut))]
        if len(hits) > 1 and cut not in hits:
            raise WhyshapeError(f"{cut!r} names {len(hits)} layers: {', '.join(hits[:6])}; write more of the path")
        if hits:
            path = cut if cut in hits else hits[0]
            part = what[len(cut) + 1 :]
            found = [n for n in nodes if (n.path or n.op) == path]
            return _holding(ask, found, part), part
    head = what.rpartition(".")[0] or what
    near = difflib.get_close_matches(head, paths, 3, 0.5)
    if "." in what and near:
        raise WhyshapeError(f"there is no layer {head!r}; near are {', '.join(near)}")
    return None, ""


def _holding(ask, found: list[Node], part: str) -> Node:
    """Of several calls under one path, the one that has the part."""
    return next((n for n in found if part and part in {k.partition("[")[0] for k in ask.layers.of(n).knobs}), found[0])


def layer(ask, node: Node) -> Answer:
    """A whole layer: what it turns what into, and every number in it."""
    slots = ask.words.slots(node)
    before = " and ".join(text(ask.graph.tensors[i].shape) for i in node.inputs if ask.graph.tensors[i].kind not in ("parameter", "buffer"))
    after = ", ".join(text(ask.graph.tensors[i].shape) for i in node.outputs)
    told = [f"{_path(node)} turns {before} into {after}."]
    told += [line for slot in ("SIZE", "MAPS", "WEIGHTS", "NOTE") for line in slots.get(slot, [])]
    there = [f"In {ask.words.notation.other}: {line}" for line in ask.words.keras(node)[:1]] + ask.words.keras(node)[1:]
    return Answer(_path(node), tuple(_ended(t) for t in told), (), tuple(there))


def _ended(line: str) -> str:
    return line if line.endswith((".", "!", "?")) else line + "."


def part_of(ask, node: Node, part: str) -> Answer:
    """One number of a layer: an argument, its parameters, its maps or sizes."""
    found = ask.layers.of(node)
    ties = {t.knob: t for t in found.typed}
    knobs = {k.partition("[")[0]: k for k in reversed(found.knobs)}
    question = _where(node, part)
    if part in ("parameters", "params", "weights", "weight"):
        if not ask.learned(node):
            return Answer(question, (f"0. {_path(node)} learns nothing.",))
        return _one(question, parameters(ask, node))
    if part in ("maps", "channels"):
        return Answer(question, tuple(_ended(t) for t in ask.words.maps(found) or ["It has no maps of its own."]))
    if part in ties and found.knobs.get(part, 2) >= 1:
        reason = ask.tied(node, part, found.knobs[part])
        return Answer(question, (reason.sentence, *_input_channel(ask, node, part)), (reason,))
    chosen = next((s for s in found.sizes if s.knob.partition("[")[0] == part and s.by in ("chosen", "task")), None)
    if chosen is not None and len([s for s in found.sizes if s.knob.partition("[")[0] == part]) == 1:
        return _one(question, ask.chosen(node, part, chosen.value, chosen.by))
    if part in knobs:
        values = [v for k, v in found.knobs.items() if k.partition("[")[0] == part]
        value = str(values[0]) if len(set(values)) == 1 else " x ".join(map(str, values))
        if filled := ask.layers.filled(node, part):
            return _one(question, ask.left_open(node, part, values[0], filled))
        return _one(
            question, Reason(question, values[0], "chosen", False, f"{value} [chosen] is the {part} of {_path(node)}. You may change it.")
        )
    named = next((s for s in found.sizes if s.name == part), None)
    if named is not None:
        if named.text:
            return _one(question, ask.calculated(node, named.axis, named.value, named.name))
        step = ask.origins.of(node.outputs[0], named.axis)
        at = "the input" if step.node is None else _path(step.node)
        return Answer(question, (f"{named.value}. {_path(node)} leaves the {part} as it is; it comes from {at}.",))
    from whyshape.analyses.words_names import ours

    mine = ours(node, ask.words.notation, part)
    if mine and mine != part:
        found_as = part_of(ask, node, mine)
        said = f"{part} is {mine} here. {found_as.sentences[0]}"
        return found_as._replace(question=question, sentences=(said, *found_as.sentences[1:]))
    has = ", ".join([*dict.fromkeys(knobs), *[s.name for s in found.sizes], "parameters"])
    raise WhyshapeError(f"{_path(node)} has no {part!r}; it has {has}")


def _one(question: str, reason: Reason) -> Answer:
    return Answer(question, (reason.sentence,), (reason,))


def parameters(ask, node: Node) -> Reason:
    """The learned numbers, said as kernels where they slide."""
    reason = ask.parameters(node)
    call = ask.graph.call(node)
    if ask.layers.of(node).window and len(getattr(getattr(call, "weight", None), "shape", ())) > 2:
        shape = [int(n) for n in call.weight.shape]
        words = f"{shape[0]} kernels, each {' x '.join(map(str, shape[1:]))}. {ask.words.weights(node)[0]}. "
        words += f"Written as one array: ({', '.join(map(str, shape))}) = (maps out, maps in, {'kernel height, kernel width' if len(shape) == 4 else 'kernel'}). "
        words += "The image size does not appear: the same weights are used at every place."
        return reason._replace(sentence=words)
    return reason


def _input_channel(ask, node: Node, part: str) -> tuple[str, ...]:
    """What the number of input maps means, where it is asked for."""
    if part != "in_channels":
        return ()
    call: Any = ask.graph.call(node)
    shape = [int(n) for n in getattr(call, "weight", getattr(call, "kernel", None)).shape]
    each = shape[:-1] if ask.words.notation.keras else shape[1:]  # Keras keeps the filters last
    total = int(product(each))
    return (f"Each kernel reads {' x '.join(map(str, each))} = {total} numbers at once and adds them up to one.",)


def channels(ask) -> Answer:
    """What the maps are, from the first layer that makes some."""
    node = next((n for n in ask.graph.nodes if ask.layers.of(n).window and "in_channels" in ask.layers.of(n).knobs), None)
    if node is None:
        raise WhyshapeError("no layer here has input channels")
    reason = ask.tied(node, "in_channels", ask.layers.of(node).knobs["in_channels"])
    found = ask.layers.of(node).knobs
    first = f"{found['in_channels']}. in_channels is how many maps come in: {ask.words.source(ask.layers.of(node), 'in_channels')}. "
    first += "A grey picture has 1, a colour picture 3."
    return Answer(
        "channels", (first, *_input_channel(ask, node, "in_channels"), *[_ended(t) for t in ask.words.maps(ask.layers.of(node))]), (reason,)
    )


def spatial(ask) -> Answer:
    """How the input's size is given: nowhere; the data has it, and one layer may fix it."""
    shape = ask.graph.tensors[ask.graph.inputs[0]].shape
    sliding = [n for n in ask.graph.nodes if ask.layers.of(n).window]
    fixing = next(
        (n for n in ask.graph.nodes for t in ask.layers.exact(n).typed if t.axis and _is_product(ask.origins.of(*t.axis).size)), None
    )
    told = [f"It is not written anywhere: it is in the data you pass, here {text(shape)}."]
    if ask.words.notation.keras and not any(ask.graph.tensors[ask.graph.inputs[0]].axes[1:]):
        told = [f"The model states it: {text(shape[1:])}, maps last."]
    if sliding:
        told.append("Convolution and pooling layers take any size their kernel fits in; the size comes from the formula.")
    if fixing is not None:
        knob = next(t for t in ask.layers.exact(fixing).typed if t.axis and _is_product(ask.origins.of(*t.axis).size))
        told.append(f"Only {_path(fixing)} fixes it: it wants {knob.value} numbers.")
        told += accepted_sentences(ask)
    elif typed := _rows(ask):
        told.append(typed)
        told += accepted_sentences(ask)
    return Answer("input", tuple(told))


def _rows(ask) -> str:
    """The first call that lays all numbers of the input out in rows of a typed size, as view(-1, 320) does."""
    for node in ask.graph.nodes:
        for n in dict.fromkeys(ask.layers.of(node).knobs.values()):
            if laid(ask, node, n) is not None:
                return f"{_path(node)} lays what arrives in rows of {n} numbers: nothing may be left over."
    return ""


def _is_product(size) -> bool:
    return getattr(size, "op", "") == "*"


def accepted_sentences(ask) -> list[str]:
    """Which sizes run, from the exact set over the last two axes of the input."""
    from whyshape.analyses.accepts import accepts

    shapes = free_shapes(ask.graph)
    return [] if shapes is None else [f"Sizes that run: {_ended(str(accepts(ask.graph, shapes)).splitlines()[0])}"]


def free_shapes(graph) -> list[tuple] | None:
    """The inputs' shapes with the letters they were asked with, or else with the first picture's height and width free."""
    shapes = []
    for i in graph.inputs:
        t = graph.tensors[i]
        shapes.append(tuple(letter or int(n) for n, letter in zip(t.shape, t.axes or ("",) * len(t.shape))))
    if any(isinstance(n, str) for s in shapes for n in s[1:]):
        return shapes
    if len(shapes[0]) != 4:
        return shapes if isinstance(shapes[0][0], str) else None
    first = shapes[0]
    maps, _ = Notation(graph).parted(graph.inputs[0])
    return [(first[0], "H", "W", maps) if graph.framework == "keras" else (*first[:2], "H", "W"), *shapes[1:]]


def accepted(ask) -> Answer:
    """Why these inputs are accepted: each constraint with the layer that asks for it."""
    from whyshape.analyses.accepts import accepts

    shapes = free_shapes(ask.graph)
    if shapes is None:
        raise WhyshapeError("the input has no axis to ask about; give letters, as --input N,1,H,W")
    found = accepts(ask.graph, shapes)
    return Answer("accepts", (str(found).splitlines()[0], *[str(c) for c in found.constraints]))


def keras(ask) -> Answer:
    """How the network looks to somebody from TensorFlow."""
    first = next((n for n in ask.graph.nodes if ask.layers.of(n).window), None)
    if first is None:
        raise WhyshapeError("no layer here slides over places; ask `whyshape explain` for the Keras line of each layer")
    line = ask.words.keras(first)
    flat = next(
        (n for n in ask.graph.nodes if ask.words.notes(ask.layers.of(n)) and "lands at" in ask.words.notes(ask.layers.of(n))[0]), None
    )
    told = ["The same: a convolution is a convolution, only the notation differs. PyTorch puts maps first, Keras last."]
    if line:
        told.append(f"{name_of(first)}: {line[0]}")
    if flat is not None:
        told.append(f"{name_of(flat)}: the count is the same but the order differs, so the next layer's weights must be re-ordered.")
    return Answer("keras", tuple(told))


# -- a wrong result, and the slip behind it ----------------------------------------------------------------------------


def slip(ask, answer: Answer, mine: int) -> list[str]:
    """Which common slip gives somebody's own number, found by making the slip."""
    for reason in answer.reasons:
        if reason.value == mine:
            return [f"{mine} is right."]
    for name, step in (("+ 1", _no_start), ("2*padding", _no_padding), ("the floor: it rounds up", _rounds_up)):
        for made, chain in _slipped(ask, step):
            if made == mine:
                return [f"Your {mine} forgets {name}: the sizes would be {' -> '.join(map(str, chain))}."]
    return [f"No common slip gives {mine}."]


def _no_start(n, k, s, p):
    return (n + p - k) // s


def _no_padding(n, k, s, p):
    return (n - k) // s + 1


def _rounds_up(n, k, s, p):
    return -(-(n + p - k) // s) + 1


def _slipped(ask, step):
    """Each product of the network, and the chain under it, with every window's formula slipped; and only the sliding layers with weights."""
    for only_weights in (False, True):
        for node in ask.graph.nodes:
            for size in ask.layers.of(node).sizes:
                origin = ask.origins.of(node.outputs[0], size.axis)
                if not _is_product(origin.size):
                    continue
                total, chain = 1, []
                for leaf in _leaves(origin.size):
                    value, walk = _walk(ask, leaf, step, only_weights)
                    total *= value
                    chain = walk if len(walk) > len(chain) else chain
                yield total, chain


def _leaves(size):
    from whyshape.analyses.layers import factors

    return [f for f in factors(size) if getattr(f, "leaf", None)]


def _walk(ask, leaf, step, only_weights):
    tensor, axis = leaf.leaf.ref[1:]
    steps = ask.origins.chain(tensor, axis)
    if len(steps) < 2:
        return int(leaf), [int(leaf)]
    value = int(steps[0].size)
    chain = [value]
    for at in steps[1:]:
        rank = len(ask.graph.tensors[at.tensor].shape)
        window = ask.layers.of(at.node).window.get(at.axis - rank)
        if window is None:
            return int(leaf), chain
        k, s, p = int(window.dilation) * (int(window.size) - 1) + 1, int(window.stride), int(window.before) + int(window.after)
        weights = any(ask.graph.tensors[i].kind == "parameter" for i in at.node.inputs)
        value = step(value, k, s, p) if weights or not only_weights else (value + p - k) // s + 1
        chain.append(value)
    return value, chain


__all__ = ["asked", "slip"]
