"""What a notebook shows of an explanation: one line, one table, a card for every layer. Data; `writers.notebook` writes it."""

from __future__ import annotations

from typing import Any, NamedTuple

from whyshape.analyses.animate import film
from whyshape.analyses.figure.stages import called, folded, together
from whyshape.analyses.layout import children
from whyshape.analyses.words import Words, text
from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.sizes import product

MANY = 60  # layers told one by one; a larger network shows its top level


class Card(NamedTuple):
    """One layer: its name, type and output, its sentences by slot, and its walking window if it has one."""

    name: str
    type: str
    size: str
    learned: int
    slots: dict[str, list[str]]
    film: Any = None


class Sheet(NamedTuple):
    """All that is shown: a title, the sizes in one line, the cards, and what is left out."""

    title: str
    chain: str
    learned: int
    cards: list[Card]
    problem: str = ""
    rest: str = ""


def sheet(graph: Graph, chain: str) -> Sheet:
    """The sheet of a graph.

    >>> from whyshape.graph import Builder
    >>> net = Builder("one")
    >>> x = net.layer("Conv2d", "conv", net.input((1, 1, 28, 28)), args=(1, 10, 5))
    >>> [(card.name, card.size, card.learned) for card in sheet(net.graph(x), "").cards]
    [('conv', '10x24x24', 260)]
    """
    every = folded(graph)
    large = len(graph.nodes) > MANY
    told = together([every[p] for p in children(every, -1)], MANY) if large else [row for row in every if not row.kids]
    words = Words(graph)
    owned: set[int] = set()
    cards = []
    for row in told:
        nodes = graph.nodes[row.first : row.first + row.count]
        made = graph.tensors[nodes[-1].outputs[0]].shape
        weights = {i for node in nodes for i in node.inputs if graph.tensors[i].kind == "parameter"} - owned
        owned |= weights
        learned = sum(int(product(graph.tensors[i].shape)) for i in weights)
        alone = len(nodes) == 1 and not large
        cards.append(Card(called(graph, row), row.type or nodes[0].type, text(made[1:] if len(made) > 1 else made), learned,
                          words.slots(nodes[0]) if alone else {}, _film(graph, nodes[0]) if alone else None))  # fmt: skip
    problem = f"{graph.problem.path or graph.problem.op}: {graph.problem.sentence}" if graph.problem is not None else ""
    rest = f"{len(graph.nodes)} calls; this shows the top level. All of it: x.report('net.html')" if large else ""
    return Sheet(graph.name or "model", chain, sum(card.learned for card in cards), cards, problem, rest)


def _film(graph: Graph, node):
    try:
        shown = film(graph, node)
    except WhyshapeError:
        return None  # nothing slides here
    return shown if any(len(c) > 1 for c in shown.walk.columns.cells) else None


def mimebundle(answer) -> dict[str, str]:
    """An explanation as a notebook shows it: ``text/plain``, and ``text/html`` without scripts that survives an untrusted notebook."""
    from whyshape.writers.notebook import write

    return {"text/plain": str(answer), "text/html": write(sheet(answer.graph, answer.chain))}
