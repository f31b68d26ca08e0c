"""The whole network told: the chain in one line, then every layer derived, then what it comes to."""

from __future__ import annotations

import string
from collections.abc import Callable
from itertools import pairwise

from whyshape.analyses.batch import batch_in_front
from whyshape.analyses.found import told
from whyshape.analyses.layers import Layers, made_by_layer
from whyshape.analyses.operations import Operations, operations
from whyshape.analyses.parameters import Parameters, parameters
from whyshape.analyses.rows import Row, rows
from whyshape.analyses.words import Words, name_of, text
from whyshape.analyses.words_notation import Notation
from whyshape.graph import Graph, Node, Problem, Ref
from whyshape.rules import Rule
from whyshape.sizes import plain
from whyshape.story import Block, Heading, Sentence, Shapes, Slots, Table

CARDS = 24  # up to so many calls every one gets a card; beyond, a table
ROWS = 60  # of a table: with the rest on two screens
STEPS = 16  # of the chain in one line


def story(graph: Graph, level: str = "default", depth: int | None = None, both: bool = False) -> list[Block]:
    """The explanation as blocks. ``level``: brief, default or full; ``depth``: how deep the table of a large network goes.

    ``both``: every size in the other framework's order too, maps last, or first where Keras keeps them last.
    """
    graph = graph.settled()
    layers = Layers(graph)
    words = Words(graph, layers)
    held, work = parameters(graph), operations(graph)
    front = batch_in_front(graph, layers)
    blocks: list[Block] = [Heading(graph.name or "the network"), *([Shapes(steps)] if (steps := tuple(chain(graph, front))) else [])]
    if not graph.nodes and graph.problem is None:
        return [*blocks, Sentence("No operator ran: what goes in comes out.")]
    if level != "brief" and (there := chain_there(words.notation, front)):
        blocks.append(Sentence(f"In {words.notation.other}, {words.notation.order}: {' -> '.join(there)}"))
    if graph.nodes or graph.modules:  # a file that was refused at its door was not read further: nothing is known of it
        blocks.append(Sentence(totals(graph, held, work)))
    blocks += [Sentence(note, "note") for note in (*graph.notes, *told(layers))]
    small = len(graph.nodes) <= CARDS and depth is None
    if small or level == "full":
        if any(layers.of(n).window for n in graph.nodes):
            blocks.append(Sentence("Size comes from the formula. The number of maps is your choice."))
        blocks += cards(graph, words, level, front, both)
    else:
        blocks.append(table(layers, held_under(held), work, depth, front, words.notation if both else None))
        blocks += formulas(graph, layers)
    blocks += for_any(graph)
    blocks += measured(graph)
    if graph.problem is not None:
        blocks += problem(graph.problem)
    return blocks


def chain(graph: Graph, front: bool | None = None) -> list[str]:
    """The sizes along the main path, without the batch where every tensor has it; ``front``: what `batch_in_front` says, where it was asked.

    >>> from whyshape.graph import Builder
    >>> net = Builder()
    >>> out = net.layer("Conv2d", "conv_1", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> chain(net.graph(out))
    ['1x28x28', '10x24x24']
    """
    return _steps(graph, _told_path(graph), lambda t: tuple(map(int, graph.tensors[t].shape)), front)


def chain_there(notation: Notation, front: bool) -> list[str]:
    """The same in the other framework's order; empty where nothing stands in another order there."""
    path = _told_path(notation.graph)
    return _steps(notation.graph, path, notation.whole, front) if any(notation.moved(t) for t in path) else []


def _told_path(graph: Graph) -> list[int]:
    """The main path; of one with many sizes what leaves its modules, as deep inside as two lines can tell."""
    path = main_path(graph)
    if _changes(graph, path) <= STEPS:
        return path
    producers = graph.producers()
    parts = {t: producers[t].path.split(".") if t in producers and producers[t].path else [] for t in path}
    for depth in range(max(map(len, parts.values())) - 1, 0, -1):
        left = [t for t, after in pairwise(path) if parts[t][:depth] != parts[after][:depth] or len(parts[t]) < depth]
        if 1 < _changes(graph, [*left, path[-1]]) <= STEPS:
            return [*left, path[-1]]
    return path


def _changes(graph: Graph, path: list[int]) -> int:
    return sum(graph.tensors[a].shape != graph.tensors[b].shape for a, b in pairwise(path))


def _steps(graph: Graph, path: list[int], shape_of: Callable[[int], tuple[int, ...]], front: bool | None) -> list[str]:
    shapes = [shape_of(t) for t in path]
    batched = len({s[:1] for s in shapes}) == 1 and all(len(s) > 1 for s in shapes)
    batched = batched and (batch_in_front(graph) if front is None else front)
    steps: list[str] = []
    for shape in shapes:
        step = text(shape[1:] if batched else shape)
        if not steps or steps[-1] != step:
            steps.append(step)
    return steps if len(steps) <= 2 * STEPS else [*steps[:STEPS], f"... {len(steps) - 2 * STEPS} more ...", *steps[-STEPS:]]


def main_path(graph: Graph) -> list[int]:
    """Tensors from the input to the output (or to where it stopped), each made from the one before: the way through the most calls.

    So it runs through the blocks that skips go round, and down to the bottom of a U.
    """
    producers = graph.producers()
    deep = dict.fromkeys(
        graph.inputs[:1], 0
    )  # how many calls lie between the first input and a tensor; a class token does not come from it
    for node in graph.nodes:
        came = [deep[t] for t in node.inputs if t in deep]
        if came:
            deep.update(dict.fromkeys(node.outputs, max(came) + 1))
    if graph.outputs and graph.problem is None:
        at = graph.outputs[0]
    elif graph.nodes:
        at = graph.nodes[-1].outputs[0]
    else:
        return list(graph.inputs[:1])
    path = [at]
    while at in producers:
        before = [t for t in producers[at].inputs if graph.tensors[t].kind in ("activation", "input")]
        if not before:
            break
        at = max(before, key=lambda t: deep.get(t, -1))
        path.append(at)
    return path[::-1]


def totals(graph: Graph, held: Parameters, work: Operations) -> str:
    """Parameters and multiply-adds, "at least" where something could not be counted."""
    counts = (held.total, work.forward("macs"))
    told = [f"{number(counts[0].value)} parameters", f"{number(counts[1].value)} multiply-adds for this input"]
    told = [f"at least {t}" if c.missing and c.value is not None else t for t, c in zip(told, counts)]
    count = len(graph.nodes)
    told.append(f"{count:,} operator call{'s' if count != 1 else ''}")
    return "; ".join(told) + "."


def number(value) -> str:
    """A count with separators, or the word unknown."""
    return "an unknown number of" if value is None else f"{int(value):,}"


def cards(graph: Graph, words: Words, level: str, front: bool, both: bool = False) -> list[Block]:
    """A card for every call; calls alike are told once, neighbours that change nothing stay short."""
    blocks: list[Block] = []
    told: dict[tuple, str] = {}
    for node in graph.nodes:
        layer = words.layers.of(node)
        before, after = through(graph, node, front)
        flow = f"{before} -> {after}" if before else f"{after}, made here"
        after += f" ({_beside(words.notation, node)})" if both else ""
        flow += f"   {_beside(words.notation, node)}" if both else ""
        about = f"{node.type if node.path or node.type else ''} {_op(node)}".strip()
        title = node.path or node.op
        alike = (layer.mark, words.notation.context(node))
        if alike in told and level != "full":
            blocks.append(Slots(title, f"{about}   {flow}   as {told[alike]}", ()))
            continue
        slots = words.slots(node, level)
        if slots.get("SIZE") == ["unchanged"] and (level != "full" and not slots.get("WEIGHTS") and not slots.get("NOTE")):
            blocks.append(Slots(title, f"{about}   {after}, unchanged", ()))
            continue
        told[alike] = title
        if level == "full":
            slots = {**slots, **where(node)}
        blocks.append(Slots(title, f"{about}   {flow}", tuple((slot, tuple(lines)) for slot, lines in slots.items())))
    return blocks


def _beside(notation: Notation, node: Node) -> str:
    """The size a call makes as the other framework writes it."""
    return f"{notation.other}: {', '.join(text(notation.there(t)) for t in node.outputs[:4])}"


def where(node: Node) -> dict[str, list[str]]:
    """The line of the user's code that made the call."""
    return {"AT": [f"{node.file}, line {node.line}"]} if node.file else {}


def _op(node: Node) -> str:
    """The operator, where the module's type does not say it already."""
    plain_op = node.op.rpartition(".")[2].strip("_").replace("_", "").lower()
    return "" if node.type.lower() in plain_op or plain_op in node.type.lower() else f"({node.op.rpartition('.')[2]})"


def through(graph: Graph, node: Node, front: bool) -> tuple[str, str]:
    """What goes in (nothing, for a tensor made on the spot) and what comes out, as texts without the batch where all have one in ``front``."""
    ins = [graph.tensors[t].shape for t in node.inputs if graph.tensors[t].kind not in ("parameter", "buffer")]
    outs = [graph.tensors[t].shape for t in node.outputs]
    batched = (
        front
        and bool(graph.inputs)
        and all(len(s) > 1 and int(s[0]) == int(graph.tensors[graph.inputs[0]].shape[0]) for s in (*ins, *outs) if s)
    )
    cut = (lambda s: text(s[1:])) if batched else text
    return " and ".join(map(cut, ins[:4])), ", ".join(map(cut, outs[:4])) + (f" and {len(outs) - 4} more" if len(outs) > 4 else "")


def table(
    layers: Layers, held: dict[str, int], work: Operations, depth: int | None, front: bool, notation: Notation | None = None
) -> Table:
    """The tree of modules, repeated blocks in one row, as deep as fits on two screens or as asked; ``notation`` adds its sizes."""
    graph = layers.graph
    found = rows(graph, [layers.mark(n) for n in graph.nodes])
    if depth is None:
        deep = sorted(row.depth for row in found)
        depth = max(1, deep[ROWS]) if len(deep) > ROWS else deep[-1] + 1
    counts = [r.counted("macs").value for r in work.rows]
    made = []
    for row, path in shown(found, depth):
        nodes = graph.nodes[row.first : row.first + row.count // row.times]
        macs = counts[row.first : row.first + row.count]
        count = held.get(path, 0)
        leaf = row.kids == 0
        made.append((
            "  " * row.depth + (row.name or row.type) + (f"   x {row.times}" if row.times > 1 else ""),
            row.type if row.name else "",
            through(graph, nodes[-1], front)[1] if nodes else "",
            *([text(notation.there(nodes[-1].outputs[0])) if nodes else ""] if notation else []),
            how(layers, nodes[0]) if leaf and nodes else f"{len(nodes)} calls",
            f"{count:,}" if count and row.times == 1 else _times(held, path, row),
            f"{sum(m or 0 for m in macs):,}" if any(macs) else "",
        ))  # fmt: skip
    there = (f"in {notation.other}",) if notation else ()
    heads = ("layer", "type", "output", *there, "who decides", "parameters", "multiply-adds")
    return Table(heads, tuple(made), (len(heads) - 2, len(heads) - 1))


def held_under(held: Parameters) -> dict[str, int]:
    """How many parameters stand in every module and all it holds; a shared one counts wherever it stands."""
    totals: dict[str, int] = {}
    for row in held.rows:
        if row.state.kind != "parameter" or row.count is None:
            continue
        places: set[str] = set()
        for name in (row.name, *row.state.also):
            path = name.rpartition(".")[0]
            while path:
                places.add(path)
                path = path.rpartition(".")[0]
        for path in places:
            totals[path] = totals.get(path, 0) + row.count
    return totals


def _times(held: dict[str, int], path: str, row: Row) -> str:
    """The parameters of repeated blocks together: ``layer1.1..2`` stands for layer1.1 and layer1.2."""
    if row.times == 1 or not path:
        return ""
    head = path[: len(path) - len(row.name)]
    first, _, last = row.name.partition("..")
    stem = first.rstrip(string.digits)
    total = sum(held.get(f"{head}{stem}{i}", 0) for i in range(int(first[len(stem) :]), int(last) + 1))
    return f"{total:,}" if total else ""


def shown(found: list[Row], depth: int) -> list[tuple[Row, str]]:
    """The rows down to a depth, with their paths."""
    kept, path = [], []
    for row in found:
        del path[row.depth :]
        path.append(row.name)
        if row.depth < depth:
            kept.append((row, ".".join(p for p in path if p) if row.name else ""))
    return kept


def how(layers: Layers, node: Node) -> str:
    """Who decides the sizes of a call, in a few words."""
    if node.rule is None:
        return "measured"
    if made_by_layer(node):
        return "made here"
    told = []
    for size in layers.of(node).sizes:
        if layers.filled(node, size.knob):
            told.append(f"{size.value} found")
        elif size.by in ("chosen", "task"):
            told.append(f"{size.value} {'chosen' if size.by == 'chosen' else 'from task'}")
    made = [str(size.value) for size in layers.of(node).sizes if size.text]
    if made:
        told.append(f"{'x'.join(made)} calculated")
    return ", ".join(dict.fromkeys(told)) or "unchanged"


def formulas(graph: Graph, layers: Layers) -> list[Block]:
    """Each distinct formula once, with the layers it serves. Only places and products are told here; the cards tell the rest."""
    served: dict[tuple[str, int], list[str]] = {}
    asked: dict[tuple, list[tuple[str, int]]] = {}
    for node in graph.nodes:
        question = _places_asked(graph, node)
        if question is None:
            continue
        if question not in asked:
            asked[question] = [(f"{text}", value) for names, text, value in layers.of(node).formulas if names != "channels"]
        for formula in asked[question]:
            served.setdefault(formula, []).append(node.path or node.op)
    found = [
        (f"{formula} = {value}", paths[0] + (f" and {len(paths) - 1} more" if len(paths) > 1 else ""))
        for (formula, value), paths in served.items()
    ]
    if not found:
        return []
    blocks: list[Block] = [Heading("Where the sizes come from", 2), Table(("formula", "in"), tuple(found[:ROWS]))]
    if len(found) > ROWS:
        blocks.append(Sentence(f"{len(found) - ROWS} more formulas: see --full or --json."))
    return blocks


def _places_asked(graph: Graph, node: Node) -> tuple | None:
    """What decides a call's places, its channels left aside: calls equal in this have the same formula. None: nothing is calculated."""
    rule = node.rule
    if rule is None or rule.pointwise or not node.inputs or len(node.inputs) > 8:
        return None
    if rule.reach is Rule.reach and graph.tensors[node.inputs[0]].shape == graph.tensors[node.outputs[0]].shape:
        return None
    sliding = rule.reach is not Rule.reach
    shape = lambda t: t.shape[2:] if sliding and len(t.shape) > 2 else () if sliding else t.shape
    plain_args = tuple(repr(a) for a in (*node.args, *node.kwargs.values()) if type(a) is not Ref)
    return (node.op, tuple(shape(graph.tensors[i]) for i in node.inputs), plain_args)


def for_any(graph: Graph) -> list[Block]:
    """Where axes are free: every size along the main path as a function of them, beside its value here."""
    from whyshape.analyses.data import functions

    sizes = functions(graph)
    if sizes is None:
        return []
    producers = graph.producers()
    found, last = [], None
    for t in _told_path(graph):
        shape = sizes[t]
        if shape != last:
            node = producers.get(t)
            found.append((node.path or node.op if node else "input", " x ".join(map(bracketed, shape)), text(graph.tensors[t].shape)))
        last = shape
    free = ", ".join(dict.fromkeys(letter for i in graph.inputs for letter in graph.tensors[i].axes if letter))
    return [Heading(f"For any {free}", 2), Table(("after", "sizes", "here"), tuple(found))]


def bracketed(size) -> str:
    """A size's text, in brackets where it is a sum: sizes stand beside one another with an x between.

    >>> bracketed("H - 4"), bracketed("floor((H - 4)/2)"), bracketed(20)
    ('(H - 4)', 'floor((H - 4)/2)', '20')
    """
    told, depth = str(size), 0
    for c in told:
        depth += (c == "(") - (c == ")")
        if c == " " and not depth:
            return f"({told})"
    return told


def measured(graph: Graph) -> list[Block]:
    """The calls no rule explains, named with their reasons."""
    found = [n for n in graph.nodes if n.by != "rule"]
    if not found:
        return []
    told = "; ".join(dict.fromkeys(f"{n.op}{f' in {n.path}' if n.path else ''}: {n.why}" for n in found[:8]))
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    return [Sentence(f"Measured, not explained: {told}{more}.", "note")]


def sentence(found: Problem) -> str:
    """A problem's sentence with its numbers put in."""
    try:
        return found.sentence.format(**plain(found.numbers))
    except (KeyError, IndexError, ValueError):  # already filled, with a brace of the model's own in it
        return found.sentence


def problem(found: Problem) -> list[Block]:
    """Where it stopped, and what to ask next."""
    place = f"{found.path} ({found.type})" if found.path else found.op
    line = f", {found.file}, line {found.line}" if found.file else ""
    return [
        Heading("It stops here", 2),
        Sentence(f"{place} cannot take what arrives: {sentence(found)}{line}.", "problem"),
        Sentence("`whyshape diagnose` looks for the cause and for changes that make it run.", "note"),
    ]


__all__ = ["chain", "main_path", "name_of", "story", "totals"]
