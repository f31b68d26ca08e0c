"""A checkpoint beside a model: keys whose sizes differ, keys missing on either side."""

from __future__ import annotations

from collections.abc import Mapping

from whyshape.analyses.hazards.base import Hazard
from whyshape.graph import Graph


def differing(graph: Graph, saved: Mapping[str, tuple[int, ...]]) -> tuple[Hazard, ...]:
    """What loading these shapes (by key) into the model would meet.

    >>> from whyshape.graph import Graph, State
    >>> net = Graph((), (), (), (), state=(State("fc.weight", (3, 8)),))
    >>> [h.sentence for h in differing(net, {"fc.weight": (10, 8)})]
    ['fc.weight is 10x8 in the checkpoint and 3x8 in the model']
    """
    here = {name: s for s in graph.state if s.shape is not None and s.persistent for name in (s.name, *s.also)}
    text = lambda shape: "x".join(map(str, shape)) or "a single number"
    found = []
    for key in sorted(set(here) & set(saved)):
        shape = here[key].shape
        if tuple(saved[key]) != shape:
            where = {"layer": key.rpartition(".")[0] or None, "type": "", "file": "", "line": 0, "op": "load_state_dict"}
            found.append(
                Hazard(
                    "checkpoint",
                    "error",
                    f"{key} is {text(saved[key])} in the checkpoint and {text(shape)} in the model",
                    where,
                    {"checkpoint": list(saved[key]), "model": list(shape)},
                    "build the model as it was trained, or leave the key out and load with strict=False",
                )
            )
    return tuple(found)


__all__ = ["differing"]
