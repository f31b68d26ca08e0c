"""What a question is asked with: shapes and dtypes, checked once for all readers, and a shape to propose where none was given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from whyshape.errors import WhyshapeError
from whyshape.readers.notation import BLANK, TAKES_CHANNELS, TAKES_FEATURES
from whyshape.rules.words import count

PLACES = {1: (256,), 2: (224, 224), 3: (16, 112, 112)}  # length; height, width; depth, height, width: what is proposed


def shapes_of(input_size) -> list[tuple]:
    """One shape or several, as a list of tuples of ints and letters. Raises `WhyshapeError` for anything else.

    >>> shapes_of((1, 3, "H", "W")), shapes_of([(1, 8), (1, 4)])
    ([(1, 3, 'H', 'W')], [(1, 8), (1, 4)])
    """
    if input_size is None:
        return []
    if isinstance(input_size, (str, bytes)) or not isinstance(input_size, Iterable):
        raise WhyshapeError(f"a shape is a tuple as (1, 3, 224, 224), {input_size!r} arrived")
    if isinstance(input_size, dict):
        raise WhyshapeError("input_size is a shape, or a list of shapes in the order of forward; inputs by name are given as input_data")
    if hasattr(input_size, "dtype") and (type(input_size).__module__ == "torch" or len(input_size.shape) > 1):
        kind = "tensor" if type(input_size).__module__ == "torch" else "array"
        raise WhyshapeError(f"a{'n' if kind == 'array' else ''} {kind} arrived as input_size; give it as input_data, or its shape")
    given = list(input_size)
    several = bool(given) and all(isinstance(n, Iterable) and not isinstance(n, (str, bytes)) for n in given)
    shapes = [tuple(map(_plain, shape)) for shape in (given if several else [given])]
    for shape in shapes:
        for n in shape:
            if isinstance(n, bool) or not isinstance(n, (int, str)) or (isinstance(n, str) and not n.isidentifier()):
                raise WhyshapeError(f"{n!r} in the shape {shape} is neither a whole number nor a letter")
            if isinstance(n, int) and not 0 <= n < 2**63:
                raise WhyshapeError(f"{n} in the shape {shape} is not a size: from 0 up to 2^63 - 1 is")
    return shapes


def _plain(n):
    """An integer of any kind, numpy's too, as an int; anything else as it is."""
    return n if isinstance(n, int) or not hasattr(n, "__index__") else n.__index__()


def letters_of(shape) -> tuple[str, ...]:
    """For each axis its letter, or an empty text.

    >>> letters_of(("N", 1, "H", "W"))
    ('N', '', 'H', 'W')
    """
    return tuple(n if isinstance(n, str) else "" for n in shape)


def listed(dtypes) -> list | None:
    """One dtype or several, as a list."""
    return dtypes if dtypes is None else list(dtypes) if isinstance(dtypes, (list, tuple)) else [dtypes]


def one_of(input_size, input_data) -> None:
    """Refuse a question that is asked with a shape and with data at once: they may disagree."""
    if input_size is not None and input_data is not None:
        raise WhyshapeError("input_size and input_data are given; one of them is wanted")


def of_data(input_data) -> tuple[list[tuple[int, ...]], list[str]]:
    """The shapes and dtypes of tensors or arrays, for a network that is only described and never run.

    Raises `WhyshapeError` for inputs by name, and for what has no shape.
    """
    if isinstance(input_data, dict):
        raise WhyshapeError("inputs by name are for PyTorch models; give this network's as a list, in its own order")
    data = list(input_data) if isinstance(input_data, (tuple, list)) else [input_data]
    for one in data:
        if not hasattr(one, "shape") or not hasattr(one, "dtype"):
            raise WhyshapeError(f"input_data holds tensors or arrays, {type(one).__name__} arrived")
    return [tuple(map(int, one.shape)) for one in data], [str(one.dtype).rpartition(".")[2] for one in data]


def default_input(calls) -> tuple[int, ...]:
    """An input for a line of layers that was given none: what its first layer takes, 28 x 28 places where it slides."""
    for call in calls:
        first = call.args[0] if call.args and isinstance(call.args[0], int) and call.args[0] >= 0 else 1
        if TAKES_CHANNELS.match(call.name):
            return (1, first if call.args and call.args[0] is not BLANK else 1, *(28,) * int(call.name[-2]))
        if TAKES_FEATURES.match(call.name):
            return (1, first)
        if call.name.endswith(("1d", "2d", "3d")):
            return (1, 1, *(28,) * int(call.name[-2]))
    raise WhyshapeError("an input is needed: give its shape with the batch, as --input 1,1,28,28")


class Proposed(NamedTuple):
    """An input that a model's first layer with weights would take."""

    shape: tuple[int, ...]
    dtype: str
    layer: str  # "convolution", "linear layer", "embedding"
    takes: str  # "3 channels"; empty where the layer does not say


def proposed(model) -> Proposed | None:
    """A shape to try for a PyTorch model, read off its first layer with weights; None where no layer tells."""
    for module in model.modules():
        name, weight = type(module).__name__, getattr(module, "weight", None)
        if "Conv" in name and hasattr(module, "in_channels") and weight is not None and weight.dim() - 2 in PLACES:
            channels = module.in_channels
            return Proposed((1, channels, *PLACES[weight.dim() - 2]), "float32", "convolution", count(channels, "channel"))
        if name == "Linear":
            return Proposed((1, module.in_features), "float32", "linear layer", count(module.in_features, "feature"))
        if name == "Embedding":
            return Proposed((1, 16), "int64", "embedding", "")
    return None


def suggested(model: Any) -> str:
    """The input to try, in words."""
    found = proposed(model)
    if found is None:
        return "give its shape with the batch, as --input 1,3,224,224 or input_size=(1, 3, 224, 224)"
    asked = f"try --input {','.join(map(str, found.shape))}"
    if not found.takes:
        return f"{asked} --dtype {found.dtype} (it begins with an {found.layer})"
    return f"{asked} (its first {found.layer} takes {found.takes})"


__all__ = ["Proposed", "default_input", "letters_of", "listed", "of_data", "one_of", "proposed", "shapes_of", "suggested"]
