"""Numbers nobody typed, found from what comes in: ``LazyLinear(50)``, ``Linear(?, 50)``."""

from __future__ import annotations

from whyshape.analyses.layers import Layers
from whyshape.analyses.words import Words

MANY = 12  # told one by one


def told(layers: Layers) -> tuple[str, ...]:
    """What each of them found, and why; nothing where every number was typed.

    >>> from whyshape.readers.notation import build, parse
    >>> told(Layers(build(parse("Conv2d(1, 20, 5) > MaxPool2d(6) > Flatten > Linear(?, 50)"), (1, 1, 28, 28))))
    ('3.in_features: Linear(?, 50) found 320 = 20*4*4 from 2',)
    """
    if not layers.found or layers.graph.framework:  # in Keras nobody types what comes in: that is no news
        return ()
    words, notes = Words(layers.graph, layers), {}
    for node in layers.graph.nodes:
        tie = next(iter(layers.exact(node).typed), None) if node.path in layers.found else None
        if tie is not None:
            source = words.source(layers.of(node), tie.knob)
            equal = ", " if source[0].isalpha() else " = "  # "the 10 maps of conv_1", "20*4*4 from flatten"
            notes.setdefault(node.path, f"{node.path}.{tie.knob}: {layers.found[node.path]} found {tie.value}{equal}{source}")
    more = [f"{len(notes) - MANY} more layers found what comes in"] if len(notes) > MANY else []
    return (*[*notes.values()][:MANY], *more)


__all__ = ["told"]
