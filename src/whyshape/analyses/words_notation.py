"""Sizes in the other framework's order: which axis of each tensor counts maps, and the shape the tensor has there.

PyTorch keeps the maps of a picture behind the batch, Keras keeps them last. Which tensors are pictures is asked of the rules: a window
that slides tells where the places are, and calls that leave the axes in their order pass that on, in both directions.
"""

from __future__ import annotations

from functools import cached_property

from whyshape.graph import Graph, Node
from whyshape.graph.graph import Module
from whyshape.rules.base import TOLD, Spec
from whyshape.rules.twins import Twin

PICTURES = (4, 5)  # axes of a batch of pictures, or of volumes
OWN = ("parameter", "buffer", "constant")  # kinds of tensors that are no data on its way


class Notation:
    """A graph's sizes as the other framework writes them."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self._axes: dict[tuple[str, int], int] = {}

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
        together, said, tensors = _Together(), {}, self.graph.tensors
        rank = [0 if t.kind in OWN or len(t.shape) < 3 else len(t.shape) for t in tensors]
        for node in self.graph.nodes:
            rule = node.rule
            kin = [t for t in (*node.inputs, *node.outputs) if rank[t]] if rule is not None else []
            if kin and not rule.view:
                for group in [kin] if len({rank[t] for t in kin}) == 1 else _by_rank(rank, kin):
                    together.join(group)
            if kin and node.op in TOLD["maps"]:
                for tensor in (*node.inputs[:1], *node.outputs[:1]):
                    if rank[tensor]:
                        said.setdefault(tensor, self._axis(node, rank[tensor]))
        where: dict[int, int] = {}
        for tensor, axis in said.items():
            where.setdefault(together.of(tensor), axis)  # one group has one count of axes
        brought = {together.of(t) for t in self.graph.inputs if rank[t] in PICTURES} - set(where)
        if brought and not self.keras:  # nothing slides over what comes in: a picture, unless its last axis holds features
            brought -= {together.of(n.inputs[0]) for n in self.graph.nodes if n.inputs and self._features_last(n)}
        where.update(dict.fromkeys(brought, -1 if self.keras else 1))
        found = {t: where[root] % n for t, n in enumerate(rank) if n and (root := together.of(t)) in where}
        if self.keras:  # maps are last wherever there are places
            found = {t: n - 1 for t, n in enumerate(rank) if n in PICTURES} | found
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

    def _axis(self, node: Node, rank: int) -> int:
        """Where an operator that has maps keeps them, in a tensor of that rank: it slides over so many axes, whatever their sizes."""
        key = (node.op, rank)
        if key not in self._axes:
            window = node.rule.reach(self.graph.call(node)) or {}
            slides = window and max(window) == -1 and len(window) == -min(window) in (rank - 1, rank - 2)
            self._axes[key] = rank - len(window) - 1 if slides else rank - 1 if self.keras else 1
        return self._axes[key]

    def _features_last(self, node: Node) -> bool:
        """Whether the last axis holds features for it: then nothing is moved."""
        make = TOLD["twin"].get(node.op)
        asked = make is not None and node.inputs and len(self.graph.tensors[node.inputs[0]].shape) in PICTURES
        twin = make(self.graph.call(node), True) if asked else None
        return isinstance(twin, Twin) and twin.layout in ("as is", "features", "turned", "heads")


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


def _by_rank(rank: list[int], tensors: list[int]) -> list[list[int]]:
    ranks: dict[int, list[int]] = {}
    for t in tensors:
        ranks.setdefault(rank[t], []).append(t)
    return list(ranks.values())


__all__ = ["Notation"]
