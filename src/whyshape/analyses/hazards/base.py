"""What a hazard is, and what all kinds of them ask of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

from whyshape.graph import Graph, Node
from whyshape.rules import Call

ORDER = ("error", "warning", "hint")


class Hazard(NamedTuple):
    """Something that runs and may yet be wrong."""

    name: str  # a word programs can test: "rows", "squeeze", "unread"
    severity: str  # error: wrong whatever was meant; warning: probably not meant; hint: good to know
    sentence: str
    where: dict  # layer, type, file, line, op
    evidence: dict
    silence: str  # how to say that it is meant, or end it

    def to_dict(self) -> dict:
        return self._asdict()


REGISTERED: dict[str, Callable[[Seen], Iterator[Hazard]]] = {}


def hazard(function: Callable[[Seen], Iterator[Hazard]]):
    """Register one kind of hazard: a function of `Seen` that gives each place where it is found."""
    REGISTERED[f"{function.__code__.co_filename}:{function.__name__}"] = function  # once, by whatever name the file is imported
    return function


class Seen:
    """A graph, with what several kinds of hazard look up in it."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.producers, self.consumers = graph.producers(), graph.consumers()

    def explained(self) -> Iterator[tuple[Node, Call]]:
        """Every call a rule answers for."""
        for node in self.graph.nodes:
            if node.rule is not None and node.outputs:
                yield node, self.graph.call(node)

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.graph.tensors[tensor].shape

    def kind(self, tensor: int) -> str:
        return self.graph.tensors[tensor].kind

    @cached_property
    def alive(self) -> set[int]:
        """The calls an output depends on."""
        found: set[int] = set()
        todo = list(self.graph.outputs)
        while todo:
            node = self.producers.get(todo.pop())
            if node is not None and node.index not in found:
                found.add(node.index)
                todo.extend(node.inputs)
        return found

    def back(self, tensor: int) -> Node | None:
        """What made a tensor, looking through operators that work cell by cell."""
        node = self.producers.get(tensor)
        while node is not None and node.rule is not None and node.rule.pointwise and node.inputs:
            node = self.producers.get(node.inputs[0])
        return node

    def at(self, node: Node) -> dict:
        return {"layer": node.path or None, "type": node.type, "file": node.file, "line": node.line, "op": node.op}


def called(node: Node) -> str:
    """The layer a sentence speaks of, or its operator."""
    return f"{node.path} ({node.type})" if node.path else node.op.rpartition(".")[2]


__all__ = ["ORDER", "REGISTERED", "Hazard", "Seen", "called", "hazard"]
