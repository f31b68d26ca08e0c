"""What a table of mistakes is made of: a pair that fails, the changes that repair it, and when two changes say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import nn


class Mistake(NamedTuple):
    """A pair that fails, and changes that repair it (in the words of a fix), any of which is right."""

    broken: Callable[[], tuple[nn.Module, tuple]]
    fixes: tuple[dict, ...]
    wrong: tuple[dict, ...] = ()  # run, and are wrong


def table() -> tuple[dict[str, Mistake], Callable]:
    """An empty table, and the decorator that enters a pair with the changes that repair it."""
    entries: dict[str, Mistake] = {}

    def mistake(*fixes: dict, wrong: tuple[dict, ...] = ()):
        def register(function):
            entries[function.__name__] = Mistake(function, fixes, wrong)
            return function

        return register

    return entries, mistake


def attr(layer, name, value):
    return {"layer": layer, "attr": name, "value": value}


RESIZE, FORWARD, BATCH = {"input": "resize"}, {"forward": ""}, {"batch": ""}


class Calls(nn.Module):
    """A model from named layers and a function of them."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.run = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs):
        return self.run(self, *inputs)


def seq(*layers):
    return nn.Sequential(*layers)


class Trained(nn.Module):
    def __init__(self, net, loss):
        super().__init__()
        self.net, self.loss = net, loss

    def forward(self, x, target):
        return self.loss(self.net(x), target)


KEYS = (
    "layer",
    "attr",
    "value",
    "input",
    "arg",
    "dim",
    "dims",
    "shape",
    "to",
    "insert",
    "before",
    "replace",
    "with",
    "remove",
    "param",
    "target",
)


def flat(value):
    if isinstance(value, (list, tuple)):
        value = [flat(v) for v in value]
        return value[0] if value and all(v == value[0] for v in value) and len(value) < 4 else value
    return value


def same(fix: dict, wanted: dict) -> bool:
    """Whether two fixes say the same; any size that runs is as good as another, any corrected line as another."""
    if "all" in fix or "all" in wanted:
        left, right = fix.get("all", [fix]), wanted.get("all", [wanted])
        return len(left) == len(right) and all(any(same(a, b) for b in right) for a in left)
    for kind in ("forward", "batch", "state_dict"):
        if kind in fix or kind in wanted:
            return kind in fix and kind in wanted
    if fix.get("input") == wanted.get("input") == "resize":
        return True
    a, b = ({k: flat(f[k]) for k in KEYS if k in f} for f in (fix, wanted))
    a.setdefault("arg", 0), b.setdefault("arg", 0)
    return a == b
