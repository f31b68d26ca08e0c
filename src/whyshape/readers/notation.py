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
    notes: list[str] = []
    net.modules.append(Module("", name or "Sequential", training))
    value = x
    try:
        for i, call in enumerate(calls):
            path = call.label or str(i)
            net.modules.append(Module(path, call.name, training))
            args, kwargs = _filled(call, value, notes, path)
            try:
                value = net.layer(call.name, path, value, args=args, kwargs=kwargs)
            except (TypeError, ValueError, AttributeError, IndexError, KeyError, ZeroDivisionError) as error:
                if isinstance(error, DoesNotFit):
                    raise
                raise WhyshapeError(f"{call} cannot be built: {_reason(error)}") from None
    except Stopped:
        return net.graph(notes=tuple(notes))
    outputs = value if isinstance(value, list) else [value]
    return net.graph(*outputs, notes=tuple(notes))


def _reason(error) -> str:
    return re.sub(r"^\w+_layer\(\) |net, input, ", "", str(error)) or type(error).__name__


def _filled(call: LayerCall, value, notes, path):
    args = list(call.args)
    if args and args[0] is BLANK:
        if TAKES_CHANNELS.match(call.name):
            words = re.match(TAKES_CHANNELS, call.name)
            spatial = int(call.name[-2])
            args[0] = value.shape[1 if words and "Norm" in call.name else -spatial - 1]
        elif TAKES_FEATURES.match(call.name):
            args[0] = value.shape[-1]
        if args[0] is not BLANK:
            notes.append(f"{path}: {call} takes {args[0]}, which is what comes in")
    if any(a is BLANK for a in [*args, *call.kwargs.values()]):
        raise WhyshapeError(
            f"{call} leaves a number open that what comes in does not decide; `whyshape accepts` and `whyshape solve` look for it"
        )
    return tuple(args), call.kwargs
