"""Handwritten digits in three parts that share nothing: train, validation (to choose), test (looked at once, at the end)."""

from __future__ import annotations

import hashlib
import importlib.util
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from whyshape.errors import WhyshapeError
from whyshape.lab import idx
from whyshape.lab.fit import fitted

# scikit-learn's digits are 14 sheets of about 128 digits, one after another; on each sheet somebody wrote the same
# text, "0 1 .. 9" three times and then a fixed jumble. These are the places where that text begins anew. Splitting
# between sheets means that no hand in the test part was seen in training.
SHEETS = (0, 130, 256, 386, 516, 646, 776, 905, 1029, 1157, 1287, 1415, 1543, 1667, 1797)
TEST_SHEETS = (11, 12, 13)


@dataclass(frozen=True, eq=False)
class Part:
    """Some images: ``pixels`` uint8 (N, 28, 28), 255 = ink, and ``labels`` int64 (N,)."""

    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Digits:
    """A data set split in three; ``mean`` and ``std`` are of the training pixels alone, with pixels from 0 to 1."""

    name: str
    split: str  # in words: how the parts were made
    train: Part
    validation: Part
    test: Part

    @property
    def mean(self) -> float:
        return float(np.mean(self.train.pixels, dtype=np.float64) / 255)

    @property
    def std(self) -> float:
        return float(np.std(self.train.pixels, dtype=np.float64) / 255)

    def tensors(self, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        """A part as the network takes it: normalised images (N, 1, 28, 28), float32, and labels (N,), int64."""
        images = torch.from_numpy(part.pixels.astype(np.float32))[:, None]
        return (images / 255 - self.mean) / self.std, torch.from_numpy(part.labels)

    @property
    def sha256(self) -> str:
        """A digest of every pixel and label in order: the same data gives the same digest on every machine."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            digest.update(part.pixels.tobytes())
            digest.update(part.labels.tobytes())
        return digest.hexdigest()


def load(source: str = "digits") -> Digits:
    """The digits of a source: ``digits`` (scikit-learn's, no network), ``mnist`` (OpenML), or a folder of IDX files.

    >>> digits = load()
    >>> len(digits.train), len(digits.validation), len(digits.test)
    (1298, 117, 382)
    """
    if source == "digits":
        return sklearn_digits()
    return openml_mnist() if source == "mnist" else idx_folder(source)


@lru_cache(maxsize=1)
def sklearn_digits() -> Digits:
    """scikit-learn's 1,797 digits of 8 x 8, fitted into 28 x 28; the last three sheets of handwriting are the test."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    pixels = np.stack([np.rint(fitted(image / 16) * 255) for image in bundle.images]).astype(np.uint8)
    labels = bundle.target.astype(np.int64)
    sheet = np.searchsorted(SHEETS, np.arange(len(labels)), side="right") - 1
    test = np.isin(sheet, TEST_SHEETS)
    train, validation, held = set_aside(pixels[~test], labels[~test])
    split = f"the last 3 of 14 sheets of handwriting are the test; {held} training images set aside for validation"
    return Digits("scikit-learn digits", split, train, validation, Part(pixels[test], labels[test]))


def openml_mnist() -> Digits:
    """MNIST from OpenML through scikit-learn, which keeps it on disk: the first 60,000 are training, the rest test."""
    from sklearn.datasets import fetch_openml

    parser = "pandas" if importlib.util.find_spec("pandas") else "liac-arff"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it warns at each retry; the error below says it once
            bundle = fetch_openml("mnist_784", version=1, as_frame=False, parser=parser)
    except OSError as problem:
        raise WhyshapeError(f"MNIST could not be fetched from OpenML ({problem}); give a folder with the four IDX files instead") from None
    pixels = bundle.data.astype(np.uint8).reshape(-1, 28, 28)
    labels = bundle.target.astype(np.int64)
    return mnist("MNIST (OpenML mnist_784)", pixels[:60000], labels[:60000], pixels[60000:], labels[60000:])


def idx_folder(folder: str | Path) -> Digits:
    """The digits of four IDX files: ``train-*`` is training and validation, ``t10k-*`` is the test."""
    arrays = idx.read_folder(folder)
    return mnist("IDX files", *(arrays[what] for what in idx.FILES))


def mnist(name: str, train_pixels, train_labels, test_pixels, test_labels) -> Digits:
    """Train, validation and test from MNIST's two parts: one training image in twelve is set aside for validation.

    Images that stand in the test part too are left out of training, so that nothing is learned from the test.
    """
    seen_in_test = {image.tobytes() for image in test_pixels}
    own = np.array([image.tobytes() not in seen_in_test for image in train_pixels])
    pixels, labels = train_pixels[own], train_labels[own].astype(np.int64)
    if len(labels) < 2:
        raise WhyshapeError(f"{len(labels)} training images are left once those of the test are put aside: too few")
    train, validation, held = set_aside(pixels, labels)
    split = f"{held} of {len(labels)} training images set aside for validation; {(~own).sum()} left out as also in test"
    return Digits(name, split, train, validation, Part(test_pixels, test_labels.astype(np.int64)))


def set_aside(pixels: np.ndarray, labels: np.ndarray) -> tuple[Part, Part, int]:
    """Training and validation: one image in twelve, always the same ones, and how many those are."""
    order = np.random.default_rng(0).permutation(len(labels))
    held = max(1, len(labels) // 12)
    chosen, rest = order[:held], order[held:]
    return Part(pixels[rest], labels[rest]), Part(pixels[chosen], labels[chosen]), held
