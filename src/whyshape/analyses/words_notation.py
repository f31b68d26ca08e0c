"""Sizes in the other framework's order: which axis of each tensor counts maps, and the shape the tensor has there.

PyTorch keeps the maps of a picture behind the batch, Keras keeps them last. Which tensors are pictures is asked of the rules: a window
that slides tells where the places are, and calls that leave the axes in their order pass that on, in both directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from whyshape.graph import Graph, Node
from whyshape.graph.graph import Module
from whyshape.rules.base import NOT_TOLD, TOLD, Rule, Spec
from whyshape.rules.twins import Twin

PICTURES = (4, 5)  # axes of a batch of pictures, or of volumes


class Notation:
    """A graph's sizes as the other framework writes them."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def there(self, tensor: int) -> tuple[int, ...]:
        """The tensor's sizes in the other order, without the batch where it has one in front.

        >>> from whyshape.readers.notation import THREAD, build, parse
        >>> graph = build(parse(THREAD), (1, 1, 28, 28))
        >>> Notation(graph).there(graph.nodes[0].outputs[0])
        (24, 24, 10)
        """
        shape = tuple(int(n) for n in self.graph.tensors[tensor].shape)
        at = self.maps.get(tensor)
        if at is None:
            return shape[1:]
        rest = shape[:at] + shape[at + 1 :]
        if self.graph.framework == "keras":
            return (shape[at], *rest[1:])
        return (*rest[1 if at else 0 :], shape[at])

    def whole(self, tensor: int) -> tuple[int, ...]:
        """The tensor's sizes in the other order, its batch too.

        >>> from whyshape.readers.notation import THREAD, build, parse
        >>> graph = build(parse(THREAD), (1, 1, 28, 28))
        >>> Notation(graph).whole(graph.nodes[0].outputs[0])
        (1, 24, 24, 10)
        """
        shape = tuple(int(n) for n in self.graph.tensors[tensor].shape)
        return shape[:1] + self.there(tensor) if self.maps.get(tensor) else self.there(tensor) if tensor in self.maps else shape

    @property
    def order(self) -> str:
        """How maps lie in the other framework."""
        return "maps first" if self.keras else "maps last"

    @property
    def other(self) -> str:
        """The other framework's name."""
        return "PyTorch" if self.keras else "Keras"

    def moved(self, tensor: int) -> bool:
        """Whether the tensor's axes stand in another order there."""
        return tensor in self.maps

    def parted(self, tensor: int) -> tuple[int, tuple[int, ...]]:
        """How many maps a batch of pictures has, and how many places along each axis."""
        shape = [int(n) for n in self.graph.tensors[tensor].shape]
        maps = shape.pop(self.maps.get(tensor, 1))
        return maps, tuple(shape[1:])

    @cached_property
    def maps(self) -> dict[int, int]:
        """The axis that counts the maps, for every tensor that is a picture or a sequence of maps."""
        together = _Together()
        said: dict[int, int] = {}
        against: set[int] = set()
        for node in self.graph.nodes:
            kin = [t for t in (*node.inputs, *node.outputs) if self._data(t)]
            if node.rule is None or not kin:
                continue
            if not node.rule.view:
                for group in _by_rank(self.graph, kin):
                    together.join(group)
            for tensor, axis in self._told(node):
                said.setdefault(tensor, axis)
            if not self.keras and self._features_last(node):
                against.update((*node.inputs[:1], *node.outputs[:1]))
        where: dict[int, int] = {}
        for tensor, axis in said.items():
            where.setdefault(together.of(tensor), axis)  # one group has one count of axes
        opposed = {together.of(t) for t in against}
        brought = {together.of(t) for t in self.graph.inputs}
        found = {}
        for tensor, t in enumerate(self.graph.tensors):
            rank, root = len(t.shape), together.of(tensor)
            if not self._data(tensor):
                continue
            if root in where:
                found[tensor] = where[root]
            elif rank in PICTURES and (self.keras or (root in brought and root not in opposed)):
                found[tensor] = rank - 1 if self.keras else 1
        return found

    @cached_property
    def rows(self) -> dict[int, tuple[int, ...]]:
        """The tensors whose numbers stand in another order there, flattened pictures, each with the picture's (maps, *places)."""
        found: dict[int, tuple[int, ...]] = {}
        for node in self.graph.nodes:
            if node.rule is None or not node.inputs or not node.outputs:
                continue
            first, made = node.inputs[0], node.outputs[0]
            shape = self.graph.tensors[first].shape
            if first in found and self.graph.tensors[made].shape == shape and self._cellwise(node):
                found[made] = found[first]
            elif self.maps.get(first) and node.rule.view and (make := TOLD["twin"].get(node.op)) is not None:
                call = self.graph.call(node)
                maps_first = self.there(first) if self.keras else tuple(int(n) for n in shape[1:])
                vars(call)["input"] = Spec((shape[0], *maps_first))
                twin = make(call, True)
                if isinstance(twin, Twin) and twin.differs:
                    found[made] = maps_first
        return found

    def layer(self, node: Node) -> Module | None:
        """The layer of Keras a call belongs to: its own, or the one that holds it."""
        parts = node.path.split(".")
        return next((found for n in range(1, len(parts) + 1) if (found := self._layers.get(".".join(parts[:n])))), None)

    @cached_property
    def _layers(self) -> dict[str, Module]:
        return {module.path: module for module in self.graph.modules if module.config}

    def context(self, node: Node) -> tuple:
        """What of its surroundings a call's line rests on: equal for calls that are told alike when they are derived alike."""
        return tuple([(self.maps.get(t), self.rows.get(t)) for t in (*node.inputs[:1], *node.outputs[:1])])

    def _cellwise(self, node: Node) -> bool:
        rule = node.rule
        return rule.pointwise or rule.answer("itself", self.graph.call(node)) is True

    @property
    def keras(self) -> bool:
        """Whether these are Keras' layers, maps last; the other framework is PyTorch then."""
        return self.graph.framework == "keras"

    def _data(self, tensor: int) -> bool:
        t = self.graph.tensors[tensor]
        return t.kind not in ("parameter", "buffer", "constant") and len(t.shape) >= 3

    def _told(self, node: Node) -> Iterator[tuple[int, int]]:
        """What a call itself says about the maps of what it reads and makes."""
        rule = node.rule
        if TOLD["maps"].get(node.op, NOT_TOLD) is NOT_TOLD:
            return
        window = rule.reach(self.graph.call(node)) or {} if rule.reach is not Rule.reach else {}
        for tensor in (*node.inputs[:1], *node.outputs[:1]):
            if not self._data(tensor):
                continue
            rank = len(self.graph.tensors[tensor].shape)
            if window and max(window) == -1 and len(window) == -min(window) in (rank - 1, rank - 2):
                yield tensor, rank - len(window) - 1
            else:
                yield tensor, rank - 1 if self.keras else 1

    def _features_last(self, node: Node) -> bool:
        """Whether the last axis holds features for it: then nothing is moved."""
        make = TOLD["twin"].get(node.op)
        asked = make is not None and node.inputs and len(self.graph.tensors[node.inputs[0]].shape) in PICTURES
        twin = make(self.graph.call(node), True) if asked else None
        return isinstance(twin, Twin) and twin.layout in ("as is", "features", "turned")


class _Together:
    """Which tensors are laid alike: groups that grow together."""

    def __init__(self):
        self.parent: dict[int, int] = {}

    def of(self, tensor: int) -> int:
        at = tensor
        while (up := self.parent.get(at, at)) != at:
            at = up
        while (up := self.parent.get(tensor, tensor)) != at:
            self.parent[tensor], tensor = at, up
        return at

    def join(self, tensors: list[int]) -> None:
        first, *others = map(self.of, tensors)
        for other in others:
            if other != first:
                self.parent[other] = first


def _by_rank(graph: Graph, tensors: list[int]) -> list[list[int]]:
    ranks: dict[int, list[int]] = {}
    for t in tensors:
        ranks.setdefault(len(graph.tensors[t].shape), []).append(t)
    return list(ranks.values())


__all__ = ["Notation"]
