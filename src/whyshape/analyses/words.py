"""A layer in words: the slots SIZE, MAPS, WEIGHTS, NOTE and IN KERAS, each only where it says something."""

from __future__ import annotations

from functools import cached_property

from whyshape.analyses.layers import SPACE, AxisSize, Layer, Layers, Origins, made_by_layer
from whyshape.analyses.parameters import nouns
from whyshape.analyses.words_notation import Notation
from whyshape.graph import Graph, Node
from whyshape.rules import Window
from whyshape.rules.base import NOT_TOLD
from whyshape.rules.words import count
from whyshape.sizes import CHOSEN, INPUT, TASK, Size, leaves, product

SLOTS = ("SIZE", "MAPS", "WEIGHTS", "NOTE", "IN KERAS", "IN TORCH")
ROWS = {"height": "rows", "width": "columns", "length": "places", "depth": "slices"}


class Words:
    """Tells the layers of one graph."""

    def __init__(self, graph: Graph, layers: Layers | None = None):
        self.graph = graph
        self.layers = layers or Layers(graph)
        self.origins = Origins(self.layers)
        self.nouns = nouns(graph)

    def slots(self, node: Node, level: str = "default") -> dict[str, list[str]]:
        """The sentences of one call, by slot, in their order; empty slots are left out."""
        if node.rule is None:
            return {"SIZE": [self.measured(node)]}
        layer = self.layers.of(node)
        told = {"SIZE": self.size(layer, level)}
        if level != "brief":
            told["MAPS"] = self.maps(layer)
            told["WEIGHTS"] = self.weights(node)
            told["NOTE"] = self.notes(layer)
            told[self.other_slot] = self.keras(node)
        return {slot: told[slot] for slot in SLOTS if told.get(slot)}

    def measured(self, node: Node) -> str:
        """For a call that no rule explains."""
        shapes = ", ".join(text(self.graph.tensors[i].shape) for i in node.outputs)
        return f"{node.op} gave {shapes} when run. No formula is known for it here, so this is an observation, not a derivation."

    # -- SIZE ----------------------------------------------------------------------------------------------------------

    def size(self, layer: Layer, level: str) -> list[str]:
        """The formulas with their numbers, then the window's walk in words."""
        alone = sum(1 for size in layer.sizes[1:] if size.by != INPUT) == 1 and not layer.window  # one row of numbers needs no name
        told = [
            f"{'' if alone and names != layer.sizes[0].name else names + ': '}{formula} = {value}"
            for names, formula, value in layer.formulas
            if not self._is_channels(layer, names)
        ]
        for size in layer.sizes:
            if size.by in (CHOSEN, TASK) and not self._is_channels(layer, size.name):
                told += [said] if (said := self.decided(layer, size)) not in told else []  # of height and width alike once
        if level != "brief":
            told += self.walk(layer)
            if not layer.window:
                told += self.ties(layer)
        return told or [self.carried(layer)]

    def carried(self, layer: Layer) -> str:
        """What became of sizes that all come from elsewhere: nothing, or they stand in another order, or they are another tensor's."""
        node = layer.node
        came = [self.graph.tensors[t].shape for t in node.inputs if self.graph.tensors[t].kind not in ("parameter", "buffer")]
        made = tuple(size.value for size in layer.sizes)
        if by := made_by_layer(layer.node):
            return f"{text(made)}: made here by {by} itself."
        if not came or (tuple(map(int, came[0])) == made and not self._turned(layer)):
            return "unchanged"
        if sorted(map(int, came[0])) == sorted(made):
            return f"the axes change places: {text(came[0])} -> {text(made)}."
        if len(came) == 1 and [int(n) for n in came[0] if n != 1] == [n for n in made if n != 1]:
            more = len(made) - len(came[0])
            ones = "an axis" if abs(more) == 1 else f"{abs(more)} axes"
            return (
                f"{ones} of 1 {'is' if abs(more) == 1 else 'are'} {'added' if more > 0 else 'taken out'}: {text(came[0])} -> {text(made)}."
            )
        own = self.of_state(node)
        return f"{'; '.join(own)}." if own else f"{text(made)}: carried over from what comes in."

    def of_state(self, node: Node) -> list[str]:
        """The sizes that come straight from a parameter or a buffer: ``8: axis 1 of the parameter w1 (16x8)``."""
        found = []
        for size in self.layers.exact(node).sizes:
            ref = size.size.leaf.ref if isinstance(size.size, Size) and size.size.leaf is not None else None
            if ref and ref[0] == "axis" and self.graph.tensors[ref[1]].kind in ("parameter", "buffer"):
                found.append(f"{size.value}: axis {ref[2]} of {self.held(ref[1])}")
        return found

    def held(self, tensor: int) -> str:
        """A tensor that no call makes, by its name: ``the parameter w1 (16x8)``."""
        t = self.graph.tensors[tensor]
        return f"the {t.kind} {t.name} ({text(t.shape)})" if t.name else f"a tensor the model's own code holds ({text(t.shape)})"

    def _turned(self, layer: Layer) -> bool:
        """Whether axes changed places although the sizes look the same: the square transposed."""
        at = [size.size.leaf.ref for size in layer.sizes if isinstance(size.size, Size) and size.size.leaf is not None]
        places = [ref[2] for ref in at if ref and ref[0] == "axis" and ref[1] == layer.node.inputs[0]]
        return places != sorted(places)

    def ties(self, layer: Layer) -> list[str]:
        """The first number that was typed although it is not free."""
        return [self.tied(layer, t.knob, t.value) for t in layer.typed if not t.knob.startswith(("bias", "running"))][:1]

    def decided(self, layer: Layer, size: AxisSize) -> str:
        """A number somebody typed, or left open, said as such."""
        knob = size.knob.partition("[")[0]
        if why := self.layers.filled(layer.node, knob):
            return f"{size.value:,}: found, not typed ({knob}): {why}."
        if size.by == TASK:
            return f"{size.value:,}: from the task, one for each answer there is to choose from ({knob}, typed)."
        return f"{size.value:,}: you chose it ({knob})."

    def walk(self, layer: Layer) -> list[str]:
        """How the window moves: where it covers how much, and how often it steps. Said for the last axis, and for others that differ."""
        told: list[str] = []
        seen = set()
        for axis in sorted(layer.window):
            window, size = layer.window[axis], layer.sizes[axis]
            if window.stride < 1 or not isinstance(size.size, Size) or not _walks(size.size):
                continue
            key = self._walk_key(layer, axis, window)
            if key is None or key in seen:
                continue
            seen.add(key)
            told.append(_walk(*key, ROWS.get(size.name, "places")))
        return told

    def _walk_key(self, layer: Layer, axis: int, window: Window) -> tuple[int, int, int, int, int, int, int] | None:
        arrives = self.graph.tensors[layer.node.inputs[0]].shape
        span = int(window.dilation) * (int(window.size) - 1) + 1
        room = int(arrives[axis]) + int(window.before) + int(window.after)
        places = (room - span) // int(window.stride) + 1
        if places != layer.sizes[axis].value:  # ceil_mode and its kind: the formula speaks for itself
            return None
        padded = int(window.before) + int(window.after)
        return span, room, int(window.stride), places, int(window.dilation), int(window.size), padded

    def _is_channels(self, layer: Layer, name: str) -> bool:
        return name == "channels" and bool(layer.window)

    def laid_out(self, node: Node, n: int) -> str:
        """What holds where the next call lays the ``n`` numbers a layer makes out anew, in rows of a typed size: a view, a reshape."""
        for user in self.graph.consumers().get(node.outputs[0], ()):
            derived = self.layers.exact(user).derived
            for need in derived.needs if derived is not None else ():
                left = getattr(need.cond, "left", None)
                if not (isinstance(left, Size) and left.op == "%" and isinstance(left.args[1], Size)):
                    continue
                if any(at.leaf.ref[:2] == ("axis", node.outputs[0]) for at in leaves(left.args[0]) if at.leaf and at.leaf.ref):
                    rows = left.args[1]
                    made = f"{rows.formula} = {int(rows)}" if rows.op != "leaf" else str(int(rows))
                    each = "one row for each input" if int(rows) == n else f"the {n} of each input are cut up among them"
                    op = user.op.rpartition(".")[2]
                    return (
                        f"{op} lays them in rows of {made} numbers: {each}. With another number the batch changes unnoticed, or it fails."
                    )
        return ""

    # -- MAPS, WEIGHTS, NOTE, IN KERAS ---------------------------------------------------------------------------------

    def maps(self, layer: Layer) -> list[str]:
        """How many maps there are, who decided it, and what was typed although it is not free."""
        told = []
        node = layer.node
        assert node.rule is not None
        channels = next((s for s in layer.sizes if self._is_channels(layer, s.name)), None)
        if channels is not None:
            how = node.rule.answer("maps", self.graph.call(node))
            if why := self.layers.filled(node, channels.knob):
                told.append(f"{channels.value:,}: found, not typed: {why}.")
            elif channels.by in (CHOSEN, TASK):
                told.append(f"{channels.value:,}: you chose it.")
            elif channels.text:
                told.append(f"{channels.text} = {channels.value:,}.")
            elif channels.by == INPUT and how is not NOT_TOLD:
                told.append(f"{channels.value:,}: from the input.")
            if how is not NOT_TOLD and how:
                told.append(how)
        if layer.window:
            told += self.ties(layer)
        return [" ".join(told)] if told else []

    def tied(self, layer: Layer, knob: str, value: int) -> str:
        """A number that was typed although another decides it."""
        found = layer.node.path in self.layers.found or self.layers.filled(layer.node, knob)
        how = "found, not typed: it must equal" if found else "typed, must equal"
        return f"{knob}={value}: {how} {self.source(layer, knob)}."

    def source(self, layer: Layer, knob: str) -> str:
        """Where the number that arrives comes from, in words: ``conv_1's maps``, ``20*4*4``."""
        exact = self.layers.exact(layer.node)
        tied = next((t for t in exact.typed if t.knob == knob), None)
        if tied is None or tied.axis is None:
            return "what comes in"
        return self.origin(*tied.axis)

    def origin(self, tensor: int, axis: int) -> str:
        """Who made an axis: the input, a layer's chosen number, or a formula."""
        step = self.origins.of(tensor, axis)
        if step.node is None:
            held = "the input" if step.tensor in self.graph.inputs else self.held(step.tensor)
            return f"the {count(step.size, self.what(tensor, axis))} of {held}"
        if isinstance(step.size, Size) and step.size.op != "leaf":
            return f"{step.size.formula} from {name_of(step.node)}"
        ref = step.size.leaf.ref if isinstance(step.size, Size) and step.size.leaf is not None else None
        owner = self.held(ref[1]) if ref and ref[0] == "axis" else name_of(step.node)
        return f"the {count(step.size, self.what(step.tensor, axis))} of {owner}"

    def what(self, tensor: int, axis: int) -> str:
        """What an axis of that tensor counts: maps stand before the axes that windows slide over, or last where these end before the end."""
        rank = len(self.graph.tensors[tensor].shape)
        if rank <= 2:
            return "number"
        near = [n for n in self.near.get(tensor, ()) if n.rule is not None]
        slid = [reach for n in near if not n.rule.pointwise and (reach := n.rule.reach(self.graph.call(n)))]
        if any(-1 not in reach for reach in slid):
            return "map" if axis == rank - 1 else "number"
        alone = any(min(reach) == 1 - rank == -len(reach) for reach in slid)  # one picture without a batch
        return "map" if axis == (0 if alone else 1) else "number"

    @cached_property
    def near(self) -> dict[int, list[Node]]:
        """The calls that make each tensor, or read it first."""
        found: dict[int, list[Node]] = {}
        for node in self.graph.nodes:
            for tensor in dict.fromkeys((*node.inputs[:1], *node.outputs)):
                found.setdefault(tensor, []).append(node)
        return found

    def weights(self, node: Node) -> list[str]:
        """The learned numbers of this call, as a multiplication."""
        from whyshape.analyses.parameters import multiplied
        from whyshape.graph import State

        terms, total = [], 0
        for i in dict.fromkeys(node.inputs):
            t = self.graph.tensors[i]
            if t.kind != "parameter":
                continue
            total += int(product(t.shape))
            terms.append(multiplied(State(t.name, t.shape, t.dtype), self.nouns.get(t.name)))
        return [f"{' + '.join(terms)} = {total}"] if terms else []

    def notes(self, layer: Layer) -> list[str]:
        """At most one surprise: pixels nobody reads first, then what the rule finds worth saying."""
        unread = self.unread(layer)
        if unread:
            return [unread]
        node = layer.node
        assert node.rule is not None
        call = self.graph.call(node)
        if node.inputs and node.inputs[0] in self.notation.maps:
            vars(call)["maps"] = self.notation.maps[node.inputs[0]]
        found = node.rule.answer("note", call)
        return [found] if isinstance(found, str) and found else []

    def unread(self, layer: Layer) -> str:
        """How many input cells no window ever covers, counted one by one."""
        if not layer.window or len(layer.window) not in SPACE or any(w.stride < 1 for w in layer.window.values()):
            return ""
        arrives = self.graph.tensors[layer.node.inputs[0]].shape
        read, whole = 1, 1
        for axis, window in layer.window.items():
            n, places = int(arrives[axis]), layer.sizes[axis].value
            if n > 100_000:
                return ""
            read *= len(covered(n, window, places))
            whole *= n
        if read >= whole:
            return ""
        what = "places" if len(layer.window) == 1 else "pixels of each map"
        return f"Only {read:,} of {whole:,} {what} are ever read."

    def keras(self, node: Node) -> list[str]:
        """The same call in Keras; of a network read from Keras, in PyTorch."""
        if self.notation.keras:
            from whyshape.analyses.words_torch import lines
        else:
            from whyshape.analyses.translate_line import lines
        return lines(node, self.notation)

    @property
    def other_slot(self) -> str:
        """The slot that `keras` fills."""
        return "IN TORCH" if self.notation.keras else "IN KERAS"

    @cached_property
    def notation(self) -> Notation:
        """The sizes as the other framework writes them."""
        return Notation(self.graph)


def covered(n: int, window: Window, places: int) -> set[int]:
    """The input cells that some window reads, enumerated.

    >>> sorted(covered(6, Window(2, 3), 2))
    [0, 1, 3, 4]
    """
    cells = {t * int(window.stride) + j * int(window.dilation) - int(window.before) for t in range(places) for j in range(int(window.size))}
    return {c for c in cells if 0 <= c < n}


def _walks(size: Size) -> bool:
    return size.op == "+" and isinstance(size.args[0], Size) and size.args[0].op == "//"


def _walk(span, room, stride, places, dilation, k, padded, rows) -> str:
    moves = places - 1
    spread = f"Dilation {dilation} spreads the kernel of {k} over {span}. " if dilation > 1 else ""
    width = f"{room} {rows}, padding counted" if padded else f"{room} {rows}"
    more = room - span
    if more == 0:
        return f"{spread}The kernel covers all {width}: 1 place."
    if stride == 1:
        return f"{spread}The kernel covers {span} of {width}. It can move {more} more, plus the start: {places} places."
    steps = f"in steps of {stride} that is {count(moves, 'move')}"
    return f"{spread}The kernel covers {span} of {width}. It can move {more} more; {steps}, plus the start: {count(places, 'place')}."


def text(shape) -> str:
    """A shape in words: ``10x24x24``.

    >>> text((10, 24, 24))
    '10x24x24'
    """
    return "x".join(str(int(n)) for n in shape) or "one number"


def name_of(node: Node) -> str:
    """How a call is spoken of: the last part of its module's path that is a name, or its operator.

    >>> from whyshape.graph import Node
    >>> name_of(Node(0, "conv2d", "layer1.downsample.0", "Conv2d", (), {}, (), ()))
    'downsample.0'
    """
    parts = node.path.split(".")
    if not parts[-1].isdecimal():
        return parts[-1] or node.op
    return ".".join(parts[-2:])  # a number alone says nothing


__all__ = ["Words", "covered", "name_of", "text"]
