"""A model's config followed layer by layer: Sequential and Functional, models within models, `keras.ops` in between."""

from __future__ import annotations

import json
from typing import Any

from whyshape.errors import WhyshapeError
from whyshape.graph import Value
from whyshape.graph.graph import Module
from whyshape.readers.keras import layers_in_place, layers_in_time  # noqa: F401  they fill LAYERS
from whyshape.readers.keras.functions import FUNCTIONS
from whyshape.readers.keras.layers import LAYERS, Unclear
from whyshape.readers.net import UNSEEN, Net
from whyshape.rules import Unexplained

DEEPEST = 24  # models within models
MOST_LAYERS = 50_000
MOST_NUMBERS = 64  # in one setting
MALFORMED = (TypeError, ValueError, IndexError, KeyError, AttributeError, ArithmeticError, StopIteration)


LONGEST = 4_000  # characters of a layer's settings that are kept


def settings(config: dict) -> str:
    """A layer's plain settings as JSON: numbers, names, and those of the layer it holds. Empty where they are long.

    >>> settings({"units": 50, "bias_initializer": {"class_name": "Zeros"}, "name": "dense"})
    '{"units":50}'
    """
    text = json.dumps(_plain(config), separators=(",", ":"))
    return text if len(text) <= LONGEST else ""


def _plain(config: dict, depth: int = 0) -> dict:
    found = {}
    for word, value in config.items():
        flat = isinstance(value, list) and len(value) <= MOST_NUMBERS and all(isinstance(v, (int, float, list)) for v in value)
        if word not in ("name", "dtype", "trainable") and (type(value) in (int, float, str, bool) or flat):
            found[word] = value
        elif word in ("layer", "backward_layer") and isinstance(value, dict) and isinstance(value.get("config"), dict) and depth < 2:
            found[word] = {"class_name": str(value.get("class_name")), "config": _plain(value["config"], depth + 1)}
    return found


class Unknown:
    """A tensor whose sizes nobody said."""


class Walk:
    """One pass over a config with given input shapes."""

    def __init__(self, net: Net, sizes: dict[str, int]):
        self.net, self.sizes = net, sizes
        self.calls = 0
        self.known: set[str] = set()  # layers that are modules of the graph

    def model(self, held: dict, inputs: list, path: str, depth: int = 0) -> list:
        """The results of a model for these inputs."""
        if depth > DEEPEST:
            raise WhyshapeError(f"This Keras model nests models deeper than {DEEPEST}.")
        config = held.get("config")
        kind = held.get("class_name")
        if not isinstance(config, dict) or kind not in ("Sequential", "Functional", "Model"):
            raise WhyshapeError(f"A Keras model of the class {str(kind)[:60]!r} is described by its code, and code in a file is never run.")
        if kind == "Sequential":
            x = inputs
            for entry in config.get("layers", ()):
                if entry.get("class_name") != "InputLayer":
                    x = self.layer(entry, x, {}, path, depth, None)
            return x
        return self.functional(config, inputs, path, depth)

    def functional(self, config: dict, inputs: list, path: str, depth: int) -> list:
        made: dict[tuple[str, int], list] = {}
        names = [ref[0] for ref in references(config.get("input_layers"))]
        made.update({(name, 0): [x] for name, x in zip(names, inputs)})
        for entry in config.get("layers", ()):
            name = str(entry.get("name"))
            for i, call in enumerate(entry.get("inbound_nodes") or ()):
                try:
                    args = [self.held(a, made) for a in call["args"]]
                    kwargs = {k: self.held(v, made) for k, v in call["kwargs"].items()}
                except MALFORMED:
                    raise WhyshapeError(f"This Keras model is damaged: what goes into {name[:60]!r} is not there.") from None
                made[name, i] = self.layer(entry, flat(args), {"args": args, "kwargs": kwargs}, path, depth, stated(config, name, i))
        try:
            return [made[name, node][place] for name, node, place in references(config.get("output_layers"))]
        except MALFORMED:
            raise WhyshapeError("This Keras model is damaged: an output is not there.") from None

    def held(self, value: Any, made: dict) -> Any:
        """An argument of a call, with tensors for references; plain data stays."""
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            name, node, place = value["config"]["keras_history"]
            return made[name, node][place]
        if isinstance(value, dict) and value.get("class_name") == "__ellipsis__":
            return Ellipsis
        if isinstance(value, dict) and value.get("class_name") == "__slice__":
            return slice(*[value["config"][word] for word in ("start", "stop", "step")])
        if isinstance(value, list):
            return [self.held(v, made) for v in value]
        return value

    def layer(self, entry: dict, inputs: list, call: dict, path: str, depth: int, said) -> list:
        self.calls += 1
        if self.calls > MOST_LAYERS:
            raise WhyshapeError(f"This Keras model has more than {MOST_LAYERS:,} layers.")
        net, config, kind = self.net, entry.get("config"), str(entry.get("class_name"))
        if not isinstance(config, dict):
            raise WhyshapeError("This Keras model is damaged: a layer has no config.")
        name = str(entry.get("name") or config.get("name") or kind)
        at = f"{path}.{name}" if path else name
        if kind in ("Sequential", "Functional", "Model"):
            return self.model(entry, inputs, at, depth + 1)
        net.path, net.place, net.name = at, at, kind
        before = len(net.nodes)
        unknown = next((v for v in inputs if isinstance(v, Unknown)), None)
        try:
            if unknown is not None:
                raise Unclear("what comes in is not known")
            made = self.ask(entry, kind, config, inputs, call)
        except (Unclear, Unexplained) as why:
            return self.measured(kind, inputs, said, str(why))
        except MALFORMED as error:
            return self.measured(kind, inputs, said, f"its config is not as Keras writes it ({type(error).__name__})")
        self.remember(at, kind, config, before)
        return list(made) if isinstance(made, (list, tuple)) else [made]

    def remember(self, at: str, kind: str, config: dict, before: int) -> None:
        """The layer as a module of the graph: nobody types what comes into a layer with weights, and its settings are kept."""
        if at not in self.known:
            self.known.add(at)
            read = {t for node in self.net.nodes[before:] for t in node.inputs}
            learned = any(self.net.tensors[t].kind == "parameter" for t in read)
            self.net.modules.append(Module(at, kind, False, kind if learned else "", (), settings(config)))

    def ask(self, entry: dict, kind: str, config: dict, inputs: list, call: dict):
        module = str(entry.get("module") or "keras.layers")
        if module.startswith(("keras.src.ops", "keras.ops")):
            function = FUNCTIONS.get(kind)
            if function is None:
                raise Unclear(f"no rule is known for keras.ops' {kind[:60]}")
            return function(self.net, config, call.get("args", inputs), call.get("kwargs", {}))
        if kind == "Lambda":
            raise Unclear("a Lambda is code, and code in a file is never run")
        make = LAYERS.get(kind)
        if make is None or not module.startswith("keras"):
            raise Unclear(f"no rule is known for {kind[:60]}")
        more = flat(list(call.get("kwargs", {}).values())) if kind in TAKES_BY_NAME else []
        return make(self.net, config, [*inputs, *more])

    def measured(self, kind: str, inputs: list, said, why: str) -> list:
        """What the file states of the result: measured, not derived; otherwise nobody knows."""
        shape = self.sized(said)
        if shape is None:
            self.net.note(f"{self.net.path[:60]}: {why}; {UNSEEN}")
            return [Unknown()]
        tensors = [v for v in inputs if isinstance(v, Value)]
        return self.net.measured(f"keras.{kind[:60]}", tensors, [(shape, "float32")], f"{why}; the file states its sizes")

    def sized(self, said) -> tuple[int, ...] | None:
        if not isinstance(said, list) or not said:
            return None
        batch = next((self.net.tensors[i].shape[0] for i in self.net.inputs), 1)
        sizes = [batch if i == 0 and n is None else n for i, n in enumerate(said)]
        return tuple(sizes) if all(type(n) is int and n >= 0 for n in sizes) else None


TAKES_BY_NAME = {"MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention", "Attention", "AdditiveAttention"}


def flat(value: Any) -> list:
    """The tensors among arguments, in order."""
    if isinstance(value, (Value, Unknown)):
        return [value]
    if isinstance(value, (list, tuple)):
        return [v for part in value for v in flat(part)]
    return []


def references(value: Any) -> list[tuple[str, int, int]]:
    """``["name", 0, 0]``, a list of such, or a dict of such."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(r, list) and len(r) == 3 for r in value):
        raise WhyshapeError("This Keras model is damaged: its inputs or outputs are not named.")
    return [(str(name), int(node), int(place)) for name, node, place in value]


def stated(config: dict, name: str, node: int):
    """The shape the file records where somebody reads the first result of a layer."""
    table = config.get("__stated__")
    if table is None:
        table = config["__stated__"] = {}
        for entry in config.get("layers", ()):
            for call in entry.get("inbound_nodes") or ():
                for ref in tensors_in(call):
                    history = ref["config"].get("keras_history") or [None, None, None]
                    if history[2] == 0:
                        table[history[0], history[1]] = ref["config"].get("shape")
    return table.get((name, node))


def tensors_in(value: Any):
    """Every reference to a tensor within a call."""
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            if top.get("class_name") == "__keras_tensor__" and isinstance(top.get("config"), dict):
                yield top
            else:
                stack.extend(top.values())
        elif isinstance(top, list):
            stack.extend(top)
