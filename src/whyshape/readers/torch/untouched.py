"""The model stays as it was: whatever its Python code sets during a trace is put back."""

from __future__ import annotations

import random
from contextlib import contextmanager

import torch

_CONTAINERS = (list, dict, set)


@contextmanager
def untouched(model):
    """Put back every attribute, container and registered name of every module, and Python's own dice."""
    kept = []
    for module in walk(model):
        fields = module.__dict__
        inside = [(v, v.copy()) for v in fields.values() if type(v) in _CONTAINERS]
        kept.append((fields, dict(fields), inside))
    dice = random.getstate()
    grad = torch.is_grad_enabled()
    try:
        yield
    finally:
        random.setstate(dice)
        if torch.is_grad_enabled() != grad:
            torch.set_grad_enabled(grad)
        for fields, before, inside in kept:
            if len(fields) != len(before) or any(fields.get(k, _MISSING) is not v for k, v in before.items()):
                fields.clear()
                fields.update(before)
            for container, contents in inside:
                if not _same(container, contents):
                    _refill(container, contents)


_MISSING = object()


def _same(container, contents) -> bool:
    if len(container) != len(contents):
        return False
    if type(container) is dict:
        return all(container.get(k, _MISSING) is v for k, v in contents.items())
    if type(container) is list:
        return all(a is b for a, b in zip(container, contents))
    return container == contents


def _refill(container, contents):
    container.clear()
    if type(container) is list:
        container.extend(contents)
    else:
        container.update(contents)


def walk(model):
    """Every module once, without recursion: modules may be nested deeply, or hold themselves."""
    seen, stack = set(), [model]
    while stack:
        module = stack.pop()
        if module is None or id(module) in seen:
            continue
        seen.add(id(module))
        yield module
        stack.extend(reversed(list(module.__dict__.get("_modules", {}).values())))


def paths_of(model) -> dict[int, str]:
    """The path of every module, by identity; the first one for a module that stands in several places."""
    found, stack = {}, [("", model)]
    while stack:
        path, module = stack.pop()
        if module is None or id(module) in found:
            continue
        found[id(module)] = path
        inside = [(f"{path}.{name}" if path else name, child) for name, child in module.__dict__.get("_modules", {}).items()]
        stack.extend(reversed(inside))
    return found
