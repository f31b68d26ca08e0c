"""The weights in a `.keras` file, as arrays by layer. Nothing is run, and nothing outside the file is opened."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError

LARGEST = 16 * 2**30  # bytes
RATIO = 100  # unpacked : packed
# Layers within a layer lie in the file by name; Keras lists their weights in this order.
ORDER = ("forward_layer", "backward_layer", "query_dense", "key_dense", "value_dense", "output_dense")


class Weights:
    """``weights(path)`` gives the arrays of the layer of that path, in the order Keras lists them."""

    def __init__(self, source: str | Path, config: dict[str, Any]):
        try:
            from h5py import File
        except ImportError:
            raise WhyshapeError("To read the weights of a .keras file h5py is needed: pip install h5py") from None
        try:
            with zipfile.ZipFile(source) as archive:
                entry = archive.getinfo("model.weights.h5")
                if entry.file_size > min(LARGEST, RATIO * max(entry.compress_size, 1)):
                    raise WhyshapeError(f"The weights of this .keras file unpack to {entry.file_size:,} bytes.")
                self.file = File(io.BytesIO(archive.read(entry)), "r")
        except KeyError:
            raise WhyshapeError("This .keras file holds no weights.") from None
        except (zipfile.BadZipFile, OSError) as error:
            raise WhyshapeError(f"The weights of this .keras file cannot be read: {str(error)[:80]}.") from None
        self.places = dict(_places(config, (), ""))

    def __call__(self, path: tuple[str, ...]) -> list:
        place = self.places.get(path)
        found = list(self.arrays(place)) if place is not None else []
        if not found:
            raise WhyshapeError(f"The weights of the layer {'.'.join(path)[:60]!r} are not in the file.")
        return found

    def arrays(self, place: str):
        """A layer's own arrays, then those of the layers it holds."""
        group = self.inside(place)
        own = self.inside(f"{place}/vars") if "vars" in group else {}
        for name in sorted(own, key=lambda n: (len(n), n)):
            yield self.inside(f"{place}/vars/{name}")[()]
        for name in sorted(group, key=lambda n: ORDER.index(n) if n in ORDER else -1):
            if name != "vars":
                yield from self.arrays(f"{place}/{name}")

    def inside(self, place: str):
        """What lies at a place of the file, and in no other file."""
        at = self.file
        for part in place.split("/"):
            link = at.get(part, getlink=True)
            if link is None or type(link).__name__ != "HardLink":
                raise WhyshapeError(f"The weights of this .keras file are damaged: {place[:80]!r} is not there, or lies elsewhere.")
            at = at[part]
        if getattr(at, "external", None) or getattr(at, "is_virtual", False):
            raise WhyshapeError(f"The weights at {place[:80]!r} lie outside the file: they are not opened.")
        return at


def _places(held: dict[str, Any], path: tuple[str, ...], at: str):
    """Where the file keeps each layer: by the kind of layer, counted within its model."""
    config, taken = held.get("config"), {}
    for entry in (config if isinstance(config, dict) else {}).get("layers", ()):
        kind, inner = str(entry.get("class_name")), entry.get("config") or {}
        base = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", kind))).lower()
        count = taken[base] = taken.get(base, -1) + 1
        name = str(entry.get("name") or inner.get("name") or kind)
        place = f"{at}/layers/{base}{f'_{count}' if count else ''}".lstrip("/")
        yield (*path, name), place
        if kind in ("Sequential", "Functional"):
            yield from _places(entry, (*path, name), place)


__all__ = ["Weights"]
