"""What a training run is made of: every number that decides how it goes, in one frozen value."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace

from whyshape.errors import WhyshapeError


@dataclass(frozen=True)
class Recipe:
    """All choices of a run. Two runs with equal recipes and equal data end with equal weights on one device.

    >>> Recipe(epochs=2).learning_rate(0.0) < Recipe().peak_rate
    True
    """

    epochs: int = 150
    batch_size: int = 64
    peak_rate: float = 3e-3  # AdamW's learning rate at its highest
    warm_up: float = 0.2  # share of the run in which the rate rises; then it falls along a cosine to zero
    weight_decay: float = 1e-2
    averaging: float = 0.98  # kept is a moving average of the weights: this share of the old, the rest of the new
    distortion: float = 0.6  # strength of the random turns, stretches, slants and shifts; 0 = none
    smoothing: float = 0.1  # label smoothing: this share of the wanted answer is spread over all ten
    patience: int = 80  # stop after this many epochs without a lower validation loss
    seed: int = 0

    def __post_init__(self):
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), LIMITS[field.name]
            if not (isinstance(value, (int, float)) and math.isfinite(value) and low <= value <= high):
                raise WhyshapeError(f"{field.name} is {value}, but it must be from {low} to {high}")

    def learning_rate(self, progress: float) -> float:
        """The rate when this share of all steps is done (0 to 1): up in a straight line, down along a cosine."""
        if progress < self.warm_up:
            return self.peak_rate * max(progress / self.warm_up, 0.04)
        return self.peak_rate * (1 + math.cos(math.pi * (progress - self.warm_up) / (1 - self.warm_up))) / 2

    def changed(self, **settings) -> Recipe:
        """The same recipe with some settings changed; None means keep."""
        return replace(self, **{name: value for name, value in settings.items() if value is not None})

    def to_dict(self) -> dict:
        return asdict(self)


LIMITS = {
    "epochs": (1, 100_000),
    "batch_size": (1, 100_000),
    "peak_rate": (1e-9, 10.0),
    "warm_up": (0.0, 0.99),
    "weight_decay": (0.0, 1.0),
    "averaging": (0.0, 0.99999),
    "distortion": (0.0, 5.0),
    "smoothing": (0.0, 0.9),
    "patience": (1, 100_000),
    "seed": (0, 2**31 - 1),
}

# MNIST has 48 times as many training images, so a tenth of the epochs takes seven times the steps.
MNIST = Recipe(epochs=20, batch_size=128, averaging=0.995, distortion=0.6, patience=8)


def recipe_for(source: str) -> Recipe:
    """The recipe found for scikit-learn's digits, or MNIST's for everything else."""
    return Recipe() if source == "digits" else MNIST
