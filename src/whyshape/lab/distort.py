"""Random small changes a hand would make: each image of a batch turned, stretched, slanted and shifted a little."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

TURN = math.radians(15)  # at strength 1: each is drawn evenly from minus to plus this
STRETCH = 0.12  # share of the width, of the height
SLANT = 0.15
SHIFT = 2 / 14  # of half the image: 2 of 28 pixels
WOBBLE = 0.6 / 14  # spread of the push that 5 x 5 points spread over the image get, of half the image


def distorted(images: torch.Tensor, strength: float, empty: float) -> torch.Tensor:
    """Images (N, 1, H, W), each distorted in its own way; ``empty`` is the value of a pixel without ink.

    Draws from PyTorch's global random numbers of the images' device.

    >>> x = torch.zeros(2, 1, 28, 28)
    >>> torch.equal(distorted(x, 0.0, 0.0), x)
    True
    """
    if strength == 0:
        return images
    n = len(images)
    spread = torch.tensor([TURN, STRETCH, STRETCH, SLANT, SHIFT, SHIFT], device=images.device) * strength
    turn, wide, high, slant, right, down = ((torch.rand(n, 6, device=images.device) * 2 - 1) * spread).unbind(1)
    cos, sin = torch.cos(turn), torch.sin(turn)
    first = torch.stack([cos * (1 + wide), slant - sin * (1 + wide), right], 1)
    second = torch.stack([sin * (1 + high), cos * (1 + high), down], 1)
    grid = F.affine_grid(torch.stack([first, second], 1), list(images.shape), align_corners=False)
    wobble = torch.randn(n, 2, 5, 5, device=images.device) * (WOBBLE * strength)
    grid = grid + F.interpolate(wobble, images.shape[2:], mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
    return F.grid_sample(images - empty, grid, align_corners=False) + empty
