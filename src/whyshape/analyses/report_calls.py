"""The calls of a report: each distinct derivation once, as trees over what a call reads and its knobs, and the calls as places in that table."""

from __future__ import annotations

import re
from functools import cache
from math import prod
from string import Formatter
from typing import Any

from whyshape.analyses.layers import Layers
from whyshape.analyses.live import call_of, live
from whyshape.analyses.trees import Numbers
from whyshape.analyses.words import Words
from whyshape.graph import Derived, Graph, Node, Ref, derive, rebuild
from whyshape.rules import Call, Rule, Spec, Window
from whyshape.rules.kept import tensors
from whyshape.rules.looks import looks
from whyshape.sizes import TASK, Size, leaves, plain
from whyshape.sizes.wording import both, worded

TURNS = 8  # values of a knob tried to find the ways through a rule that branches on it
ROADS = 8  # ways told beside the one that was taken
DIGIT = re.compile(r"\d")
SPOKEN = 300  # calls told in sentences too; in a larger network the later ones have their formulas only


class Calls:
    """Collects the distinct derivations, and the calls as indices into them."""

    def __init__(self, graph: Graph):
        self.graph, self.layers = graph, Layers(graph)
        self.words, self.live = Words(graph, self.layers), live(graph)
        self.told: dict[tuple, int] = {}
        self.trees: list[Any] = []
        self.sentences: dict[str, int] = {}
        self.rules: list[dict[str, Any]] = []
        self.nodes: list[list] = []
        self.shapes: list[list[int]] = []
        self.tensors: list[int] = []
        self._rule: dict[str, int] = {}
        self.totals = [0, 0]  # learned numbers and multiply-adds, so that the page can say them before it asks call by call
        self._asked: dict[tuple, tuple[int, int]] = {}
        self._forms: dict[tuple | None, dict[int, None]] = {}
        self._steady: set[int] = set()
        self._last = set(graph.outputs)
        self._sentences: dict[tuple, tuple[int, ...]] = {}
        self._tree: dict[Any, int] = {}
        self._shape: dict[tuple, int] = {}
        self._tensor: dict[int, int] = {}
        self._owned: set[int] = set()

    def derived(self) -> list[str]:
        """How the sizes of the page come about, in sentences."""
        calls, measured = len(self.nodes), sum("measured" in self.rules[node[0]] for node in self.nodes)
        said = [
            worded(
                "{derived} of {calls:calls} are derived: the sizes come from formulas, evaluated in this page.",
                {"derived": calls - measured, "calls": calls},
            )
        ]
        if measured:
            what = "{n:calls} could not be derived: no formula is known. What was observed is shown, and it stays when you turn a knob."
            said.append(worded(what, {"n": measured}))
        return [*said, f"The page holds no rule of its own. It evaluates {len(self.trees)} expressions that whyshape wrote."]

    def tensor(self, index: int) -> int:
        """The page's number for a tensor."""
        if index not in self._tensor:
            shape = tuple(plain(self.graph.tensors[index].shape))
            if shape not in self._shape:
                self._shape[shape] = len(self.shapes)
                self.shapes.append(list(shape))
            self._tensor[index] = len(self.tensors)
            self.tensors.append(self._shape[shape])
        return self._tensor[index]

    def add(self, node: Node) -> None:
        """One call: ``[derivation, the tensors it reads, the tensors it makes, whether its weights are its own, its words]``."""
        graph = self.graph
        slots = [i for i in dict.fromkeys(node.inputs) if not _learned(graph, i)]
        weights = [i for i in dict.fromkeys(node.inputs) if graph.tensors[i].kind == "parameter"]
        asked = self.question(node)
        known = self._asked.get(asked) if asked is not None else None
        if known is None:
            form = None if asked is None else self.form(node)
            known = self.again(node, slots, form) or self.rule(node, slots, weights)
            if asked is not None:
                self._asked[asked] = known
                if known[0] in self._steady:
                    self._forms.setdefault(form, {})[known[0]] = None
        rule, macs = known
        own = self._owned.isdisjoint(weights)
        self._owned.update(weights)
        self.totals[0] += sum(prod(map(int, graph.tensors[i].shape)) for i in weights) if own else 0
        self.totals[1] += macs
        spoken = self.told.setdefault(self.spoken(node), len(self.told))
        self.nodes.append([rule, [self.tensor(i) for i in slots], [self.tensor(i) for i in node.outputs], int(own), spoken])

    def question(self, node: Node) -> tuple | None:
        """Equal for calls whose derivations are equal; None for a call whose arguments remember sizes of tensors it does not read."""
        if any(isinstance(n, Size) for n in _numbers((node.args, node.kwargs))):
            return None
        first: dict[int, int] = {}
        read = [(first.setdefault(i, len(first)), self.live[i].kind, self.live[i].strides) for i in node.inputs]
        return self.layers.mark(node), node.why, tuple(read), self.layers.opened(node)

    def form(self, node: Node) -> tuple:
        """Equal for calls that differ at most in the sizes that arrive."""
        first: dict[int, int] = {}

        def told(value):
            if isinstance(value, Ref):
                t, held = self.graph.tensors[value.tensor], self.live[value.tensor]
                size = t.shape if _learned(self.graph, value.tensor) else len(t.shape)
                return first.setdefault(value.tensor, len(first)), size, t.dtype, held.kind, held.strides is None
            if isinstance(value, (tuple, list)):
                return tuple([told(v) for v in value])
            return repr(value)

        last = not self._last.isdisjoint(node.outputs)
        args, kwargs = told(node.args), tuple([(name, told(v)) for name, v in node.kwargs.items()])
        return node.op, node.by, node.why, last, args, kwargs, self.layers.opened(node)

    def again(self, node: Node, slots: list[int], form: tuple | None) -> tuple[int, int] | None:
        """The derivation of a call of the same form, where it holds for these sizes too: then it need not be asked for again."""
        shape = lambda i: tuple(plain(self.graph.tensors[i].shape))
        for index in self._forms.get(form, ()) if form else ():
            rule = self.rules[index]
            at = Numbers(self.trees, [shape(i) for i in slots], rule["knobs"])
            if at.goes(rule, [shape(i) for i in node.outputs]):
                return index, at.value(rule["macs"])
        return None

    def steady(self, rule: dict[str, Any]) -> bool:
        """Whether nothing told of a call belongs to its sizes alone: a number in a sentence, or a `reach` that was observed."""
        reach, seen, texts = rule.get("reach", "all"), list(Window(1)), list(self.sentences)
        if reach == "all" or any(DIGIT.search(texts[demand[3]]) for demand in rule["needs"]):
            return False
        return reach == "same" or all(w != "adaptive" and [self.trees[t] for t in w] != seen for w in reach.values())

    def rule(self, node: Node, slots: list[int], weights: list[int]) -> tuple[int, int]:
        """The place of the call's derivation in the table of rules, and its multiply-adds (0 where no formula is known).

        Tensors whose sizes its arguments remember are added to ``slots``.
        """
        derived = derive(self.graph, node)
        told, macs, at = self._told(node, derived, slots, weights)
        key = repr((told, not self._last.isdisjoint(node.outputs), self.layers.opened(node)))
        if key not in self._rule:
            self._rule[key] = len(self.rules)
            if at is not None:
                self.decided(told, node)
                told["roads"] = self.roads(node, derived, told, at) if told["holds"] else []
            if self.steady(told):
                self._steady.add(len(self.rules))
            self.rules.append(told)
        return self._rule[key], macs

    def spoken(self, node: Node) -> tuple:
        """The sentences of a call's card beside the formulas, which the page writes itself: its slots, each with indices of sentences."""
        if node.rule is None or len(self.told) > SPOKEN:
            return ()
        layer, words, mark = self.layers.of(node), self.words, self.layers.mark(node)
        alike = {"SIZE": lambda: words.walk(layer), "NOTE": lambda: words.notes(layer), words.other_slot: lambda: words.keras(node)}
        around = words.notation.context(node)
        for slot, say in alike.items():
            if (mark, slot, around) not in self._sentences:
                self._sentences[mark, slot, around] = self.told_as(say())
        said = {slot: self._sentences[mark, slot, around] for slot in alike} | {
            "MAPS": self.told_as(words.maps(layer))
        }  # names another layer
        return tuple((slot, said[slot]) for slot in ("SIZE", "MAPS", "NOTE", words.other_slot) if said[slot])

    def told_as(self, said: list[str]) -> tuple[int, ...]:
        """The places of sentences in their table."""
        return tuple([self.sentences.setdefault(s, len(self.sentences)) for s in said])

    def _told(self, node: Node, derived: Derived | None, slots: list[int], weights: list[int]):
        graph, tree = self.graph, self.tree
        if derived is None or derived.refusal is not None:
            outs = [[tree(int(n)) for n in graph.tensors[i].shape] for i in node.outputs]
            params = [[tree(int(n)) for n in graph.tensors[i].shape] for i in weights]
            return {"op": node.op, "outs": outs, "params": params, "measured": node.why or "no formula is known for it here"}, 0, None

        def at(size):
            kind, *where = size.leaf.ref or ("",)
            if kind == "knob":
                return where[1]
            if kind == "axis" and not _learned(graph, where[0]):
                if where[0] not in slots:
                    slots.append(where[0])
                return slots.index(where[0]), where[1]
            return int(size)

        rule = node.rule
        assert rule is not None
        told: dict[str, Any] = {
            "op": node.op,
            "title": rule.title or node.op,
            **self.road(derived, at),
            "knobs": {name: int(size) for name, size in derived.knobs.items()},
        }
        asked = {ref.tensor: spec.shape for ref, spec in _pairs((node.args, node.kwargs), (derived.args, derived.kwargs))}
        told["params"] = [[tree(n, at) for n in asked.get(i, graph.tensors[i].shape)] for i in weights]
        made = [Spec(tuple(shape), graph.tensors[i].dtype) for shape, i in zip(derived.shapes, node.outputs)]
        call = Call(rule, derived.args, derived.kwargs, made[0] if len(made) == 1 else made)
        macs = rule.macs(call)
        told["macs"] = tree(macs, at)
        told["reach"] = self.reach(node, rule, call, at)
        if padded := rule.padded(call):
            told["padded"] = padded
        return told, int(macs), at

    def decided(self, told: dict[str, Any], node: Node) -> None:
        """What the axes are called, and which numbers are not free: typed to fit what arrives, or fixed by the task."""
        layer = self.layers.of(node)
        told["axes"] = [size.name for size in layer.sizes]
        told["typed"] = list(dict.fromkeys(tied.knob for tied in layer.typed))
        told["task"] = [size.knob for size in layer.sizes if size.by == TASK]
        if ties := [
            i
            for i, (relation, left, right, *_) in enumerate(told["needs"])
            if relation == "==" and self.rests(left, list) and self.rests(right, str)
        ]:
            told["ties"] = ties
        if found := self.found(node, told):
            told["found"] = found

    def found(self, node: Node, told: dict[str, Any]) -> dict[str, str]:
        """The knobs nobody typed, each with how it was found: a size that arrives (``LazyLinear``), or a search (``AdaptiveAvgPool2d(?)``)."""
        arrived = self.layers.found.get(node.path)
        ways = {name: f"{arrived} takes what arrives" for name in told["typed"][:1] if arrived}
        ways |= {name: why for name in told["knobs"] if (why := self.layers.filled(node, name))}
        return ways

    def rests(self, tree: int, on: type) -> bool:
        """Whether an expression rests on knobs alone (``on`` str), or on sizes that arrive alone (``on`` list)."""
        entry = self.trees[tree]
        parts = entry[1:] if type(entry) is list and type(entry[0]) is str else []
        kinds = [self.rests(part, on) for part in parts if isinstance(self.trees[part], (str, list))]
        return all(kinds) and bool(kinds) if parts else type(entry) is on

    def road(self, derived: Derived, at) -> dict[str, Any]:
        """One way through the rule: what it makes, what it demands, and the conditions under which it is this way."""
        return {
            "outs": [[self.tree(n, at) for n in shape] for shape in derived.shapes],
            "needs": _once([*self.condition(n.cond, at), *self.sentence(n.sentence, n.numbers, at)] for n in derived.needs),
            "holds": _once(self.condition(cond, at) for cond in derived.branches if _varies(cond)),
        }

    def roads(self, node: Node, derived: Derived, told: dict[str, Any], at) -> list[dict[str, Any]]:
        """The other ways through a rule that branches on its knobs, found by turning each of those knobs and asking it again."""
        found: dict[str, dict[str, Any] | None] = {repr(told["holds"]): None}
        asked = {id(end) for c in derived.branches for side in (c.left, c.right) for end in leaves(side)}
        branching = {name for name, knob in derived.knobs.items() if id(knob) in asked}
        for base in dict.fromkeys(name.partition("[")[0] for name in derived.knobs if name in branching):
            for value in range(TURNS):
                other = derive(self.graph, node, {name: value for name in derived.knobs if name.partition("[")[0] == base})
                if other is not None and other.refusal is None and len(found) <= ROADS:
                    road = self.road(other, at)
                    found.setdefault(repr(road["holds"]), road)
        return [road for road in found.values() if road]

    def tree(self, size, at=None) -> int:
        """The index of an expression's tree; ``at`` says what stands for a leaf."""
        if not isinstance(size, Size):
            entry: Any = size if isinstance(size, float) else int(size)
        elif size.op == "leaf":
            entry = at(size)
        else:
            entry = (size.op, *[self.tree(a, at) for a in size.args])
        found = self._tree.get(entry)
        if found is None:
            found = self._tree[entry] = len(self.trees)
            self.trees.append(list(entry) if type(entry) is tuple else entry)
        return found

    def condition(self, cond, at) -> list:
        """A comparison: the relation and the trees of both sides."""
        return [cond.relation, self.tree(cond.left, at), self.tree(cond.right, at)]

    def sentence(self, text: str, numbers: dict, at) -> list:
        """The index of a refusal's sentence, and the numbers it names: a tree, a list of trees, or text."""
        named = _named(text)

        def number(value):
            if isinstance(value, (tuple, list)):
                return [number(v) for v in value]
            return self.tree(value, at) if isinstance(value, int) and not isinstance(value, bool) else str(value)

        filled = {name: number(value) for name, value in numbers.items() if name in named}
        return [self.sentences.setdefault(both(text), len(self.sentences)), filled]

    def reach(self, node: Node, rule: type[Rule], call: Call, at):
        """How a cell of the first output looks at what is read: ``"same"`` place, ``{axis: window}``, or ``"all"``, always safe."""
        if rule.pointwise:
            return "same"
        windows = {} if rule.whole else rule.reach(call)
        if windows and getattr(rule, "adaptive", False):  # window i covers cells floor(i*n/o) up to ceil((i+1)*n/o): they differ by cell
            return dict.fromkeys(map(str, windows), "adaptive")
        if windows:
            return {str(axis): [self.tree(n, at) for n in w] for axis, w in windows.items()}
        made = call_of(node, self.live)
        found = [looks(made, t, place) for place, t in enumerate(tensors(made)) if not t.leaf or t.kind == "input"]
        kept = [a for a in (-2, -1) if found and all(len(how) >= 3 and _stays(how[a], a) for how in found)]
        stay = [self.tree(n) for n in Window(1)]
        return {str(axis): stay for axis in kept} if kept else "all"


def _stays(look, axis: int) -> bool:
    """Whether a cell sees its own place along the axis, and nothing beside it."""
    return look.same and look.axis == axis and look.exact


@cache
def _named(sentence: str) -> set[str]:
    """The numbers a sentence names."""
    return {str(field).partition(".")[0] for _, field, _, _ in Formatter().parse(sentence) if field}


def _numbers(value):
    """Every number among a call's arguments."""
    found: list[int] = []
    rebuild(value, lambda ref: ref, found.append)
    return found


def _learned(graph: Graph, index: int) -> bool:
    return graph.tensors[index].kind in ("parameter", "buffer")


def _varies(cond) -> bool:
    return isinstance(cond.left, Size) or isinstance(cond.right, Size)


def _once(items) -> list:
    """Each once, in order: both axes of a square kernel ask the same."""
    return list({repr(item): item for item in items}.values())


def _pairs(held, asked):
    """Each `Ref` of the held arguments beside what was asked in its place."""
    if isinstance(asked, Spec):
        yield held, asked
    elif isinstance(held, dict):
        for key in held:
            yield from _pairs(held[key], asked[key])
    elif isinstance(held, (tuple, list)):
        for a, b in zip(held, asked):
            yield from _pairs(a, b)
