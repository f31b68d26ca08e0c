"""Where a number comes from: asked as a number (``320``), a place (``fc1.in_features``), or a step (``24->12``)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from whyshape.analyses.answer import Answer, Reason
from whyshape.analyses.layers import SPACE, AxisSize, Layer, Layers, Origins, Step, factors
from whyshape.analyses.why_bare import bare, held
from whyshape.analyses.why_rows import mixed, rows_typed
from whyshape.analyses.words import Words, name_of, text
from whyshape.analyses.words_names import elsewhere
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph, Node
from whyshape.rules.words import count
from whyshape.sizes import Size, leaves, product


def why(graph: Graph, what: Any, mine: int | None = None) -> Answer:
    """Where ``what`` comes from, back to the input and to what somebody chose.

    Raises `WhyshapeError` naming what is near when it does not occur.

    >>> from whyshape.readers.notation import THREAD, build, parse
    >>> graph = build(parse(THREAD), (1, 1, 28, 28))
    >>> print(why(graph, "24->12"))
    12. conv.maxpool_1 turns 24 into 12: 24/2 = 12. In full: floor((24 + 2*0 - 1*(2-1) - 1)/2) + 1 = 12.
    """
    return _Why(graph).answer(str(what).strip(), mine)


class _Why:
    def __init__(self, graph: Graph):
        self.graph = graph
        self.layers = Layers(graph)
        self.words = Words(graph, self.layers)
        self.origins = Origins(self.layers)

    def answer(self, what: str, mine: int | None) -> Answer:
        if re.fullmatch(r"[\d,_ ]+", what) and any(c.isdigit() for c in what):
            answer = self.number(int(re.sub(r"[,_ ]", "", what)))
        elif found := re.fullmatch(r"(\d+)\s*(?:->|→|to)\s*(\d+)", what):
            answer = self.step(int(found.group(1)), int(found.group(2)))
        else:
            answer = self.place(what)
        answer = answer._replace(elsewhere=answer.elsewhere or elsewhere(self, answer))
        if mine is not None:
            from whyshape.analyses.places import slip

            answer = answer._replace(sentences=(*answer.sentences, *slip(self, answer, mine)))
        return answer

    # -- a number ------------------------------------------------------------------------------------------------------

    def number(self, n: int) -> Answer:
        reasons = self.reasons(n)
        if not reasons:
            near = sorted(self.numbers(), key=lambda m: (abs(m - n), m))[:5]
            raise WhyshapeError(f"{n} does not occur; nearest: {', '.join(map(str, near)) or 'none'}")
        return Answer(str(n), tuple(self.told(n, reasons)), tuple(reasons))

    def numbers(self) -> set[int]:
        """Every number that can be asked for: sizes, what was typed, and parameter counts."""
        found = {int(n) for t in self.graph.tensors for n in t.shape}
        for layer in self.layers:
            found |= set(layer.knobs.values())
        found |= {self.learned(node) for node in self.graph.nodes}
        return found - {0}

    def learned(self, node: Node) -> int:
        """How many learned numbers a call reads."""
        return sum(int(product(self.graph.tensors[i].shape)) for i in set(node.inputs) if self.graph.tensors[i].kind == "parameter")

    def reasons(self, n: int) -> list[Reason]:
        """Every place where the number was decided, or was typed although it is not free."""
        found: list[Reason] = []
        for i in self.graph.inputs:
            t = self.graph.tensors[i]
            axes = [a for a, size in enumerate(t.shape) if int(size) == n]
            if axes:
                names = " and ".join(_axis_words(t.shape)[a] for a in axes)
                found.append(
                    Reason(t.name or "input", n, "input", False, f"{n} [from input] is the {names} of the input, {text(t.shape)}.")
                )
        seen = set()
        for node in self.graph.nodes:
            layer = self.layers.of(node)
            for reason in self.at(layer, n):
                key = (reason.where, reason.by)
                if key not in seen:
                    seen.add(key)
                    found.append(reason)
        return found or held(self, n) or bare(self, n)

    def at(self, layer: Layer, n: int) -> list[Reason]:
        """The places of one call where the number stands."""
        node, found = layer.node, []
        ties = {t.knob for t in layer.typed}
        made: dict[str, list[AxisSize]] = {}  # height and width made alike are one reason
        for size in layer.sizes:
            if size.value != n:
                continue
            if size.by in ("chosen", "task") and size.knob not in ties:
                found.append(self.chosen(node, size.knob, n, size.by))
            elif size.text and [int(at) for at in _axes(size.size)] != [n]:  # a size that stays as it was is not made here
                made.setdefault(size.text, []).append(size)
        for sizes in made.values():
            found.append(self.calculated(node, sizes[0].axis, n, " and ".join(s.name for s in sizes)))
        for tie in layer.typed:
            if tie.value == n and n > 1:
                found.append(self.tied(node, tie.knob, n))
        for knob, value in layer.knobs.items():
            bare = knob.partition("[")[0]
            if value == n and n > 1 and knob not in ties and not any(r.where.endswith(bare) for r in found):
                filled = self.layers.filled(node, bare)
                found.append(
                    self.left_open(node, bare, n, filled)
                    if filled
                    else Reason(_where(node, bare), n, "chosen", False, f"{n} [chosen] is the {bare} of {_path(node)}.")
                )
        if n > 1 and self.learned(node) == n:
            found.append(self.parameters(node))
        return found

    def chosen(self, node: Node, knob: str, n: int, by: str) -> Reason:
        """A number somebody typed and may change."""
        path = _path(node)
        if filled := self.layers.filled(node, knob):
            return self.left_open(node, knob, n, filled)
        if (told := rows_typed(self, node, _where(node, knob), n)) is not None:
            return told
        words = node.rule.answer("nouns", self.graph.call(node)) if node.rule else {}
        noun = words.get("weight", "") if isinstance(words, dict) else ""
        if by == "task":
            sentence = f"{n} [from task] is the {knob} of {path}: one for each possible answer."
        elif self.layers.of(node).window:
            weight = next((t for t in (self.graph.tensors[i] for i in node.inputs) if t.kind == "parameter"), None)
            read = weight is not None and n > 0 and n in (weight.shape[0], weight.shape[-1])  # maps stand first in PyTorch, last in Keras
            size = self.places(node)
            bias = "" if getattr(self.graph.call(node), "bias", None) is None else " and 1 bias"
            each = product(weight.shape) // n if weight is not None and read else 0
            sentence = (
                f"{n} [chosen] is how many maps {path} makes: {count(n, 'kernel')}, each making one map{size}. "
                f"The formula gives the size of a map, not their number. Any number from 1 works; "
                f"what follows must match. Each map costs {int(each)} weights{bias}."
                if read
                else f"{n} [chosen] is the {knob} of {path}."
            )
        else:
            free = mixed(self, node, n) or self.words.laid_out(node, n) or "You may change it; what follows must take as many."
            sentence = f"{n} [chosen] is the {knob} of {path}: how many {noun or 'numbers'} it makes. {free}"
        link = {"value": n, "by": by, "typed": False, "from": [], "formula": "", "executed": True}
        return Reason(_where(node, knob), n, by, False, sentence, (link,))

    def left_open(self, node: Node, knob: str, n: int, why: str) -> Reason:
        """A number nobody typed: it was searched for."""
        return Reason(_where(node, knob), n, "calculated", False, f"{n} [found, not typed] is the {knob} of {_path(node)}: {why}.")

    def places(self, node: Node) -> str:
        """How large each map is: `` of 24 x 24 places``."""
        layer = self.layers.of(node)
        sides = [s.value for s in layer.sizes if s.name in SPACE.get(len(layer.window), ())]  # by name: Keras keeps the maps last
        return f" of {' x '.join(map(str, sides))} places" if sides else ""

    def tied(self, node: Node, knob: str, n: int) -> Reason:
        """A number that was typed although another decides it."""
        exact = self.layers.exact(node)
        tie = next(t for t in exact.typed if t.knob == knob)
        step = self.origins.of(*tie.axis) if tie.axis else None
        path = _path(node)
        finder = self.layers.found.get(node.path) or (self.layers.filled(node, knob) and "the search")
        how = f"found by {finder}" if finder else "typed, must equal"
        typed = f"{finder} found {n}, and" if finder else f"You typed {n}, but"
        if step is None or step.node is None:
            source = f"the {self.words.origin(*tie.axis)[4:]}" if tie.axis else "what comes in"
            sentence = f"{n} [{how}] is the {knob} of {path}. It must equal {source}."
            return Reason(_where(node, knob), n, "input", True, sentence, tuple(self.links(step) if step else ()))
        if isinstance(step.size, Size) and step.size.op == "*":
            body = self.multiplied(step)
            sentence = (
                f"{n} = {body} {path} reads the output of {self.before(step)}. {typed} it is not free: {self.with_input()} it must be {n}."
            )
        elif (told := rows_typed(self, step.node, _where(node, knob), n, path)) is not None:
            return told
        else:
            sentence = f"{n} [{how}] is the {knob} of {path}. It must equal {self.words.origin(*tie.axis)}."
        return Reason(_where(node, knob), n, "calculated", True, sentence, tuple(self.links(step)))

    def before(self, step: Step) -> str:
        """What a flatten reads, in words: ``relu_2: 20 maps of 4 x 4 numbers, laid in one row``."""
        assert step.node is not None
        tensor = step.node.inputs[0]
        shape = [int(n) for n in self.graph.tensors[tensor].shape]
        maker = self.layers.producers.get(tensor)
        name = name_of(maker) if maker else "the input"
        if len(shape) == 4:
            maps, places = self.words.notation.parted(tensor)
            return f"{name}: {count(maps, 'map')} of {' x '.join(map(str, places))} numbers, laid in one row"
        return f"{name}: {text(shape[1:])} numbers, laid in one row"

    def with_input(self) -> str:
        shape = self.graph.tensors[self.graph.inputs[0]].shape
        sides = "x".join(map(str, self.words.notation.parted(self.graph.inputs[0])[1])) if len(shape) == 4 else ""
        return f"with {sides} images" if sides else f"with an input of {text(shape)}"

    # -- a calculated size ---------------------------------------------------------------------------------------------

    def calculated(self, node: Node, axis: int, n: int, name: str) -> Reason:
        """A size a formula gives: its chain back to the input."""
        step = self.origins.of(node.outputs[0], axis)
        if isinstance(step.size, Size) and step.size.op == "*" and len(_axes(step.size)) > 1:
            sentence = f"{n} = {self.multiplied(step)}"
        else:
            sentence = f"{n} [=] is the {name} after {_path(node)}: {self.walked(node.outputs[0], axis)}."
        return Reason(_where(node, name), n, "calculated", False, sentence, tuple(self.links(step)))

    def multiplied(self, step: Step) -> str:
        """A product, then where each of its factors comes from."""
        parts = factors(step.size)
        body = f"{' * '.join(str(int(f)) for f in parts)}."
        told = set()
        for factor in parts:
            if int(factor) in told or not isinstance(factor, Size) or not factor.leaf or factor.leaf.ref[0] != "axis":
                continue
            told.add(int(factor))
            tensor, axis = factor.leaf.ref[1:]
            origin = self.origins.of(tensor, axis)
            if origin.node is None:
                body += f" {int(factor)} [from input]."
            elif isinstance(origin.size, Size) and origin.size.op == "leaf":
                knob = origin.size.leaf.ref[2].partition("[")[0]
                body += f" {int(factor)} [chosen] is {name_of(origin.node)}'s {'number of maps' if knob == 'out_channels' else knob}."
            else:
                body += f" {int(factor)} [=] comes from {self.walked(tensor, axis)}."
        return body

    def walked(self, tensor: int, axis: int) -> str:
        """The sizes from the input to here, then each step's sum: ``28 -> 24 -> 12: conv_1: 28-5+1 = 24; ...``."""
        steps = self.origins.chain(tensor, axis)
        if len(steps) == 1:
            return f"{steps[0].size.formula} = {int(steps[0].size)}" if isinstance(steps[0].size, Size) else str(int(steps[0].size))
        changes = [(before, after) for before, after in pairwise(steps) if int(before.size) != int(after.size)]
        line = " -> ".join([str(int(steps[0].size)), *[str(int(after.size)) for _, after in changes]])
        sums = [self.short(before, after) for before, after in changes]
        shown = sums if len(sums) <= 8 else [*sums[:3], "...", *sums[-3:]]
        return f"{line}: {'; '.join(shown)}"

    def short(self, before: Step, after: Step) -> str:
        """One step as short as it can be said, and still equal."""
        assert after.node is not None
        return f"{name_of(after.node)}: {self.brief(after)}"

    def brief(self, step: Step) -> str:
        """``28-5+1 = 24`` or ``24/2 = 12`` where the window says so and the number agrees; else the rule's own formula."""
        node = step.node
        assert node is not None
        layer = self.layers.of(node)
        rank = len(self.graph.tensors[step.tensor].shape)
        window = layer.window.get(step.axis - rank)
        value = int(step.size)
        if window is not None and window.stride >= 1:
            n = int(self.graph.tensors[node.inputs[0]].shape[step.axis - rank])
            span = int(window.dilation) * (int(window.size) - 1) + 1
            pad, s = int(window.before) + int(window.after), int(window.stride)
            padded = f"{n}+{pad}" if pad else str(n)
            if (n + pad - span) // s + 1 == value:
                if s == 1:
                    return f"{padded}-{span}+1 = {value}"
                if s == span and not pad:
                    return f"{n}/{s} = {value}" if n % s == 0 else f"floor({n}/{s}) = {value}"
                return f"floor(({padded}-{span})/{s})+1 = {value}"
        return f"{step.size.formula} = {value}" if isinstance(step.size, Size) else str(value)

    def links(self, step: Step) -> list[dict]:
        """The chain as data, from the answer back to its beginnings."""
        found, todo, seen = [], [step], set()
        while todo and len(found) < 200:
            at = todo.pop(0)
            key = (at.tensor, at.axis)
            if key in seen:
                continue
            seen.add(key)
            rests = [self.origins.of(*leaf.leaf.ref[1:]) for leaf in _axes(at.size)]
            is_input = at.node is None
            is_leaf = isinstance(at.size, Size) and at.size.op == "leaf"
            found.append(
                {
                    "value": int(at.size),
                    "by": "input" if is_input else "chosen" if is_leaf else "calculated",
                    "typed": False,
                    "where": "input" if at.node is None else _path(at.node),
                    "from": [int(r.size) for r in rests],
                    "formula": "" if is_input or is_leaf or not isinstance(at.size, Size) else str(at.size.formula),
                    "executed": True,
                }
            )
            todo += rests
        return found

    # -- a step, a place -----------------------------------------------------------------------------------------------

    def step(self, a: int, b: int) -> Answer:
        found = []
        for node in self.graph.nodes:
            layer = self.layers.of(node)
            for size in layer.sizes:
                if size.value != b or not size.text:
                    continue
                steps = self.origins.of(node.outputs[0], size.axis)
                if any(int(leaf) == a for leaf in _axes(steps.size)):
                    brief, full = self.brief(steps), f"{size.text} = {b}"
                    tail = "" if brief == full else f" In full: {full}."
                    found.append(
                        Reason(
                            _path(node),
                            b,
                            "calculated",
                            False,
                            f"{_path(node)} turns {a} into {b}: {brief}.{tail}",
                            tuple(self.links(steps)),
                        )
                    )
                    break
        if not found:
            pairs = sorted({(int(leaf), s.value) for layer in self.layers for s in layer.sizes if s.text for leaf in _axes(s.size)})
            near = ", ".join(f"{x}->{y}" for x, y in sorted(pairs, key=lambda p: abs(p[0] - a) + abs(p[1] - b))[:5])
            raise WhyshapeError(f"no layer turns {a} into {b}; steps there are: {near or 'none'}")
        told = [f"{b}. {found[0].sentence}"]
        seen = {found[0].sentence.partition(":")[2]}
        also = [r.where for r in found[1:] if r.sentence.partition(":")[2] in seen]
        told += [r.sentence for r in found[1:] if r.sentence.partition(":")[2] not in seen][:4]
        if also:
            told.append(f"So do {', '.join(also[:5])}{f' and {len(also) - 5} more' if len(also) > 5 else ''}.")
        return Answer(f"{a}->{b}", tuple(told), tuple(found))

    def place(self, what: str) -> Answer:
        from whyshape.analyses.places import asked

        told = asked(self, what)
        if told is None:
            raise WhyshapeError(
                f"{what!r} is no number, no layer and no part of one; ask a number (320), a place ({self.example()}) or a step (24->12)"
            )
        return told

    def example(self) -> str:
        """A place this graph has, for the message."""
        for layer in self.layers:
            if layer.knobs:
                return _where(layer.node, next(iter(layer.knobs)).partition("[")[0])
        return "conv_1.out_channels"

    def parameters(self, node: Node) -> Reason:
        """A layer's learned numbers, multiplied out."""
        sentence = f"{self.learned(node)} [learned] is the number of parameters of {_path(node)}: {self.words.weights(node)[0]}."
        return Reason(_where(node, "parameters"), self.learned(node), "learned", False, sentence)

    def told(self, n: int, reasons: list[Reason]) -> list[str]:
        """The reasons in sentences. Those that tie to one another are said once: the number typed, then what decides it."""
        order = {"chosen": 0, "task": 1, "calculated": 0, "input": 2, "learned": 3}
        products = [r for r in reasons if r.typed and r.sentence.startswith(f"{n} = ")]
        twice = [
            r for r in products for q in products if len(q.sentence) > len(r.sentence) and q.chain == r.chain
        ]  # a view, told by who reads it
        reasons = [r for r in reasons if r not in twice]
        kept = [r for r in reasons if not (products and r.by == "calculated" and not r.typed and r.sentence.startswith(f"{n} = "))]
        kept = sorted(kept, key=lambda r: (r not in products, order.get(r.by, 4)))
        if len(kept) == 1:
            return [kept[0].sentence]
        first = f"{n} stands in {len(kept)} places." if not products else ""
        shown = [r.sentence for r in kept[:6]]
        if len(kept) > 6:
            shown.append(f"And in {len(kept) - 6} more: {', '.join(r.where for r in kept[6:14])}{', ...' if len(kept) > 14 else ''}.")
        return [s for s in (first, *shown) if s]


def _axes(size) -> list[Size]:
    return [at for at in leaves(size) if at.leaf and at.leaf.ref and at.leaf.ref[0] == "axis"] if isinstance(size, Size) else []


def _axis_words(shape) -> tuple[str, ...]:
    from whyshape.graph import axis_words

    words = axis_words(len(shape), sliding=True)
    return tuple("maps" if w == "channels" else w for w in words)


def _path(node: Node) -> str:
    return node.path or node.op


def _where(node: Node, knob: str) -> str:
    return f"{_path(node)}.{knob}"


__all__ = ["Answer", "Reason", "why"]
