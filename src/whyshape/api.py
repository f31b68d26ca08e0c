"""The front door: `explain` and the other questions, asked of whatever the user has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from whyshape.errors import WhyshapeError
from whyshape.explanation import Explanation
from whyshape.graph import Graph


def explain(model, input_size=None, input_data=None, dtypes=None, mode: str = "eval", verify: bool = False) -> Explanation:
    """Where every size of a model comes from.

    ``model``: a `torch.nn.Module`, a network in notation (``"Conv2d(1, 10, 5) > ReLU"``), the path of an ``.onnx`` or ``.keras`` file,
    a Keras model, or a `Graph`. ``input_size``: a shape with the batch, or a list of shapes; letters are free axes.
    ``input_data``: tensors, read for shapes and dtypes. ``verify``: PyTorch runs its own shapes beside the rules.
    Raises `WhyshapeError` where the question cannot be asked, `ModelError` where the model cannot be run. A mismatch is an answer.

    >>> answer = explain("Conv2d(1, 10, 5) > MaxPool2d(2)", (1, 1, 28, 28))
    >>> answer.chain
    '1x28x28 -> 10x24x24 -> 10x12x12'
    """
    graph = read(model, input_size, input_data, dtypes, mode)
    verified = None
    if verify:
        verified = _verified(model, graph, input_data, dtypes, mode)
    return Explanation(graph, model, verified)


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
    from whyshape.readers import target
    from whyshape.readers.again import again
    from whyshape.readers.net import UNSEEN

    model, dtypes, shapes = _named(model), _listed(dtypes), _shapes(input_size)
    if isinstance(model, str) and target.kind_of(model) == "python":
        model = target.load(model)
    if isinstance(model, Graph) or (isinstance(model, str) and target.kind_of(model) != "notation"):
        graph = read(model, input_size, None, dtypes, mode)
        if not graph.outputs and graph.problem is None:  # nothing behind the unknown part was asked
            why = graph.notes[0] if graph.notes else "it gives nothing"
            raise WhyshapeError(f"Which inputs {graph.name or 'it'} takes cannot be told: {why}.")
        found = accepted(
            graph if isinstance(model, Graph) or target.kind_of(model) == "json" else again(model, tuple(shapes), dtypes, mode), shapes
        )
        unseen = [note for note in graph.notes if note.endswith(UNSEEN)]
        if unseen and not found.observed:
            found.observed = f"a part was not asked, which may take fewer: {unseen[0]}"
        return found
    return accepted(again(model, tuple(shapes), dtypes, mode), shapes)


def read(model, input_size=None, input_data=None, dtypes=None, mode: str = "eval") -> Graph:
    """The graph of whatever a user has; letters among the sizes become free axes."""
    model, dtypes = _named(model), _listed(dtypes)
    if isinstance(model, Graph):
        return model
    if isinstance(model, str):
        return _from_text(model, input_size, dtypes, mode)
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    of_torch = torch is not None and isinstance(model, torch.nn.Module)
    of_keras = keras is not None and hasattr(keras, "Model") and isinstance(model, (keras.Model, keras.Layer))
    if of_keras and not (of_torch and type(model).__name__ not in ("Sequential", "Functional")):  # on torch its layers are both
        from whyshape.readers.keras import read as read_keras

        return read_keras(model, input_size=input_size)
    if of_torch:
        return _from_torch(model, input_size, input_data, dtypes, mode)
    if torch is not None and isinstance(model, type) and issubclass(model, torch.nn.Module):
        raise WhyshapeError(f"{model.__name__} is a class; give a model made from it, {model.__name__}(...)")
    raise WhyshapeError(f"a model is wanted (a torch.nn.Module, a Keras model, notation or a file name), {type(model).__name__} arrived")


def _from_text(text: str, input_size, dtypes, mode: str) -> Graph:
    from whyshape.readers import target

    kind = target.kind_of(text)
    if kind == "notation":
        from whyshape.readers import notation

        calls = notation.parse(text)
        shapes = _shapes(input_size)
        if len(shapes) > 1:
            raise WhyshapeError(f"a network in notation takes one input, {len(shapes)} shapes arrived")
        shape = shapes[0] if shapes else default_input(calls)
        dtype = (dtypes or ["float32"])[0]
        name = "the thread's network" if text == notation.THREAD else "; ".join(map(str, calls[:1])) if len(calls) == 1 else "the network"
        search = any(notation.undecided(call) for call in calls)

        def build(numbers) -> Graph:
            layers, blanks = _searched(calls, numbers[0], dtype) if search else (calls, ())
            graph = notation.build(layers, numbers[0], dtype, letters_of(shape), name, training=mode == "train")
            return _told(graph, blanks) if blanks else graph

        return _with_example([shape], build)
    if kind == "onnx":
        from whyshape.readers.onnx import read as read_onnx

        return read_onnx(text, input_size=input_size, dtypes=dtypes)
    if kind == "keras":
        from whyshape.readers.keras import read as read_keras

        return read_keras(text, input_size=input_size)
    if kind == "json":
        from whyshape.readers.jsongraph import read as read_json

        return read_json(text, _shapes(input_size) or None)
    return _from_torch(target.load(text), input_size, None, dtypes, mode)


def _searched(calls, shape, dtype: str):
    """Layers whose open numbers, where what comes in does not decide them, are filled in so that ``shape`` runs; and what was found."""
    from whyshape.analyses.blanks import fill
    from whyshape.readers.notation import undecided

    layers, found = list(calls), []
    for blank in fill(calls, shape, dtype).blanks:
        if blank.place not in undecided(calls[blank.layer]):
            continue
        call = layers[blank.layer]
        if isinstance(blank.place, int):
            call = call._replace(args=(*call.args[: blank.place], blank.value, *call.args[blank.place + 1 :]))
        else:
            call = call._replace(kwargs={**call.kwargs, blank.place: blank.value})
        layers[blank.layer] = call
        found.append(blank)
    return layers, found


def _told(graph: Graph, blanks) -> Graph:
    """The graph with a note for each number that was found, and the number's layer knowing that nobody typed it."""
    why: dict[str, list[tuple[str, str]]] = {}
    for blank in blanks:
        why.setdefault(blank.path, []).append((blank.name, blank.reason))
    modules = [m._replace(filled=tuple(why.get(m.path, ()))) for m in graph.modules]
    return graph._replace(modules=tuple(modules), notes=(*graph.notes, *map(str, blanks)))


def _from_torch(model, input_size, input_data, dtypes, mode: str) -> Graph:
    from whyshape.readers.torch import read as read_torch

    if input_data is not None:
        return read_torch(model, input_data=input_data, dtypes=dtypes, mode=mode)
    shapes = _shapes(input_size)
    if not shapes:
        raise WhyshapeError(f"an input is needed: {suggested(model)}")
    letters = [letters_of(s) for s in shapes]
    return _with_example(shapes, lambda numbers: read_torch(model, numbers, dtypes=dtypes, mode=mode, letters=letters))


def _shapes(input_size) -> list[tuple]:
    """One shape or several, as a list of tuples of numbers and letters, checked."""
    if input_size is None:
        return []
    if isinstance(input_size, (str, bytes)) or not isinstance(input_size, Iterable):
        raise WhyshapeError(f"a shape is a tuple as (1, 3, 224, 224), {input_size!r} arrived")
    if isinstance(input_size, dict):
        raise WhyshapeError("input_size is a shape, or a list of shapes in the order of forward; inputs by name are given as input_data")
    if type(input_size).__module__ == "torch" and hasattr(input_size, "dtype"):
        raise WhyshapeError("a tensor arrived as input_size; give it as input_data, or its shape")
    given = list(input_size)
    several = bool(given) and all(isinstance(n, Iterable) and not isinstance(n, (str, bytes)) for n in given)
    shapes = [tuple(map(_plain, s)) for s in (given if several else [given])]
    for shape in shapes:
        for n in shape:
            if isinstance(n, bool) or not isinstance(n, (int, str)) or (isinstance(n, str) and not n.isidentifier()):
                raise WhyshapeError(f"{n!r} in the shape {shape} is neither a whole number nor a letter")
            if isinstance(n, int) and not 0 <= n < 2**63:
                raise WhyshapeError(f"{n} in the shape {shape} is not a size: from 0 up to 2^63 - 1 is")
    return shapes


def _plain(n):
    """An integer of any kind, numpy's too, as an int; anything else as it is."""
    return n if isinstance(n, int) or not hasattr(n, "__index__") else n.__index__()


def _named(model):
    """A path as the text the readers know; any other model as it is."""
    return os.fspath(model) if isinstance(model, os.PathLike) else model


def _listed(dtypes) -> list | None:
    """One dtype or several, as a list."""
    return dtypes if dtypes is None else list(dtypes) if isinstance(dtypes, (list, tuple)) else [dtypes]


def letters_of(shape) -> tuple[str, ...]:
    """For each axis its letter, or nothing.

    >>> letters_of(("N", 1, "H", "W"))
    ('N', '', 'H', 'W')
    """
    return tuple(n if isinstance(n, str) else "" for n in shape)


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


def default_input(calls) -> tuple[int, ...]:
    """An input for a line of layers that was given none: what its first layer takes, 28 x 28 places where it slides."""
    from whyshape.readers.notation import BLANK, TAKES_CHANNELS, TAKES_FEATURES

    for call in calls:
        first = call.args[0] if call.args and isinstance(call.args[0], int) and call.args[0] >= 0 else 1
        if TAKES_CHANNELS.match(call.name):
            return (1, first if call.args and call.args[0] is not BLANK else 1, *(28,) * int(call.name[-2]))
        if TAKES_FEATURES.match(call.name):
            return (1, first)
        if call.name.endswith(("1d", "2d", "3d")):
            return (1, 1, *(28,) * int(call.name[-2]))
    raise WhyshapeError("an input is needed: give its shape with the batch, as --input 1,1,28,28")


def suggested(model) -> str:
    """A shape to try for a model that was given none, read off its first layer with weights."""
    from whyshape.rules.words import count

    for _, module in model.named_modules():
        name, weight = type(module).__name__, getattr(module, "weight", None)
        if "Conv" in name and weight is not None and hasattr(module, "in_channels"):
            places = {1: "256", 2: "224,224", 3: "16,112,112"}.get(weight.dim() - 2, "224,224")
            return f"try --input 1,{module.in_channels},{places} (its first convolution takes {count(module.in_channels, 'channel')})"
        if name == "Linear":
            return f"try --input 1,{module.in_features} (its first linear layer takes {count(module.in_features, 'feature')})"
        if name == "Embedding":
            return "try --input 1,16 --dtype int64 (it begins with an embedding)"
    return "give its shape with the batch, as --input 1,3,224,224 or input_size=(1, 3, 224, 224)"


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
    from whyshape.readers import target

    model, dtypes = _named(model), _listed(dtypes)
    shapes = None if input_size is None else _shapes(input_size)
    if shapes is not None and any(isinstance(n, str) for s in shapes for n in s):
        raise WhyshapeError("diagnose asks about one input: give numbers for every axis; `accepts` takes letters")
    if isinstance(model, str) and target.kind_of(model) in ("python", "notation"):
        model = target.load(model)
    if isinstance(model, Graph) or (isinstance(model, str) and target.kind_of(model) in ("onnx", "keras", "json")):
        from whyshape.analyses.diagnose_graph import diagnose_graph

        return diagnose_graph(model, shapes, dtypes)
    from whyshape.analyses.diagnose import diagnose as of_torch

    return of_torch(model, shapes, input_data, dtypes, mode)


__all__ = ["Explanation", "accepts", "diagnose", "explain", "layer", "read"]
