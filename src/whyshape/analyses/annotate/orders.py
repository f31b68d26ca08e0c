"""What a line gives in the other framework's order, known by its sizes."""

from __future__ import annotations

from functools import cached_property

from whyshape.analyses.annotate.comments import Given, Shape
from whyshape.analyses.words_notation import Notation
from whyshape.graph import Graph


class Orders:
    """Where the maps stand in a tensor of some sizes: told only if all tensors of the run with these sizes are laid alike."""

    def __init__(self, graph: Graph):
        self.notation = Notation(graph)
        self.name = self.notation.other

    def there(self, given: Given, batch: bool) -> Given | None:
        """The same tensors in the other order; None where that changes nothing, or cannot be told by sizes alone."""
        found = [self._there(shape, batch) for shape in given]
        known = tuple(shape for shape in found if shape is not None)
        return known if len(known) == len(given) and known != given else None

    def _there(self, shape: Shape, batch: bool) -> Shape | None:
        tensors = self._of.get(shape, [])
        laid = {self.notation.maps.get(t) for t in tensors}
        if len(laid) > 1 or (batch and 0 in laid):  # what stands in front is left out as a batch, and here it counts maps
            return None
        return self.notation.whole(tensors[0]) if tensors else shape

    @cached_property
    def _of(self) -> dict[Shape, list[int]]:
        found: dict[Shape, list[int]] = {}
        for i, tensor in enumerate(self.notation.graph.tensors):
            found.setdefault(tuple(int(n) for n in tensor.shape), []).append(i)
        return found


__all__ = ["Orders"]
