"""A picture as a network takes it: a sample digit, an image file fitted into 28 x 28, or numbers at random."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from whyshape.errors import WhyshapeError
from whyshape.lab.fit import SIDE, fitted

MOST_PIXELS = 50_000_000


def sample(number: int = 0) -> torch.Tensor:
    """The first digit of that class (0 to 9) of scikit-learn's test sheets, normalised for the shipped network: (1, 1, 28, 28)."""
    from whyshape.lab.data import load

    digits = load("digits")
    images, labels = digits.tensors(digits.test)
    return images[labels == number][:1]


def target_and_input(target: str | None, given: str | None) -> tuple[nn.Module, torch.Tensor, str]:
    """The model of a TARGET (the shipped network without one), what it takes, and what that is in words."""
    model = network(target)
    if given is None and target is not None:
        raise WhyshapeError("a model of your own needs --input: an image file, or a shape such as 1,3,224,224")
    return model, *taken_from(given, model)


def network(target: str | None) -> nn.Module:
    """The model of a TARGET with its real numbers; without one, the shipped network."""
    if target is None:
        from whyshape.lab.trained import read

        return read()[0]
    from whyshape.readers.target import load

    return load(target, real=True)


def taken_from(given: str | None, model: nn.Module) -> tuple[torch.Tensor, str]:
    """What a command line's ``--input`` means, and that in words: nothing, a shape ``1,3,32,32``, or an image file."""
    if given is None:
        return sample(7), "a 7 from scikit-learn's digits (test part)"
    if given.replace(",", "").strip().isdigit():
        shape = tuple(int(n) for n in given.split(",") if n.strip())
        if 0 in shape or np.prod(shape, dtype=float) > MOST_PIXELS:
            raise WhyshapeError(f"an input of {given} holds no numbers or more than {MOST_PIXELS}")
        return torch.randn(shape, generator=torch.Generator().manual_seed(0)), f"random numbers of shape {given} (seed 0)"
    image = opened(Path(given))
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    if first is not None and first.in_channels == 1:
        return fitted_digit(image), f"{given}, fitted into 28 x 28 as MNIST does and normalised"
    pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous(), f"{given}, colours from 0 to 1"


def opened(path: Path):
    """An image of Pillow's, fully read; anything that is none is a `WhyshapeError`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
            if image.width * image.height > MOST_PIXELS:
                raise WhyshapeError(f"{path} has {image.width} x {image.height} pixels; at most {MOST_PIXELS} are read")
            image.load()
            return image
    except FileNotFoundError:
        raise WhyshapeError(f"{path} does not exist") from None
    except (UnidentifiedImageError, Image.DecompressionBombWarning, Image.DecompressionBombError, OSError, SyntaxError):
        raise WhyshapeError(f"{path} is not an image that can be read") from None


def fitted_digit(image) -> torch.Tensor:
    """A picture of one digit as the shipped network takes it; ink may be dark on light or light on dark."""
    from whyshape.lab.trained import facts_shipped

    grey = np.asarray(image.convert("L"), dtype=np.float64) / 255
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = 1 - grey if rim.mean() > 0.5 else grey
    ink[ink < 0.1] = 0  # paper is never quite white
    pixels = grey if grey.shape == (SIDE, SIDE) and rim.mean() == 0 else fitted(ink)
    told = facts_shipped()["data"]
    return torch.from_numpy((pixels - told["mean"]) / told["std"]).float()[None, None]
