"""The same network in the other notation: code, a model with the weights moved, and the difference when both are run."""

from __future__ import annotations

import re
from math import inf, isfinite
from typing import Any

from whyshape.errors import WhyshapeError

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
REFUSALS = (ValueError, TypeError, RuntimeError, IndexError, AttributeError)  # what a framework raises where it does not go on
SEED = 0
BATCH = 2


class Translation:
    """A translated network.

    ``code``: the text, complete in itself. ``model``: what it builds, with the weights. ``largest_difference``: between both outputs
    on random inputs; ``largest_value`` is the size of those outputs. ``missing``: what has no twin, each with its place and reason;
    then there is no code and no model.
    """

    def __init__(self, to: str, code="", model=None, difference=None, value=None, missing=(), notes=()):
        self.to, self.code, self.model = to, code, model
        self.largest_difference, self.largest_value = difference, value
        self.missing, self.notes = tuple(missing), tuple(notes)

    def __str__(self):
        if self.missing:
            return "\n".join([f"This network has no translation to {self.to}:", *[f"  {reason}." for reason in self.missing]])
        if self.largest_difference is None:
            return "\n".join([*[f"# {note}." for note in self.notes], self.code])
        run = f"# Run on both sides: the largest difference is {self.largest_difference:.2g}, the largest value {self.largest_value:.3g}."
        return "\n".join([run, *[f"# {note}." for note in self.notes], self.code])

    __repr__ = __str__

    def to_dict(self) -> dict:
        """The translation as data, without the model."""
        return {
            "schema": "whyshape.translation.v1", "to": self.to, "code": self.code, "largest_difference": self.largest_difference,
            "largest_value": self.largest_value, "missing": list(self.missing), "notes": list(self.notes),
        }  # fmt: skip


def translate(model: Any, to: str = "keras", input_size=None, weights: bool = False, dtypes=None) -> Translation:
    """A PyTorch model as Keras 3 (``to="keras"``), or a Keras model as PyTorch (``to="torch"``), run on both sides.

    ``input_size``: the shape with the batch, in the order of the model's own framework. Nothing of the given model is changed.
    ``weights``: those of a ``.keras`` file are read and moved; a live model's always are. ``dtypes``: those of a PyTorch model's inputs.
    """
    if to == "keras":
        return _to_keras(model, input_size, dtypes)
    if to == "torch":
        from whyshape.analyses.translate_torch import to_torch

        return to_torch(model, input_size, weights)
    raise WhyshapeError(f"A network is translated to 'keras' or 'torch', not to {to!r}.")


def _to_keras(model, input_size, dtypes) -> Translation:
    import torch

    from whyshape.analyses.translate_keras import write
    from whyshape.readers.torch import read

    if not isinstance(model, torch.nn.Module):
        raise WhyshapeError(f"A torch.nn.Module is wanted to translate to Keras, {type(model).__name__} arrived.")
    graph = read(model, input_size, dtypes=dtypes, mode="eval")
    if graph.problem is not None:
        raise WhyshapeError(f"The network does not run: {graph.problem.path or graph.problem.op}: {graph.problem.sentence}.")

    def larger():
        """The same with one more in the batch, as the first axis; None where it is not."""
        shapes = [graph.tensors[i].shape for i in graph.inputs]
        grown = [(shape[0] + 1, *shape[1:]) for shape in shapes if shape]
        more = read(model, grown if len(grown) > 1 else grown[0], dtypes=dtypes, mode="eval")
        return more if more.problem is None else None

    written = write(graph, larger)
    if written.missing:
        return Translation("keras", missing=written.missing, notes=written.notes)
    try:
        made = built(written, graph, model)
        difference, value = compared(model, made, graph, written)
    except REFUSALS as error:
        raise WhyshapeError(f"Keras refuses the translation: {_first(error)}.") from None
    return Translation("keras", written.code, made, difference, value, (), written.notes)


def _first(error: Exception) -> str:
    """The first line that says something in what a framework raises, without colours, at most 200 characters of it."""
    lines = [line.strip() for line in COLOURS.sub("", str(error)).splitlines()]
    lines = [line for line in lines if line and not line.startswith("Exception encountered when calling")]
    return (lines or [type(error).__name__])[0][:200].rstrip(".: ")


def built(written, graph, model):
    """The Keras model its code makes, with the weights of the PyTorch model."""
    from whyshape.analyses.translate_once import values
    from whyshape.analyses.translate_weights import recurrent, to_keras

    scope: dict[str, Any] = {}
    exec(compile(written.code, "<translation>", "exec"), scope)  # our own text: names and numbers only
    made = scope["model"]
    held = values(graph, {name: tensor.detach().cpu() for name, tensor in (*model.named_parameters(), *model.named_buffers())})
    state = {name: tensor.numpy() for name, tensor in held.items()}
    for load in written.loads:
        layer = made.get_layer(load.layer)
        if load.gates:
            groups = [([state[n] for n in names], what) for names, what in load.tensors]
            layer.set_weights([recurrent(group, what, load.gates, tuple(w.shape)) for (group, what), w in zip(groups, layer.weights)])
            continue
        arrays = [
            to_keras(state[name], move, tuple(w.shape), load.rows if move.argument == "weight" else ())
            for (name, move), w in zip(load.tensors, layer.weights)
        ]
        layer.set_weights(arrays)
    return made


def compared(model, made, graph, written) -> tuple[float, float]:
    """The largest difference between both models' outputs on random inputs, and the largest value there."""
    import numpy
    import torch

    draw = numpy.random.default_rng(SEED)
    batched = lambda shape, lies: (shape[0], BATCH, *shape[2:]) if lies == "turned" else (BATCH, *shape[1:])
    given = [(graph.tensors[i], lies) for i, lies in zip(graph.inputs, written.inputs_lie)]
    inputs = [_random(draw, batched(t.shape, lies), t.dtype) for t, lies in given]
    training = [(m, m.training) for m in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            wanted = model(*[torch.from_numpy(x) for x in inputs])
    except REFUSALS as error:
        raise WhyshapeError(f"The network does not run on a batch of {BATCH}: {_first(error)}.") from None
    finally:
        for module, mode in training:
            module.training = mode
    there = [laid(x, lies) for x, lies in zip(inputs, written.inputs_lie)]
    got = made(there if len(there) > 1 else there[0], training=False)
    worst, largest = 0.0, 0.0
    for a, b, lies in zip(_tensors(wanted), _listed(got), written.results_lie):
        a, b = laid(a.numpy(), lies), _numpy(b)
        if a.shape != b.shape:
            raise WhyshapeError(f"The translation gives {b.shape} where the model gives {a.shape}.")
        a, b = a.astype("float64"), b.astype("float64")
        apart = float(numpy.abs(numpy.subtract(a, b, where=a != b, out=numpy.zeros_like(a))).max(initial=0.0))  # two infinities are equal
        worst = max(worst, apart if isfinite(apart) else inf)  # a number that is none on one side is as far off as can be
        largest = max(largest, float(numpy.nan_to_num(numpy.abs(a), posinf=0.0).max(initial=0.0)))
    return worst, largest


def _random(draw, shape, dtype):
    import numpy

    if dtype.startswith(("int", "uint", "bool")):
        drawn = draw.integers(0, 2, shape).astype(dtype)
        if dtype == "bool" and drawn.ndim:  # a mask that hides everything leaves nothing to compare
            drawn[..., 0] = False
        return drawn
    return draw.standard_normal(shape).astype(numpy.float32)


def laid(x, lies):
    """A PyTorch array as it lies in the Keras program."""
    import numpy

    return maps_last(x) if lies == "last" else numpy.ascontiguousarray(numpy.swapaxes(x, 0, 1)) if lies == "turned" else x


def maps_last(x):
    """An image or a sequence with its maps last."""
    import numpy

    return numpy.ascontiguousarray(numpy.moveaxis(x, 1, -1)) if x.ndim >= 3 else x


def _tensors(value) -> list:
    if hasattr(value, "numpy"):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in _tensors(v)] if isinstance(value, (list, tuple)) else []


def _listed(value) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _numpy(value):
    import keras

    return keras.ops.convert_to_numpy(value)
