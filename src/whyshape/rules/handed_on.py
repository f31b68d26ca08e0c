"""Calls that hand their input back where there is nothing to do: it lies in memory as it lay, gaps and repetitions included."""

from __future__ import annotations

from whyshape.rules.base import Made, told
from whyshape.rules.convert import METHODS, To, Type
from whyshape.rules.dtypes import is_dtype, name_of
from whyshape.rules.layout import packed


def handed_on(given, shape) -> tuple[int, ...]:
    """The input itself."""
    return tuple(given["input"].stride())


def dropped(given, shape) -> tuple[int, ...]:
    """The input itself outside training; what drops something makes new numbers."""
    idle = not given["training"] or not given.get("train", True) or given["p"] == 0
    return handed_on(given, shape) if idle else packed([given["input"]], shape)


def _converted(dtype_of):
    """The input itself where it has that dtype already and no copy is asked for."""

    def lays(given, shape):
        options = given.get("args", ())
        copies = given.get("copy") or True in options[3 if len(options) > 1 and is_dtype(options[1]) else 2 :]
        same = name_of(dtype_of(given)) == name_of(given["input"].dtype)
        return handed_on(given, shape) if same and not copies else packed([given["input"]], shape)

    return lays


def _said(made, given):
    return made.dtype if type(made) is Made else given["input"].dtype


told("lays", handed_on, "detach conj conj_physical resolve_conj resolve_neg alias real positive Tensor.__pos__ Tensor.cpu")
told("lays", dropped, "dropout dropout1d dropout2d dropout3d feature_dropout alpha_dropout feature_alpha_dropout")
told("lays", _converted(lambda g: _said(To.shape(g["input"], *g["args"], dtype=g["dtype"], other=g["other"]), g)), "Tensor.to")
told("lays", _converted(lambda g: _said(Type.shape(g["input"], g["dtype"]), g)), "Tensor.type")
told("lays", _converted(lambda g: g["other"].dtype), "Tensor.type_as")
for _name, _dtype in METHODS.items():
    told("lays", _converted(lambda g, _dtype=_dtype: _dtype), f"Tensor.{_name}")


__all__ = ["dropped", "handed_on"]
