"""MODELS: what a survey is asked about. A target, all models of a package or file, or those a pattern picks."""

from __future__ import annotations

import fnmatch
import inspect
from collections import Counter
from typing import Any, NamedTuple

from whyshape.errors import WhyshapeError
from whyshape.readers import target

_PATTERN = set("*?[")


class Asked(NamedTuple):
    """One model of a survey: its name, and the target that builds it or the model itself."""

    name: str
    model: Any


def expand(models) -> list[Asked]:
    """Every model that is meant, once, in the order given.

    >>> [asked.name for asked in expand(["Conv2d(1, 10, 5)", "model.onnx"])]
    ['Conv2d(1, 10, 5)', 'model.onnx']
    """
    if isinstance(models, str) or not isinstance(models, (list, tuple, dict)):
        models = [models]
    if isinstance(models, dict):
        return [Asked(str(name), model) for name, model in models.items()]
    found: dict[Any, Asked] = {}
    for model in models:
        for asked in _named(model) if isinstance(model, str) else [Asked(type(model).__name__, model)]:
            found.setdefault(asked.model if isinstance(asked.model, str) else id(asked.model), asked)
    count = Counter(asked.name for asked in found.values())
    return [Asked(a.model, a.model) if count[a.name] > 1 and isinstance(a.model, str) else a for a in found.values()]


def _named(text: str) -> list[Asked]:
    """The models that a text names."""
    if target.kind_of(text) != "python":
        return [Asked(text, text)]
    place, name = _parted(text)
    if "(" in name:
        return [Asked(name, text)]
    if name and not _PATTERN & set(name):
        return [Asked(name, _listed_alone(place, name) or text)]
    module = target.module_of(place, text)
    offered = listed(module)
    if name:
        offered = {n: t for n, t in offered.items() if fnmatch.fnmatchcase(n, name)} or _matching(module, name)
    if not offered:
        raise WhyshapeError(
            f"{text!r} names no model: {place} has no class of models and no function that makes one{f', named like {name}' if name else ''}"
        )
    return [Asked(n, f"{place}:{written}") for n, written in offered.items()]


def _listed_alone(place: str, name: str) -> str | None:
    """The target of a model that its package lists without having an attribute of that name, as timm does."""
    try:
        module = target.module_of(place, place)
    except WhyshapeError:
        return None  # its row will say so
    return None if hasattr(module, name) or name not in (offered := listed(module)) else f"{place}:{offered[name]}"


def _parted(text: str) -> tuple[str, str]:
    """The place and the name of a target; a file or package alone has no name."""
    before = text.partition("(")[0]
    place, colon, _ = before.rpartition(":")
    if not colon or (len(place) == 1 and before[2:3] in ("/", "\\")):  # none, or the letter of a drive
        return text, ""
    return place, text[len(place) + 1 :]


def listed(module) -> dict[str, str]:
    """The models a module offers: name, and how its target writes it."""
    listing = getattr(module, "list_models", None)
    if callable(listing):
        takes_module = next(iter(inspect.signature(listing).parameters), "") == "module"
        make = "get_model" if hasattr(module, "get_model") else "create_model"
        names = listing(module=module) if takes_module else listing()
        return {n: n if callable(getattr(module, n, None)) else f"{make}({n!r})" for n in names}
    public = {n: f for n, f in vars(module).items() if n[0] != "_" and getattr(f, "__module__", None) == module.__name__}
    factories = [n for n, f in public.items() if inspect.isfunction(f) and _gives_a_model(f, module)]
    return {n: n for n in factories or [n for n, f in public.items() if _is_model(f)]}


def _matching(module, pattern: str) -> dict[str, str]:
    """Whatever can be called and is named so: the pattern picks it, so it is meant."""
    return {
        n: n for n, f in vars(module).items() if n[0] != "_" and fnmatch.fnmatchcase(n, pattern) and (_is_model(f) or inspect.isfunction(f))
    }


def _is_model(value) -> bool:
    import torch

    return isinstance(value, torch.nn.Module) or (isinstance(value, type) and issubclass(value, torch.nn.Module))


def _gives_a_model(function, module) -> bool:
    """Whether a function says that it returns a model; one that does not say is not called unasked."""
    said = getattr(function, "__annotations__", {}).get("return")
    return _is_model(getattr(module, said, None) if isinstance(said, str) else said)


__all__ = ["Asked", "expand"]
