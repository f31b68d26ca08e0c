"""IDX files written here are read right, plain and gzipped; broken ones end in a sentence."""

import gzip
import struct

import numpy as np
import pytest

from whyshape.errors import WhyshapeError
from whyshape.lab import data, idx

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def packed(array: np.ndarray) -> bytes:
    """An array as IDX bytes, written from the format's definition."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def arrays():
    random = np.random.default_rng(7)
    made = {}
    for part, count in (("train", 36), ("test", 5)):
        made[f"{part} images"] = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        made[f"{part} labels"] = random.integers(0, 10, count, dtype=np.uint8)
    return made


@pytest.fixture
def folder(tmp_path, arrays):
    for what, name in idx.FILES.items():
        (tmp_path / name).write_bytes(packed(arrays[what]))
    return tmp_path


@pytest.mark.parametrize("spelling", ["{}", "{}.gz", "dotted"])
def test_what_was_written_is_read(folder, arrays, spelling):
    """All three spellings in use: plain, .gz, and train-images.idx3-ubyte."""
    for name in idx.FILES.values():
        file = folder / name
        if spelling == "dotted":
            file.rename(folder / name.replace("-idx", ".idx"))
        elif spelling.endswith(".gz"):
            (folder / (name + ".gz")).write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
    found = idx.read_folder(folder)
    assert all(np.array_equal(found[what], arrays[what]) for what in idx.FILES)


def test_t10k_is_the_test_and_nothing_else(folder, arrays):
    """Training files become train and validation; the t10k files are the test, in their order."""
    digits = data.load(str(folder))
    assert (len(digits.train), len(digits.validation), len(digits.test)) == (33, 3, 5)
    assert np.array_equal(digits.test.pixels, arrays["test images"])
    together = np.concatenate([digits.train.pixels, digits.validation.pixels])
    assert sorted(i.tobytes() for i in together) == sorted(i.tobytes() for i in arrays["train images"])


def header(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


BROKEN = {
    "wrong magic": (IMAGES, header(0x801, 3, 28, 28), f"{IMAGES} starts with 0x00000801, but IDX images start with 0x00000803"),
    "labels with the magic of images": (LABELS, header(0x803, 3), f"{LABELS} starts with 0x00000803, but IDX labels start with 0x00000801"),
    "header cut": (IMAGES, header(0x803, 3), f"{IMAGES} ends inside its header, after 8 bytes"),
    "empty": (IMAGES, b"", f"{IMAGES} ends inside its header, after 0 bytes"),
    "truncated": (LABELS, header(0x801, 9) + b"1234", f"{LABELS} promises 9 bytes, but only 4 are there"),
    "too long": (LABELS, header(0x801, 2) + b"\1\2\3", f"{LABELS} promises 2 bytes, but more are there"),
    "images cut": (IMAGES, header(0x803, 2, 28, 28) + bytes(800), f"{IMAGES} promises 2 x 28 x 28 = 1568 bytes, but only 800 are there"),
    "other size": (IMAGES, header(0x803, 1, 32, 30) + bytes(960), f"{IMAGES} holds images of 32 x 30, but the network takes 28 x 28"),
    "bomb": (IMAGES, header(0x803, 2**32 - 1, 28, 28), f"{IMAGES} promises 4294967295 items, but 1 to 1000000 are read"),
    "none": (IMAGES, header(0x803, 0, 28, 28), f"{IMAGES} promises 0 items, but 1 to 1000000 are read"),
    "label 11": (LABELS, header(0x801, 2) + bytes([3, 11]), f"{LABELS} has the label 11, but digits are 0 to 9"),
}  # fmt: skip


@pytest.mark.parametrize("name, content, sentence", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_a_sentence(folder, name, content, sentence):
    """Whole sentences, with the numbers."""
    (folder / name).write_bytes(content)
    with pytest.raises(WhyshapeError) as problem:
        data.load(str(folder))
    assert str(problem.value) == sentence


def test_counts_must_agree(folder):
    """As many labels as images."""
    (folder / LABELS).write_bytes(packed(np.zeros(35, np.uint8)))
    with pytest.raises(WhyshapeError) as problem:
        data.load(str(folder))
    assert str(problem.value) == f"{folder}: 36 train images, but 35 train labels"


def test_a_missing_file_is_named(folder):
    """Which of the four is not there."""
    (folder / LABELS).unlink()
    with pytest.raises(WhyshapeError) as problem:
        data.load(str(folder))
    assert str(problem.value) == (
        f"{folder} has no {LABELS} (nor {LABELS}.gz); MNIST is four files: train-images-idx3-ubyte, "
        "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"
    )


def test_no_folder_is_a_sentence(tmp_path):
    """A path that is not there."""
    with pytest.raises(WhyshapeError) as problem:
        data.load(str(tmp_path / "nowhere"))
    assert str(problem.value) == f"{tmp_path / 'nowhere'} is not a folder"


@pytest.mark.parametrize("damage", ["cut", "flipped", "not gzip"])
def test_a_broken_gzip_is_a_sentence(folder, damage):
    """A .gz that ends early, is damaged, or is none."""
    (folder / IMAGES).unlink()
    whole = gzip.compress(packed(np.random.default_rng(0).integers(0, 256, (36, 28, 28), dtype=np.uint8)))
    middle = len(whole) // 2
    content = {"cut": whole[:middle], "flipped": whole[:-8] + b"\0" * 8, "not gzip": b"PK\3\4" * 9}[damage]
    (folder / (IMAGES + ".gz")).write_bytes(content)
    with pytest.raises(WhyshapeError) as problem:
        data.load(str(folder))
    assert str(problem.value).startswith(f"{IMAGES}.gz cannot be read: ")


def test_a_gzip_bomb_is_not_unpacked(folder):
    """Reading stops one byte after what the header promises."""
    (folder / LABELS).unlink()
    (folder / (LABELS + ".gz")).write_bytes(gzip.compress(header(0x801, 36) + bytes(50_000_000)))
    with pytest.raises(WhyshapeError) as problem:
        data.load(str(folder))
    assert str(problem.value) == f"{LABELS}.gz promises 36 bytes, but more are there"
