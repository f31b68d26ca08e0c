"""A Keras model as PyTorch code: a module to read, its weights moved, and both sides run.

Images lie maps first here. A value of four or five axes (three, for a sequence under a window) is kept that way; where Keras' order
of numbers matters (Reshape, a Dense on an image), it is moved there and back. A flattened image stays in PyTorch's order: the next Dense
is given the rows of its kernel in that order; whatever else reads it has it put in Keras' order first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from whyshape.analyses.translate_keras import Missing
from whyshape.errors import WhyshapeError


class Load(NamedTuple):
    """One weight: the parameter here, the layer there (its path), which of its weights, the order of axes, the shape it is laid out in.

    ``place`` -1: none of them, it is zero; several: these, one after the other along the first axis here. ``gates``: in which order the blocks along its first axis stand here; ``row``: of several, this.
    ``image``: the sizes, maps last, of the flattened image that meets it, whose numbers stand maps first here.
    """

    parameter: str
    layer: tuple[str, ...]
    place: int | tuple[int, ...]
    order: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    gates: tuple[int, ...] = ()
    row: int | None = None
    image: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        return (self.place,) if isinstance(self.place, int) else self.place

    def joined(self, arrays: list):
        """The numbers as PyTorch keeps them, out of all arrays of the layer."""
        import numpy

        return (
            numpy.concatenate([self.moved(arrays[p]) for p in self.places]) if len(self.places) > 1 else self.moved(arrays[self.places[0]])
        )

    def moved(self, array):
        """One array with its axes, rows and gates as PyTorch keeps them."""
        import numpy

        array = array if self.row is None else array[self.row]
        if self.image:
            rows = numpy.arange(array.shape[0]).reshape(self.image)
            array = array[numpy.moveaxis(rows, -1, 0).ravel()]
        array = array.transpose(self.order) if self.order else array
        if len(self.gates) > 1:
            blocks = numpy.split(array, len(self.gates))
            array = numpy.concatenate([blocks[i] for i in self.gates])
        return numpy.ascontiguousarray(array)


class Writer:
    """The text of a module, written layer by layer."""

    def __init__(self):
        self.init: list[str] = []
        self.lines: list[str] = []
        self.loads: list[Load] = []
        self.missing: list[str] = []
        self.notes: list[str] = []
        self.taken: set[str] = set()
        self.path: tuple[str, ...] = ()
        self.kind = ""  # the class name of the layer being written
        self.kwargs: dict[str, Any] = {}  # what its call says by name, as far as nobody has taken it
        self.seen: dict[tuple[str, ...], str] = {}
        self.image: tuple[int, ...] = ()  # what the call being written flattens, its numbers staying in PyTorch's order
        self.met: dict[tuple[str, ...], tuple[int, ...]] = {}  # the flattened image each Dense was made for
        self.inputs: list[Held] = []
        self.results: list[Held] = []
        self.rows: dict[str, int] = {}  # values that number the rows of a table, and how many rows it has

    def module(self, code: str, *weights: tuple, suffix: str = "") -> str:
        """A layer of the constructor, and where its weights are from; a layer called twice is one module."""
        key = (*self.path, suffix)
        if key not in self.seen:
            name = self.name("_".join(self.path) + suffix)
            self.init.append(f"self.{name} = {code}")
            self.loads += [Load(f"{name}.{parameter}", self.path, *rest) for parameter, *rest in weights]
            self.seen[key] = f"self.{name}"
        return self.seen[key]

    def let(self, code: str) -> str:
        """A line for something that is read more than once."""
        name = f"made{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        return name

    def take(self, word: str) -> Any:
        """What the call says by that name; None where it says nothing."""
        return self.kwargs.pop(word, None)

    def buffer(self, code: str) -> str:
        name = self.name("_".join(self.path))
        self.init.append(f'self.register_buffer("{name}", {code})')
        return f"self.{name}"

    def name(self, wish: str) -> str:
        base = re.sub(r"\W+", "_", wish).strip("_")[:80] or "layer"
        base = base if base[0].isalpha() else f"layer_{base}"
        name, n = base, 2
        while name in self.taken or hasattr_module(name):
            name, n = f"{base}_{n}", n + 1
        self.taken.add(name)
        return name


def hasattr_module(name: str) -> bool:
    """Names that mean something else on a module."""
    return name in {
        "add",
        "forward",
        "train",
        "eval",
        "type",
        "half",
        "float",
        "double",
        "cpu",
        "cuda",
        "apply",
        "to",
        "modules",
        "children",
    }


class Held(NamedTuple):
    """A value: its variable, its shape in Keras' order, and whether it lies maps first here; ``image``: flattened from that, maps first."""

    name: str
    shape: tuple
    first: bool
    image: tuple[int, ...] = ()


def to_torch(model, input_size=None, weights: bool = False):
    """The translation of a live Keras 3 model; of a `.keras` file the code, and on request the weights: nothing in a file is run."""
    from whyshape.analyses.translate import Translation
    from whyshape.readers.keras import config_of, described

    file = isinstance(model, str)
    config = config_of(model) if file else described(model)
    writer, code = write(config, input_size)
    if writer.missing:
        return Translation("torch", missing=dict.fromkeys(writer.missing), notes=writer.notes)
    if file and not weights:
        writer.notes.append("a file's model is not run, and its weights are read only on request: nothing is compared")
        return Translation("torch", code, notes=writer.notes)
    if file:
        from whyshape.readers.keras.weights import Weights

        made = built(code, writer.loads, Weights(model, config))
        writer.notes.append(f"{len(writer.loads)} weights were moved out of the file; a file's model is not run, so nothing is compared")
        return Translation("torch", code, made, notes=writer.notes)
    made = built(code, writer.loads, _live(model))
    difference, value = compared(model, made, writer)
    return Translation("torch", code, made, difference, value, (), writer.notes)


def converted(model, weights: bool) -> tuple[Any, tuple[str, ...]]:
    """The module of a live model or a `.keras` file, and what has no twin; without ``weights`` a file's stay as PyTorch draws them."""
    from whyshape.readers.keras import config_of, described
    from whyshape.readers.keras.weights import Weights

    file = isinstance(model, str)
    config = config_of(model) if file else described(model)
    writer, code = write(config)
    if writer.missing:
        return None, tuple(dict.fromkeys(writer.missing))
    if file and not weights:
        return built(code, [], _live(None)), ()
    return built(code, writer.loads, Weights(model, config) if file else _live(model)), ()


def write(config: dict, input_size=None) -> tuple[Writer, str]:
    """The writer and the text of a module for a model's config."""
    from whyshape.readers.keras import inputs_of

    w = Writer()
    inputs, names, many = [], [], len(inputs_of(config)) > 1
    shapes = [input_size] if input_size and isinstance(input_size[0], (int, type(None))) else input_size
    for i, (_, shape, _) in enumerate(inputs_of(config)):
        said = tuple(shapes[i]) if shapes else tuple(shape)
        names.append(f"inputs{i}" if many else "x")
        inputs.append(Held(names[-1], (None, *said[1:]), len(said) in (4, 5)))
    w.inputs, w.results = inputs, [straight(w, h) for h in follow(w, config, inputs, ())]
    returned = ", ".join(h.name for h in w.results)
    init = "\n".join(f"        {line}" for line in w.init) or "        pass"
    body = "\n".join(f"        {line}" for line in w.lines)
    code = (
        "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n\nclass Net(nn.Module):\n"
        f"    def __init__(self):\n        super().__init__()\n{init}\n\n    def forward(self, {', '.join(names)}):\n{body}\n"
        f"        return {returned}\n\n\nmodel = Net()\n"
    )
    return w, code


def follow(w: Writer, held: dict, inputs: list[Held], path: tuple[str, ...]) -> list[Held]:
    """Every layer of a model in turn, models within models in place."""
    from whyshape.readers.keras.model import references

    config = held["config"]
    if held.get("class_name") == "Sequential":
        values = inputs
        for entry in config["layers"]:
            if entry["class_name"] != "InputLayer":
                values = one(w, entry, values, path, {})
        return values
    made: dict[tuple, list[Held]] = {(name, 0): [x] for (name, _, _), x in zip(references(config["input_layers"]), inputs)}
    for entry in config["layers"]:
        for i, call in enumerate(entry.get("inbound_nodes") or ()):
            args, words = [pick(a, made) for a in call["args"]], {word: pick(a, made) for word, a in (call.get("kwargs") or {}).items()}
            made[entry["name"], i] = one(w, entry, flat(args), path, {"args": args, "kwargs": words})
    return [result(made, name, node, place) for name, node, place in references(config["output_layers"])]


def result(made: dict, name: str, node: int, place: int) -> Held:
    """One of a call's results; of one without a twin they all are what stands for them."""
    held = made[name, node]
    return held[0] if held[0].name == "missing" else held[place]


def pick(value: Any, made: dict) -> Any:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        name, node, place = value["config"]["keras_history"]
        return result(made, name, node, place)
    return [pick(v, made) for v in value] if isinstance(value, list) else value


def flat(value: Any) -> list[Held]:
    if isinstance(value, Held):
        return [value]
    return [h for v in value for h in flat(v)] if isinstance(value, list) else []


KEEP = ("Dropout", "Activation", "ReLU", "LeakyReLU", "ELU", "Identity", "GaussianNoise", "GaussianDropout")  # any order of numbers will do


def straight(w: Writer, value: Any) -> Any:
    """A flattened image with its numbers in Keras' order; within lists too, and anything else as it is."""
    if isinstance(value, (list, dict)):
        return [straight(w, v) for v in value] if isinstance(value, list) else {k: straight(w, v) for k, v in value.items()}
    if not isinstance(value, Held) or not value.image:
        return value
    *places, maps = value.image
    order = (*range(2, len(places) + 2), 1)
    name = w.let(f"{value.name}.unflatten(1, {(maps, *places)}).permute(0, {', '.join(map(str, order))}).flatten(1)")
    return value._replace(name=name, image=())


def one(w: Writer, entry: dict, inputs: list[Held], path: tuple[str, ...], call: dict) -> list[Held]:
    """One layer: its lines, and its result."""
    from whyshape.analyses.translate_torch_in_place import activated
    from whyshape.analyses.translate_torch_in_time import ORDER  # it fills LAYERS too
    from whyshape.analyses.translate_torch_layers import LAYERS, OPERATIONS

    kind, config = entry["class_name"], entry["config"]
    w.kind, w.kwargs = kind, dict(call.get("kwargs") or {})
    w.path = (*path, str(entry.get("name") or config.get("name") or kind))
    if kind in ("Sequential", "Functional"):
        return follow(w, entry, inputs, w.path)
    if kind != "Dense" and kind not in KEEP:
        inputs, call, w.kwargs = straight(w, inputs), straight(w, call), straight(w, w.kwargs)
    w.image = inputs[0].image if inputs and kind in KEEP else ()
    operation = str(entry.get("module")).startswith(("keras.src.ops", "keras.ops"))
    make = (OPERATIONS if operation else LAYERS).get(kind)
    try:
        if make is None or not str(entry.get("module") or "keras").startswith("keras"):
            raise Missing("no twin is known in PyTorch")
        made = make(w, config, call["args"] if operation else inputs)
        made = made if isinstance(made, list) else [made]
        if config.get("activation") and kind not in ORDER and not operation:
            made = [activated(config, *part) for part in made]
        unread = [word for word, value in w.kwargs.items() if word != "training" and value is not None and value is not False]
        if unread:
            raise Missing(f"it is called with {', '.join(word[:40] for word in unread)}")
    except Missing as why:
        w.missing.append(f"{'.'.join(w.path)} ({kind}): {why}")
        return [Held("missing", inputs[0].shape if inputs else (None,), inputs[0].first if inputs else False)]
    results = []
    for code, shape, first in made:
        results.append(Held(f"x{len(w.lines)}", shape, first, w.image))
        w.lines.append(f"{results[-1].name} = {code}")
    return results


def built(code: str, loads: list[Load], arrays: Callable[[tuple[str, ...]], list]):
    """The module its code makes, with the weights that ``arrays`` gives for the path of a layer."""
    import torch

    scope: dict[str, Any] = {}
    exec(compile(code, "<translation>", "exec"), scope)  # our own text: names and numbers only
    made = scope["model"].eval()
    state = made.state_dict()
    for load in loads:
        target = state[load.parameter]
        if load.place == -1:
            target.zero_()
            continue
        held = arrays(load.layer)
        if max(load.places) >= len(held):
            raise WhyshapeError(f"The layer {'.'.join(load.layer)[:60]!r} holds {len(held)} weights, more are wanted.")
        moved = load.joined(held)
        if moved.size != target.numel():
            raise WhyshapeError(
                f"A weight of the layer {'.'.join(load.layer)[:60]!r} has {moved.size} numbers; {target.numel()} are wanted."
            )
        target.copy_(torch.from_numpy(moved).reshape(target.shape))
    return made


def _live(model) -> Callable[[tuple[str, ...]], list]:
    def arrays(path: tuple[str, ...]) -> list:
        import keras

        layer = model
        for name in path:
            layer = layer.get_layer(name)
        return [keras.ops.convert_to_numpy(weight) for weight in layer.weights]

    return arrays


def compared(model, made, writer: Writer) -> tuple[float, float]:
    """The largest difference between both models' outputs on random inputs, and the largest value there."""
    import numpy
    import torch

    from whyshape.analyses.translate import BATCH, SEED, _listed, _numpy, _random, _tensors, maps_last

    draw = numpy.random.default_rng(SEED)
    shapes = [[BATCH, *[64 if n is None else n for n in spec.shape[1:]]] for spec in model.inputs]
    inputs = [_random(draw, tuple(shape), str(getattr(spec, "dtype", "float32"))) for shape, spec in zip(shapes, model.inputs)]
    rows = [writer.rows.get(h.name) for h in writer.inputs]  # of an input that numbers the rows of a table, how many there are
    inputs = [x if n is None else draw.integers(0, n, x.shape).astype(x.dtype) for x, n in zip(inputs, rows)]
    wanted = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    there = [numpy.ascontiguousarray(numpy.moveaxis(x, -1, 1)) if h.first else x for x, h in zip(inputs, writer.inputs)]
    with torch.no_grad():
        got = made(*[torch.from_numpy(x) for x in there])
    worst, largest = 0.0, 0.0
    for a, b, h in zip(_listed(wanted), _tensors(got), writer.results, strict=True):
        a, b = _numpy(a), b.numpy()
        b = maps_last(b) if h.first else b
        if a.shape != b.shape:
            raise WhyshapeError(f"The translation gives {b.shape} where the model gives {a.shape}.")
        worst, largest = max(worst, float(numpy.abs(a - b).max())), max(largest, float(numpy.abs(a).max()))
    return worst, largest
