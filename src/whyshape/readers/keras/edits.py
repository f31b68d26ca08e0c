"""Changes written into a model's config, as a fix says them: an input's sizes, the sizes told to a Reshape."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from whyshape.errors import WhyshapeError


def edited(held: dict, edits: Iterable[dict[str, Any]]) -> dict:
    """The config with the edits made. A layer is named by its path. Raises `WhyshapeError` for what is not there."""
    edits = list(edits)
    if not edits:
        return held
    held = copy.deepcopy(held)
    layers = dict(_layers(held, ""))
    for edit in edits:
        entry = layers.get(edit.get("layer", ""))
        if entry is None or edit.get("attr") not in ("batch_shape", "target_shape") or edit["attr"] not in entry["config"]:
            raise WhyshapeError(f"The model has no layer {str(edit.get('layer'))[:60]!r} whose sizes can be told.")
        entry["config"][edit["attr"]] = list(edit["value"])
    return held


def _layers(held: dict, path: str) -> Iterator[tuple[str, dict]]:
    """Every layer by its path, models within models too."""
    config = held.get("config")
    for entry in (config if isinstance(config, dict) else {}).get("layers", ()):
        inner = entry.get("config") if isinstance(entry, dict) else None
        if not isinstance(inner, dict):
            continue
        name = str(entry.get("name") or inner.get("name") or entry.get("class_name"))
        at = f"{path}.{name}" if path else name
        yield at, entry
        if entry.get("class_name") in ("Sequential", "Functional", "Model"):
            yield from _layers(entry, at)


__all__ = ["edited"]
