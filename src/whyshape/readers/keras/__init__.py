"""The Keras reader: `read(file or model)` gives the graph that a `.keras` file or a live Keras 3 model describes.

Its config is read as data. No weight is read, no code of the file is run, and for a file neither Keras nor a backend is imported.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Stopped
from whyshape.readers.keras.archive import config_of
from whyshape.readers.keras.layers import LAYERS
from whyshape.readers.keras.model import Walk, references
from whyshape.readers.net import Net, first_that_runs, fixed_at, freed, wanted_shapes
from whyshape.sizes import recording

LETTERS = {1: "N", 2: "NF", 3: "NLC", 4: "NHWC", 5: "NDHWC"}


def read(source: str | Path | Any, input_size=None, dtypes=None, letters=None) -> Graph:
    """The graph of a `.keras` file, or of a live Keras 3 model; `None` axes are free.

    ``input_size``: one shape, or one for each input, with the batch. ``letters``: for each input its free axes' letters.
    Raises `WhyshapeError` for a file that is damaged or too large, and for a model that only its code describes.
    """
    return followed(config_of(source) if isinstance(source, (str, Path)) else described(source), input_size, dtypes, letters)


def followed(held: dict, input_size=None, dtypes=None, letters=None, mending=None) -> Graph:
    """The graph of a model's config. ``mending``: goes on past what does not fit, and remembers it."""
    inputs = inputs_of(held)
    wanted = wanted_shapes("model", inputs, input_size)
    name = str(held.get("config", {}).get("name", ""))[:80]
    return first_that_runs(partial(_attempt, held, name, inputs, wanted, dtypes, letters, mending))._replace(framework="keras")


def layer(kind: str, config: dict, *shapes) -> Graph:
    """One Keras layer by its class name and config.

    >>> graph = layer("Conv2D", {"filters": 10, "kernel_size": 3, "strides": 2, "padding": "same"}, (1, 28, 28, 1))
    >>> graph.tensors[graph.outputs[0]].shape
    (1, 14, 14, 10)
    """
    net = Net(kind)
    made: Any = []
    if kind not in LAYERS:
        raise WhyshapeError(f"No rule is known for the Keras layer {kind[:60]!r}.")
    with recording():
        try:
            inputs = [net.input(shape, name=f"x{i}") for i, shape in enumerate(shapes)]
            net.path, net.name = str(config.get("name", kind.lower())), kind
            made = LAYERS[kind](net, config, inputs)
        except Stopped:
            pass  # where and why stands in net.problem, and is part of the graph
    return net.graph(*(made if isinstance(made, list) else [made]))._replace(framework="keras")


def described(model) -> dict:
    """The config of a model in memory, as data: what its file would hold."""
    import json

    if not hasattr(model, "get_config") or not hasattr(model, "layers"):
        raise WhyshapeError(f"A .keras file or a Keras model is wanted, {type(model).__name__} arrived.")
    if type(model).__name__ not in ("Sequential", "Functional"):
        raise WhyshapeError(f"A Keras model of the class {type(model).__name__!r} is described by its code; its file says no more.")
    if type(model).__name__ == "Sequential" and not model.built:
        raise WhyshapeError("This Sequential has no input shape yet: call it once, or put a keras.Input first.")
    import keras

    return json.loads(json.dumps(keras.saving.serialize_keras_object(model)))


def inputs_of(held: dict) -> list[tuple[str, list, str]]:
    """Name, shape and dtype of each input, in the order they are passed."""
    config = held.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(layers, list) or not all(isinstance(e, dict) for e in layers):
        raise WhyshapeError(f"A Keras model of the class {str(held.get('class_name'))[:60]!r} is described by its code, "
                            "and code in a file is never run.")  # fmt: skip
    found = {}
    for entry in layers:
        inner = entry.get("config")
        if entry.get("class_name") == "InputLayer" and isinstance(inner, dict):
            shape = inner.get("batch_shape")
            if not isinstance(shape, list) or not all(n is None or (type(n) is int and n >= 0) for n in shape):
                raise WhyshapeError("This Keras model is damaged: an input has no shape.")
            found[str(entry.get("name") or inner.get("name"))] = (shape, str(inner.get("dtype") or "float32"))
    if held.get("class_name") == "Sequential":
        if not found:
            shape = (held.get("build_config") or config.get("build_config") or {}).get("input_shape") or config.get("build_input_shape")
            if not isinstance(shape, list):
                raise WhyshapeError("This Sequential says no input shape: it was saved before it was called.")
            found["input"] = (shape, "float32")
        return [(name, *of) for name, of in found.items()][:1]
    order = [name for name, _, _ in references(config.get("input_layers"))]
    if not all(name in found for name in order):
        raise WhyshapeError("This Keras model is damaged: an input is not there.")
    return [(name, *found[name]) for name in order]


def _attempt(held, name, inputs, wanted, dtypes, letters, mending, batch, other) -> tuple[Graph, bool]:
    net, chosen, outputs = Net(name), [], []
    net.mending, net.sizes_word, net.sizes_from = mending, "target_shape", 1
    sizes: dict[str, int] = {}
    with recording() as facts:
        try:
            values = []
            for i, (label, said, dtype) in enumerate(inputs):
                shape, axes = [], []
                if wanted[i] is not None and len(wanted[i]) != len(said):
                    raise WhyshapeError(f"The input {label[:60]!r} has {len(said)} axes; a shape of {len(wanted[i])} is given.")
                for a, n in enumerate(fixed(label, said, wanted[i], net)):
                    size = wanted[i][a] if wanted[i] is not None else None
                    asked = letters[i][a] if letters else size if isinstance(size, str) else ""
                    size = None if isinstance(size, str) else size
                    if n is not None:
                        shape.append(n)
                        axes.append("")
                        continue
                    letter = asked or _letter(a, len(said), sizes)
                    if size is None and letter not in sizes:
                        chosen.append(letter)
                    sizes.setdefault(letter, size if size is not None else batch if a == 0 else other)
                    shape.append(sizes[letter] if size is None else size)
                    axes.append(letter)
                kind = (dtypes[i] if isinstance(dtypes, (list, tuple)) else dtypes) if dtypes else dtype
                values.append(net.input(tuple(shape), kind, label, axes))
            outputs = net.outputs(Walk(net, sizes).model(held, values, ""))
        except Stopped:
            pass  # where and why stands in net.problem, and is part of the graph
    return net.attempted(outputs, sizes, chosen, facts.branches)


def fixed(label: str, stated, wanted: tuple | None, net: Net) -> tuple:
    """What the model states of an input, where it is not at odds with what is asked for. Raises `Stopped` where it is."""
    other = [a for a, n in enumerate(stated) if n is not None and wanted is not None and isinstance(wanted[a], int) and wanted[a] != n]
    if wanted is None or not other:
        return tuple(stated)
    problem = fixed_at(label, stated, wanted, other, "the model")
    if net.mending is None:
        net.problem = problem
        raise Stopped
    free = tuple(None if a in other else n for a, n in enumerate(stated))
    net.mending.add(net, problem, *freed(label, free, "batch_shape"))
    return free


def _letter(a: int, rank: int, taken) -> str:
    """The batch is the same axis for every input; other free axes are not."""
    base = LETTERS[rank][a] if rank in LETTERS else f"A{a}"
    letter, n = base, 2
    while a and letter in taken:
        letter, n = f"{base}{n}", n + 1
    return letter


__all__ = ["config_of", "described", "inputs_of", "layer", "read"]
