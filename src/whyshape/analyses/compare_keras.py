"""A Keras model beside a network of PyTorch's order: it is compared as its translation, with the weights moved."""

from __future__ import annotations

from typing import Any

from whyshape.errors import WhyshapeError


def beside(a: Any, b: Any, weights: bool) -> tuple[Any, Any]:
    """Both networks; where exactly one is a Keras model (a live one, or a `.keras` file), its translation in that one's place.

    ``weights``: those of a file are read too. Raises `WhyshapeError` where it has no translation: then nothing can be said.
    """
    first, second = translates(a, b)
    return translated(a, weights) if first else a, translated(b, weights) if second else b


def translates(a: Any, b: Any) -> tuple[bool, bool]:
    """Which of them is compared as its translation: a Keras model beside a network that is none."""
    first, second = is_keras(a), is_keras(b)
    return first and not second, second and not first


def is_keras(model: Any) -> bool:
    """A live Keras model, or the name of a file of one."""
    from whyshape.readers import target

    if isinstance(model, str):
        return target.kind_of(model) == "keras"
    return type(model).__module__.partition(".")[0] == "keras"


def translated(model: Any, weights: bool):
    """The PyTorch module that is its twin, called as the model is."""
    from whyshape.analyses.translate_torch import converted

    made, missing = converted(model, weights)
    if missing:
        raise WhyshapeError(f"A Keras model is compared as its translation to PyTorch, and this one has none: {missing[0]}.")
    name = model.rpartition("/")[2] if isinstance(model, str) else str(getattr(model, "name", "model"))
    type(made).__name__ = name[:60]
    return made


__all__ = ["beside", "is_keras", "translated", "translates"]
