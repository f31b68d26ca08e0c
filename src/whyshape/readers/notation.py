"""A network written in one line, in PyTorch's words: ``Conv2d(1, 10, 5) > MaxPool2d(2) > Flatten > Linear(320, 50)``.

A label names a layer (``conv_1: Conv2d(1, 10, 5)``); ``?`` leaves a number open (``Linear(?, 50)``). Short words stand for the common
layers, with what comes in left open: ``conv 10 5 > pool 2 > flatten > linear 50``. The same rules answer; only the spelling is read here.
"""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

from whyshape.errors import DoesNotFit, WhyshapeError
from whyshape.graph import Builder, Graph, Module, Stopped
from whyshape.rules import LAYERS

BLANK = ...  # an open number: the `?` of `Linear(?, 50)`

# Short words: the layer, and whether its first number is what comes in.
SHORT = {
    "conv": ("Conv2d", True),
    "conv1d": ("Conv1d", True),
    "conv3d": ("Conv3d", True),
    "pool": ("MaxPool2d", False),
    "maxpool": ("MaxPool2d", False),
    "avgpool": ("AvgPool2d", False),
    "linear": ("Linear", True),
    "dense": ("Linear", True),
    "flatten": ("Flatten", False),
    "relu": ("ReLU", False),
    "dropout": ("Dropout", False),
    "batchnorm": ("BatchNorm2d", True),
}
# Layers whose first number must equal the channels (axis 1) or the features (last axis) that come in.
TAKES_CHANNELS = re.compile(r"(Conv(Transpose)?|BatchNorm|InstanceNorm)\dd$")
TAKES_FEATURES = re.compile(r"(Linear|LayerNorm)$")

THREAD = """conv.conv_1: Conv2d(1, 10, kernel_size=5) > conv.maxpool_1: MaxPool2d(kernel_size=2) > conv.relu_1: ReLU()
 > conv.conv_2: Conv2d(10, 20, kernel_size=5) > conv.dropout_2: Dropout() > conv.maxpool_2: MaxPool2d(kernel_size=2) > conv.relu_2: ReLU()
 > flatten: Flatten() > fc.fc1: Linear(320, 50) > fc.relu_3: ReLU() > fc.dropout_3: Dropout() > fc.fc2: Linear(50, 10)"""


class LayerCall(NamedTuple):
    """One layer as written: its type, its arguments, and its label."""

    name: str
    args: tuple = ()
    kwargs: dict[str, Any] = {}
    label: str = ""

    def __str__(self):
        words = ["?" if a is BLANK else repr(a) for a in self.args] + [
            f"{k}={'?' if v is BLANK else repr(v)}" for k, v in self.kwargs.items()
        ]
        return f"{self.name}({', '.join(words)})"


def looks_like(text: str) -> bool:
    """Whether a target is a network in notation rather than a file or a package.

    >>> looks_like("Conv2d(1, 10, 5) > ReLU"), looks_like("net.py:Net"), looks_like("net.py:make(depth=3)")
    (True, False, False)
    """
    if ">" in text:
        return True
    head = re.match(r"\s*(?:[\w.]+\s*:\s*)?([A-Za-z]\w*)", text)
    return bool(head) and (head.group(1) in SHORT or head.group(1) in LAYERS) and ".py" not in text


def parse(text: str) -> list[LayerCall]:
    """The layers of a line, in order.

    >>> [str(call) for call in parse("conv_1: Conv2d(1, 10, 5) > flatten > Linear(?, 50)")]
    ['Conv2d(1, 10, 5)', 'Flatten()', 'Linear(?, 50)']
    """
    if len(text) > 100_000:
        raise WhyshapeError(f"the notation is {len(text):,} characters long; at most 100,000 are read")
    calls = []
    for number, part in enumerate(_parts(text), 1):
        label, colon, rest = part.partition(":")
        if colon and re.fullmatch(r"\s*[\w.]+\s*", label):
            calls.append(_layer(rest.strip(), number)._replace(label=label.strip()))
        else:
            calls.append(_layer(part.strip(), number))
    return calls


def _parts(text: str) -> list[str]:
    """Split at ``>`` outside brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == ">" and not depth:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return parts


def _layer(text: str, number: int) -> LayerCall:
    if not text:
        raise WhyshapeError(f"layer {number} is empty; write layers as Conv2d(1, 10, 5) > ReLU > Linear(320, 50)")
    words = text.split()
    if words[0].lower() in SHORT and "(" not in text:
        name, takes_in = SHORT[words[0].lower()]
        return LayerCall(name, ((BLANK,) if takes_in else ()) + tuple(_literal(w, text) for w in words[1:]))
    try:
        tree = ast.parse(text.replace("?", "..."), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise WhyshapeError(f"layer {number}, {text[:60]!r}, cannot be read; write it as Conv2d(1, 10, kernel_size=5)") from None
    called = tree.func if isinstance(tree, ast.Call) else tree
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    if name not in LAYERS:
        raise WhyshapeError(f"layer {number}, {(name or text)[:60]!r}, is not known here{_nearest(name)}")
    if not isinstance(tree, ast.Call):
        return LayerCall(name)
    if any(k.arg is None for k in tree.keywords) or any(isinstance(a, ast.Starred) for a in tree.args):
        raise WhyshapeError(f"layer {number}, {text[:60]!r}: write every argument out, * is not read")
    args = tuple(_value(a, text) for a in tree.args)
    return LayerCall(name, args, {str(k.arg): _value(k.value, text) for k in tree.keywords})


def _literal(word: str, text: str):
    try:
        return BLANK if word == "?" else ast.literal_eval(word)
    except (ValueError, SyntaxError):
        raise WhyshapeError(f"{word!r} in {text!r} is not a number") from None


def _value(node, text: str):
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise WhyshapeError(
            f"an argument of {text[:60]!r} is not a plain value: write numbers, tuples, strings, True, False or None"
        ) from None


def _nearest(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, LAYERS, 3)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def build(calls: list[LayerCall], shape, dtype="float32", letters=(), name="", training=False) -> Graph:
    """The graph of these layers one after another; what comes in is put in where it was left open."""
    net = Builder(name, training)
    x = net.input(shape, dtype, "input", letters)
    net.modules.append(Module("", name or "Sequential", training))
    value = x
    try:
        for i, call in enumerate(calls):
            path = call.label or str(i)
            found = str(call) if decided(call) else ""
            net.modules.append(Module(path, call.name, training, found))
            if isinstance(value, (list, tuple)):
                raise WhyshapeError(
                    f"{calls[i - 1]} gives {len(_flat(value))} tensors, {call} takes one: such layers are joined in a forward, not in a line"
                )
            args, kwargs = _filled(call, getattr(value, "shape", ())), call.kwargs
            try:
                value = net.layer(call.name, path, value, args=args, kwargs=kwargs)
            except (TypeError, ValueError, AttributeError, IndexError, KeyError, ZeroDivisionError) as error:
                if isinstance(error, DoesNotFit):
                    raise
                raise WhyshapeError(f"{call} cannot be built: {_reason(error)}") from None
    except Stopped:
        return net.graph()
    return net.graph(*_flat(value))


def _flat(value) -> list:
    """The tensors of a result, which may hold others: an LSTM gives its output and its two last states."""
    return [v for part in value for v in _flat(part)] if isinstance(value, (list, tuple)) else [value]


def _reason(error) -> str:
    return re.sub(r"^\w+_layer\(\) |net, input, ", "", str(error)) or type(error).__name__


def undecided(call: LayerCall) -> list[int | str]:
    """Where a layer leaves a number open that what comes in does not decide: places of arguments, names of keywords.

    >>> undecided(LayerCall("Conv2d", (BLANK, BLANK), {"kernel_size": BLANK})), undecided(LayerCall("Linear", (BLANK, 50)))
    ([1, 'kernel_size'], [])
    """
    places: list[int | str] = [i for i, a in enumerate(call.args) if a is BLANK and (i or not decided(call))]
    return places + [name for name, value in call.kwargs.items() if value is BLANK]


def decided(call: LayerCall) -> bool:
    """Whether the first number is open, and is what comes in."""
    return bool(call.args) and call.args[0] is BLANK and bool(TAKES_CHANNELS.match(call.name) or TAKES_FEATURES.match(call.name))


def settled(calls: list[LayerCall], graph: Graph) -> list[LayerCall]:
    """The layers with what came in put in where it was left open, as it was in ``graph``, which was built from them."""
    first: dict[str, int] = {}
    for node in graph.nodes:
        first.setdefault(node.path, node.inputs[0])
    return [
        call._replace(args=_filled(call, graph.tensors[first[call.label or str(i)]].shape)) if decided(call) else call
        for i, call in enumerate(calls)
    ]


def _filled(call: LayerCall, shape) -> tuple:
    """The arguments, with what comes in where it was left open."""
    if undecided(call):
        raise WhyshapeError(
            f"{call} leaves a number open that what comes in does not decide; `whyshape explain` with an input of fixed sizes looks for it"
        )
    if not decided(call):
        return call.args
    axis = -1 if TAKES_FEATURES.match(call.name) else 1 if "Norm" in call.name else -int(call.name[-2]) - 1
    there = -len(shape) <= axis < len(shape)
    return (shape[axis] if there else 1, *call.args[1:])  # without that axis the layer refuses, and says so
