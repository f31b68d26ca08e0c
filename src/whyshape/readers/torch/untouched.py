"""The model stays as it was: whatever its Python code sets during a trace is put back."""

from __future__ import annotations

import random
from contextlib import contextmanager

import torch

_CONTAINERS = (list, dict, set)


@contextmanager
def untouched(modules):
    """Put back every attribute, container and registered name of these modules, and Python's own dice."""
    kept = []
    for module in modules:
        fields = module.__dict__
        inside = [(v, v.copy() if v else None) for v in fields.values() if type(v) in _CONTAINERS]
        kept.append((fields, fields.copy(), inside))
    dice = random.getstate()
    grad = torch.is_grad_enabled()
    try:
        yield
    finally:
        random.setstate(dice)
        if torch.is_grad_enabled() != grad:
            torch.set_grad_enabled(grad)
        for fields, before, inside in kept:
            if not _same(fields, before):
                fields.clear()
                fields.update(before)
            for container, contents in inside:
                if container if contents is None else not _same(container, contents):
                    _refill(container, contents)


def _same(now, before) -> bool:
    try:
        return now == before  # Python asks `is` first: unchanged values are not compared
    except Exception:  # a changed value (a tensor, say) that cannot be compared: it is not the same
        return False


def _refill(container, contents):
    container.clear()
    if contents and type(container) is list:
        container.extend(contents)
    elif contents:
        container.update(contents)


def walk(model) -> list[tuple[str, torch.nn.Module]]:
    """Every module once with its path, without recursion: modules may be nested deeply, or hold themselves."""
    found, seen, stack = [], set(), [("", model)]
    while stack:
        path, module = stack.pop()
        if module is None or id(module) in seen:
            continue
        seen.add(id(module))
        found.append((path, module))
        inside = module.__dict__.get("_modules")
        if inside:
            stack.extend([(f"{path}.{name}" if path else name, child) for name, child in reversed(inside.items())])
    return found
