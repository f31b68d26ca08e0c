"""The front door: `explain` and the other questions, asked of whatever the user has."""

from __future__ import annotations

import os
import sys

from whyshape.errors import WhyshapeError
from whyshape.explanation import Explanation
from whyshape.graph import Graph
from whyshape.readers import target
from whyshape.readers.shapes import default_input, letters_of, listed, of_data, one_of, shapes_of, suggested


def explain(model, input_size=None, input_data=None, dtypes=None, mode: str = "eval", verify: bool = False) -> Explanation:
    """Where every size of a model comes from.

    ``model``: a `torch.nn.Module`, a network in notation (``"Conv2d(1, 10, 5) > ReLU"``), the path of an ``.onnx`` or ``.keras`` file,
    a Keras model, or a `Graph`. ``input_size``: a shape with the batch, or a list of shapes; letters are free axes.
    ``input_data``: tensors, or arrays, instead of a shape: read for shapes and dtypes. ``verify``: PyTorch runs its own shapes beside the rules.
    Raises `WhyshapeError` where the question cannot be asked, `ModelError` where the model cannot be run. A mismatch is an answer.

    >>> answer = explain("Conv2d(1, 10, 5) > MaxPool2d(2)", (1, 1, 28, 28))
    >>> answer.chain
    '1x28x28 -> 10x24x24 -> 10x12x12'
    """
    model = _loaded(model)
    graph = read(model, input_size, input_data, dtypes, mode)
    return Explanation(graph, model, _verified(model, graph, input_data, dtypes, mode) if verify else None)


def layer(text: str, input_size) -> Explanation:
    """One layer (or a line of them), no framework needed. A shape without a batch is understood where the layer allows it.

    >>> print(layer("Conv2d(1, 10, 5)", (1, 28, 28)).chain)
    1x28x28 -> 10x24x24
    """
    return explain(text, input_size)


def accepts(model, input_size=("N", 1, "H", "W"), dtypes=None, mode: str = "eval"):
    """The exact set of inputs a model takes, over the letters of ``input_size``, as a `SizeSet`.

    >>> found = accepts("conv 10 5 > pool 2 > conv 20 5 > pool 2 > flatten > Linear(320, 50)", (1, 1, "H", "W"))
    >>> found.contains(H=28, W=28), found.contains(H=20, W=44), found.contains(H=32, W=32)
    (True, True, False)
    """
    from whyshape.analyses.accepts import accepts as accepted
    from whyshape.readers.again import again

    model, dtypes, shapes = _loaded(model), listed(dtypes), shapes_of(input_size)
    if isinstance(model, Graph) or target.is_file(model):
        return _accepted_by_file(model, shapes, dtypes, mode)
    return accepted(again(model, tuple(shapes), dtypes, mode), shapes)


def _accepted_by_file(model: Graph | str, shapes: list[tuple], dtypes, mode: str):
    """The inputs that a file, or a graph, takes; where a part of it is not explained, that is said with the answer."""
    from whyshape.analyses.accepts import accepts as accepted
    from whyshape.readers.again import again
    from whyshape.readers.net import UNSEEN

    graph = read(model, shapes, None, dtypes, mode)
    if not graph.outputs and graph.problem is None:  # nothing behind the unknown part was asked
        why = graph.notes[0] if graph.notes else "it gives nothing"
        raise WhyshapeError(f"Which inputs {graph.name or 'it'} takes cannot be told: {why}.")
    held = isinstance(model, Graph) or target.kind_of(model) == "json"
    found = accepted(graph if held else again(model, tuple(shapes), dtypes, mode), shapes)
    unseen = [note for note in graph.notes if note.endswith(UNSEEN)]
    if unseen and not found.observed:
        found.observed = f"a part was not asked, which may take fewer: {unseen[0]}"
    return found


def read(model, input_size=None, input_data=None, dtypes=None, mode: str = "eval") -> Graph:
    """The graph of whatever a user has; letters among the sizes become free axes. A `Graph` is asked again at other sizes."""
    one_of(input_size, input_data)
    if mode not in ("eval", "train", "same"):
        raise WhyshapeError(f"mode is 'eval', 'train' or 'same', {mode!r} arrived")
    model, dtypes = _loaded(model), listed(dtypes)
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    of_torch = torch is not None and isinstance(model, torch.nn.Module)
    of_keras = keras is not None and hasattr(keras, "Model") and isinstance(model, (keras.Model, keras.Layer))
    if of_torch and of_keras:  # Keras' layers on PyTorch are both; a subclass's code is followed, as PyTorch's is
        of_keras = type(model).__name__ in ("Sequential", "Functional")
        of_torch = not of_keras
    if of_torch:
        return _from_torch(model, input_size, input_data, dtypes, mode)
    if input_data is not None:
        input_size, dtypes = of_data(input_data)
    if isinstance(model, str):
        return _from_text(model, input_size, dtypes, mode)
    if isinstance(model, Graph):
        from whyshape.readers.jsongraph import at_sizes

        return model if input_size is None else at_sizes(model, shapes_of(input_size))
    if of_keras:
        from whyshape.readers.keras import read as read_keras

        return read_keras(model, input_size=input_size, dtypes=dtypes)
    if torch is not None and isinstance(model, type) and issubclass(model, torch.nn.Module):
        raise WhyshapeError(f"{model.__name__} is a class; give a model made from it, {model.__name__}(...)")
    raise WhyshapeError(f"a model is wanted (a torch.nn.Module, a Keras model, notation or a file name), {type(model).__name__} arrived")


def _loaded(model):
    """A path as text, and the model that a Python target names; anything else as it is."""
    model = os.fspath(model) if isinstance(model, os.PathLike) else model
    return target.load(model) if isinstance(model, str) and target.kind_of(model) == "python" else model


def _from_text(text: str, input_size, dtypes, mode: str) -> Graph:
    kind = target.kind_of(text)
    if kind == "notation":
        return _from_notation(text, shapes_of(input_size), dtypes, mode)
    if kind == "onnx":
        from whyshape.readers.onnx import read as read_onnx

        return read_onnx(text, input_size=input_size, dtypes=dtypes)
    if kind == "keras":
        from whyshape.readers.keras import read as read_keras

        return read_keras(text, input_size=input_size, dtypes=dtypes)
    from whyshape.readers.jsongraph import read as read_json

    return read_json(text, shapes_of(input_size) or None)


def _from_notation(text: str, shapes: list[tuple], dtypes, mode: str) -> Graph:
    """The graph of a network in notation; numbers that are left open, and that what comes in does not decide, are searched for."""
    from whyshape.readers import notation

    calls = notation.parse(text)
    if len(shapes) > 1:
        raise WhyshapeError(f"a network in notation takes one input, {len(shapes)} shapes arrived")
    shape = shapes[0] if shapes else default_input(calls)
    dtype = (dtypes or ["float32"])[0]
    name = "the thread's network" if text == notation.THREAD else str(calls[0]) if len(calls) == 1 else "the network"

    def build(numbers) -> Graph:
        made = lambda layers: notation.build(layers, numbers[0], dtype, letters_of(shape), name, training=mode == "train")
        if not any(notation.undecided(call) for call in calls):
            return made(calls)
        from whyshape.analyses.blanks import searched, told

        layers, blanks = searched(calls, numbers[0], dtype)
        return told(made(layers), blanks)

    return _with_example([shape], build)


def _from_torch(model, input_size, input_data, dtypes, mode: str) -> Graph:
    from whyshape.readers.torch import read as read_torch

    if input_data is not None:
        return read_torch(model, input_data=input_data, dtypes=dtypes, mode=mode)
    shapes = shapes_of(input_size)
    if not shapes:
        raise WhyshapeError(f"an input is needed: {suggested(model)}")
    letters = [letters_of(s) for s in shapes]
    return _with_example(shapes, lambda numbers: read_torch(model, numbers, dtypes=dtypes, mode=mode, letters=letters))


# Sizes tried for free axes, until one runs: the batch small, places as pictures usually are.
BATCH = ("N", "B", "batch")
EXAMPLES = (28, 32, 64, 224, 128, 256, 48, 96, 299, 384, 512, 16, 8, 7, 4, 1)


def _with_example(shapes, make) -> Graph:
    """The graph at example sizes for the letters: the first that runs to its end, or else the first tried."""
    letters = list(dict.fromkeys(n for s in shapes for n in s if isinstance(n, str)))
    places = [n for n in letters if n not in BATCH]
    first = None
    for size in EXAMPLES if places else EXAMPLES[:1]:
        numbers = [tuple((1 if n in BATCH else size) if isinstance(n, str) else n for n in s) for s in shapes]
        graph = _batched(make, numbers)
        if graph.problem is None:
            return graph
        first = first or graph
    assert first is not None
    return first


def _batched(make, numbers) -> Graph:
    """The graph at these sizes; where it stops and one more axis in front makes it run, that axis was the batch or the maps: this is said."""
    from whyshape.analyses.words_notation import Notation

    graph, failure = None, None
    try:
        graph = make(numbers)
        if graph.problem is None:
            return graph
    except WhyshapeError as error:
        failure = error
    if len(numbers[0]) in (1, 2, 3, 4):
        try:
            again = make([(1, *s) for s in numbers])
        except WhyshapeError:
            again = None
        if again is not None and again.problem is None:
            said = ",".join(map(str, numbers[0]))
            put = "axis of maps; 1 map" if Notation(again).maps.get(again.inputs[0]) == 0 else "batch axis; a batch of 1"
            return again._replace(notes=(*again.notes, f"{said} has no {put} was put in front."))
    if graph is None:
        assert failure is not None
        raise failure
    return graph


def _verified(model, graph: Graph, input_data, dtypes, mode):
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        raise WhyshapeError("verify runs PyTorch beside the rules; it needs a torch.nn.Module")
    from whyshape.readers.torch import verify

    if input_data is not None:
        return verify(model, input_data=input_data, mode=mode)
    shapes = [tuple(map(int, graph.tensors[i].shape)) for i in graph.inputs]
    return verify(model, shapes, dtypes=[graph.tensors[i].dtype for i in graph.inputs], mode=mode)


def diagnose(model, input_size=None, input_data=None, dtypes=None, mode: str = "same"):
    """Why a model, a file or a graph does not take these inputs, and the changes that were tried; a `Diagnosis`.

    ``model``: as for `explain`. ``input_size``: a shape with the batch, or a list of shapes, in numbers. ``input_data``:
    the model's own inputs. ``mode``: eval, train, or the one the model is in. Raises `WhyshapeError` where the question cannot be asked.
    """
    one_of(input_size, input_data)
    model, dtypes = _loaded(model), listed(dtypes)
    shapes = None if input_size is None else shapes_of(input_size)
    if shapes is not None and any(isinstance(n, str) for shape in shapes for n in shape):
        raise WhyshapeError("diagnose asks about one input: give numbers for every axis; `accepts` takes letters")
    if isinstance(model, Graph) or target.is_file(model):
        from whyshape.analyses.diagnose_graph import diagnose_graph

        if input_data is not None:
            shapes, dtypes = of_data(input_data)
        return diagnose_graph(model, shapes, dtypes)
    from whyshape.analyses.diagnose import diagnose as of_torch

    return of_torch(target.load(model) if isinstance(model, str) else model, shapes, input_data, dtypes, mode)


__all__ = ["Explanation", "accepts", "diagnose", "explain", "layer", "read"]
