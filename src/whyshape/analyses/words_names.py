"""What the other framework calls a number: its name and the layer it belongs to, or that nobody types it there."""

from __future__ import annotations

from whyshape.analyses.answer import Answer
from whyshape.analyses.translate_line import kernel_there, spelled, text
from whyshape.analyses.words_notation import Notation
from whyshape.graph import Node
from whyshape.rules.base import NOT_TOLD
from whyshape.rules.twins import NoTwin
from whyshape.sizes import product

MOST = 3  # sentences beside one answer
WEIGHTS = ("parameters", "params", "weights", "weight")


def names(node: Node, notation: Notation) -> dict[str, str]:
    """Our names beside theirs; an empty one is read from what comes in.

    >>> from whyshape.readers.notation import THREAD, build, parse
    >>> graph = build(parse(THREAD), (1, 1, 28, 28))
    >>> told = names(graph.nodes[0], Notation(graph))
    >>> told["out_channels"], told["in_channels"], told["stride"]
    ('filters', '', 'strides')
    """
    found = node.rule.answer("renamed", notation.graph.call(node)) if node.rule is not None else NOT_TOLD
    return found if isinstance(found, dict) else {}


def ours(node: Node, notation: Notation, theirs: str) -> str:
    """The name here of what the other framework calls ``theirs``; empty where it knows no such name, or it is the same."""
    return next((mine for mine, other in names(node, notation).items() if other == theirs != mine), "")


def told(node: Node, notation: Notation, knob: str, value: int | None = None) -> str:
    """A number of a call in the other framework's words, as a sentence; empty where nothing is known.

    >>> from whyshape.readers.notation import THREAD, build, parse
    >>> graph = build(parse(THREAD), (1, 1, 28, 28))
    >>> told(graph.nodes[0], Notation(graph), "out_channels")
    'In Keras it is filters of Conv2D(10, 5).'
    """
    if notation.keras:
        return _in_torch(node, notation, knob, value)
    known, found = names(node, notation), spelled(node, notation)
    if found is None:
        return ""
    call, twin = found
    if knob in WEIGHTS:
        return "" if isinstance(twin, NoTwin) else _weights(node, notation, call, twin)
    if knob not in known:
        return ""
    if isinstance(twin, NoTwin):
        return f"In Keras this layer has no twin: {twin.reason}."
    name = known[knob]
    if not name:
        order = " Its rows stand in another order there." if node.inputs[0] in notation.rows else ""
        return f"In Keras nobody types it: {twin.layer} reads {'it' if value is None else value} from what comes in.{order}"
    if name == "padding" and len(twin.steps) > 1:
        return f"In Keras padding is a layer of its own: {', then '.join(twin.steps)}."
    return f"In Keras it is {name} of {twin.layer}."


def _weights(node: Node, notation: Notation, call, twin) -> str:
    kernel = kernel_there(call, twin)
    if kernel:
        return f"In Keras the {names(node, notation).get('weight', 'kernel')} is stored as {text(kernel)}."
    counted = sum(int(product(getattr(call, move.argument).shape)) for move in twin.weights)
    learned = sum(int(product(t.shape)) for t in map(notation.graph.tensors.__getitem__, set(node.inputs)) if t.kind == "parameter")
    return f"Keras counts {counted}: the running values are among them." if counted > learned else ""


def _in_torch(node: Node, notation: Notation, knob: str, value: int | None) -> str:
    """The same for a layer of Keras: what comes in is typed in PyTorch."""
    from whyshape.analyses import words_torch

    found, name = words_torch.spelled(node, notation), names(node, notation).get(knob, "")
    if found is None or found[1].missing:
        return ""
    if knob in WEIGHTS:
        stored = words_torch.stored(node, notation, found[1])
        return f"In PyTorch: {stored[0][0].lower()}{stored[0][1:]}" if stored else ""
    layer = found[1].init[-1].partition(" = ")[2] if found[1].init else words_torch.code(found[1])
    if not name:
        return ""
    return f"In PyTorch you type it: {name} of {layer}." if value is not None else f"In PyTorch it is {name} of {layer}."


def elsewhere(ask, answer: Answer) -> tuple[str, ...]:
    """What the other framework calls the places of an answer: each sentence once, with the layer where there are several."""
    notation, found = ask.words.notation, {}
    for reason in answer.reasons:
        path, _, knob = reason.where.rpartition(".")
        node = next((n for n in ask.graph.nodes if (n.path or n.op) == path and knob in _knobs(ask, n)), None)
        said = told(node, notation, knob, reason.value if reason.typed else None) if node is not None else ""
        if said:
            found.setdefault(said, path)
    if len(found) < 2:
        return tuple(found)
    return tuple(f"{path}: {said[0].lower()}{said[1:]}" for said, path in list(found.items())[:MOST])


def _knobs(ask, node: Node) -> set[str]:
    """The names of a call's numbers, and of its weights where it has some."""
    return {knob.partition("[")[0] for knob in ask.layers.of(node).knobs} | ({"parameters"} if ask.learned(node) else set())


__all__ = ["elsewhere", "names", "ours", "told"]
