"""The IDX files of MNIST, read and checked: magic number, sizes, and that the bytes promised are the bytes there."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from whyshape.errors import WhyshapeError

IMAGES, LABELS = 0x00000803, 0x00000801  # unsigned bytes (08) with three axes, with one axis
MOST_ITEMS = 1_000_000  # MNIST has 60,000; a header may promise anything
FILES = {
    "train images": "train-images-idx3-ubyte",
    "train labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}


def read_folder(folder: str | Path) -> dict[str, np.ndarray]:
    """The four arrays of an MNIST folder by their names in `FILES`: images (N, 28, 28) and labels (N,), all uint8.

    Each file may be plain or gzipped (``.gz``). Anything missing, truncated or of another kind is a `WhyshapeError`.
    """
    arrays = {what: read(found(Path(folder), name), IMAGES if "images" in what else LABELS) for what, name in FILES.items()}
    for part in ("train", "test"):
        images, labels = arrays[f"{part} images"], arrays[f"{part} labels"]
        if len(images) != len(labels):
            raise WhyshapeError(f"{folder}: {len(images)} {part} images, but {len(labels)} {part} labels")
    return arrays


def found(folder: Path, name: str) -> Path:
    """The file of that name in the folder, plain or ``.gz``, in either of the two spellings in use."""
    spellings = [name, name.replace("-idx", ".idx")]
    for candidate in [folder / (s + end) for s in spellings for end in ("", ".gz")]:
        if candidate.is_file():
            return candidate
    if not folder.is_dir():
        raise WhyshapeError(f"{folder} is not a folder")
    raise WhyshapeError(f"{folder} has no {name} (nor {name}.gz); MNIST is four files: {', '.join(FILES.values())}")


def read(path: Path, magic: int) -> np.ndarray:
    """One IDX file as a uint8 array: (N, 28, 28) for `IMAGES`, (N,) for `LABELS`."""
    axes = magic & 0xFF
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            sizes = header(path, file.read(4 + 4 * axes), magic)
            promised = int(np.prod(sizes, dtype=np.int64))
            content = file.read(promised + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise WhyshapeError(f"{path.name} cannot be read: {problem}") from None
    if len(content) != promised:
        there = "more" if len(content) > promised else f"only {len(content)}"
        product = f"{' x '.join(map(str, sizes))} = " if len(sizes) > 1 else ""
        raise WhyshapeError(f"{path.name} promises {product}{promised} bytes, but {there} are there")
    array = np.frombuffer(content, dtype=np.uint8).reshape(sizes)
    if magic == LABELS and array.max(initial=0) > 9:
        raise WhyshapeError(f"{path.name} has the label {array.max()}, but digits are 0 to 9")
    return array


def header(path: Path, start: bytes, magic: int) -> tuple[int, ...]:
    """The sizes a header promises, once its magic number and its sizes make sense."""
    if len(start) < 4 + 4 * (magic & 0xFF):
        raise WhyshapeError(f"{path.name} ends inside its header, after {len(start)} bytes")
    kind, *sizes = struct.unpack(f">I{magic & 0xFF}I", start)
    if kind != magic:
        what = "images" if magic == IMAGES else "labels"
        raise WhyshapeError(f"{path.name} starts with 0x{kind:08x}, but IDX {what} start with 0x{magic:08x}")
    if sizes[1:] not in ([], [28, 28]):
        raise WhyshapeError(f"{path.name} holds images of {sizes[1]} x {sizes[2]}, but the network takes 28 x 28")
    if not 1 <= sizes[0] <= MOST_ITEMS:
        raise WhyshapeError(f"{path.name} promises {sizes[0]} items, but 1 to {MOST_ITEMS} are read")
    return tuple(sizes)
