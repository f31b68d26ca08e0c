"""The model stays as it was: whatever its Python code sets during a trace is put back."""

from __future__ import annotations

import random
from contextlib import contextmanager

import torch

_CONTAINERS = (list, dict, set)


@contextmanager
def untouched(modules):
    """Put back every attribute, container and registered name of these modules, and Python's own dice."""
    fields = [module.__dict__ for module in modules]
    before = [f.copy() for f in fields]
    containers = [v for f in fields for v in f.values() if type(v) in _CONTAINERS]
    contents = [c.copy() if c else None for c in containers]
    dice = random.getstate()
    grad = torch.is_grad_enabled()
    try:
        yield
    finally:
        random.setstate(dice)
        if torch.is_grad_enabled() != grad:
            torch.set_grad_enabled(grad)
        for now, was in zip(fields, before):
            if not _same(now, was):
                now.clear()
                now.update(was)
        for container, kept in zip(containers, contents):
            if container if kept is None else not _same(container, kept):
                _refill(container, kept)


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
