"""The header of a `.safetensors` file: names, dtypes and shapes of its tensors. No weight is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from whyshape.errors import WhyshapeError

LARGEST = 100 * 2**20  # bytes of header, the format's own limit
MOST = 100_000  # tensors
BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4,
         "F64": 8, "I64": 8, "U64": 8}  # fmt: skip
NAMES = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn", "I16": "int16", "U16": "uint16",
         "F16": "float16", "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32", "F64": "float64", "I64": "int64",
         "U64": "uint64"}  # fmt: skip


class Stored(NamedTuple):
    """One tensor of the file."""

    dtype: str
    shape: tuple[int, ...]


def header(path: str | Path) -> dict[str, Stored]:
    """What the file holds, by name. Raises `WhyshapeError` where the header and the file do not agree."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(LARGEST, size - 8):
                raise _damaged("its header is longer than the file, or than 100 MB")
            text = file.read(length)
    except OSError as error:
        raise WhyshapeError(f"{str(path)[:200]!r} cannot be read: {error.strerror}.") from None
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _damaged("a name stands twice" if "twice" in str(error) else "its header is not JSON") from None
    if not isinstance(found, dict):
        raise _damaged("its header names no tensors")
    found.pop("__metadata__", None)
    if len(found) > MOST:
        raise WhyshapeError(f"This .safetensors file has more than {MOST:,} tensors.")
    spans = []
    made = {}
    for name, entry in found.items():
        made[name], span = _stored(name, entry)
        spans.append(span)
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            raise _damaged("its tensors overlap, or leave room between them")
        end = stop
    if end != size - 8 - length:
        raise _damaged("its tensors do not fill the file")
    return made


def _stored(name: str, entry) -> tuple[Stored, tuple[int, int]]:
    whole = lambda v: isinstance(v, list) and all(type(n) is int and n >= 0 for n in v)
    if (
        not isinstance(entry, dict)
        or not whole(entry.get("shape"))
        or not whole(entry.get("data_offsets"))
        or entry.get("dtype") not in BYTES
    ):
        raise _damaged(f"the tensor {name[:60]!r} is not described")
    shape, span = tuple(entry["shape"]), entry["data_offsets"]
    bytes_wanted = BYTES[entry["dtype"]]
    for n in shape:
        bytes_wanted *= n
        if bytes_wanted > 2**63:
            raise _damaged(f"the tensor {name[:60]!r} is larger than any file")
    if len(span) != 2 or span[1] - span[0] != bytes_wanted:
        raise _damaged(f"the tensor {name[:60]!r} has another size than its shape says")
    return Stored(NAMES[entry["dtype"]], shape), (span[0], span[1])


def _once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("twice")
    return found


def _damaged(why: str) -> WhyshapeError:
    return WhyshapeError(f"This is not a .safetensors file, or it is damaged: {why}.")
