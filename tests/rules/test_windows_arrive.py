"""What PyTorch's layers and functions hand to a `TorchFunctionMode` is what the rules understand, argument for argument."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from whyshape.graph.derive import flat
from whyshape.readers.torch.names import function_table

F, B = nn.functional, torch._C._nn
IMAGE = {n: torch.zeros(1, 4, *[8] * n) for n in (1, 2, 3)}
LINE, PLANE, SPACE = IMAGE.values()
INDEX = {n: torch.zeros(1, 4, *[4] * n, dtype=torch.int64) for n in (1, 2, 3)}
TORCH_MAX_POOL = {1: torch.max_pool1d, 2: torch.max_pool2d, 3: torch.max_pool3d}
HALF = {n: torch.zeros(1, 4, *[4] * n) for n in (1, 2, 3)}


class Listen(TorchFunctionMode):
    """Asks the rule of every call that has one, runs it, and compares."""

    def __init__(self):
        super().__init__()
        self.table, self.heard = function_table(), {}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        entry = self.table.get(func)
        if entry is not None and not entry.in_place:
            made = [tuple(shape) for shape in flat(entry.rule.shape(*args, **kwargs))]
            told = [tuple(t.shape) for t in (out if isinstance(out, (tuple, list)) else (out,))]
            assert made == told, (entry.op, args, kwargs)
            self.heard[entry.op] = self.heard.get(entry.op, 0) + 1
        return out


CALLS = {
    **{f"conv{n}d": [lambda n=n: getattr(nn, f"Conv{n}d")(4, 2, 3)(IMAGE[n]),
                     lambda n=n: getattr(nn, f"Conv{n}d")(4, 2, 2, padding="same", padding_mode="circular")(IMAGE[n]),
                     lambda n=n: getattr(torch, f"conv{n}d")(IMAGE[n], torch.zeros(2, 4, *[3] * n), padding="same")] for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": [lambda n=n: getattr(nn, f"ConvTranspose{n}d")(4, 2, 3, 2)(IMAGE[n]),
                               lambda n=n: getattr(nn, f"ConvTranspose{n}d")(4, 2, 3, 2)(IMAGE[n], output_size=[18] * n)]
       for n in (1, 2, 3)},
    **{f"max_pool{n}d": [lambda n=n: getattr(nn, f"MaxPool{n}d")(3, 2, 1, ceil_mode=True)(IMAGE[n]),
                         lambda n=n: getattr(F, f"max_pool{n}d")(IMAGE[n], 2), lambda n=n: TORCH_MAX_POOL[n](IMAGE[n], 2)]
       for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": [lambda n=n: getattr(nn, f"MaxPool{n}d")(2, return_indices=True)(IMAGE[n]),
                                      lambda n=n: getattr(F, f"max_pool{n}d")(IMAGE[n], 2, 2, 0, 1, False, True)] for n in (1, 2, 3)},
    **{f"avg_pool{n}d": [lambda n=n: getattr(nn, f"AvgPool{n}d")(2)(IMAGE[n]),
                         lambda n=n: getattr(F, f"avg_pool{n}d")(IMAGE[n], 2, padding=1)]
       for n in (1, 2, 3)},
    **{f"lp_pool{n}d": [lambda n=n: getattr(nn, f"LPPool{n}d")(2, 2)(IMAGE[n])] for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": [lambda n=n: getattr(nn, f"AdaptiveAvgPool{n}d")(2)(IMAGE[n])] for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": [lambda n=n: getattr(nn, f"AdaptiveMaxPool{n}d")(2)(IMAGE[n])] for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d_with_indices": [lambda n=n: getattr(nn, f"AdaptiveMaxPool{n}d")(2, return_indices=True)(IMAGE[n])]
       for n in (1, 2, 3)},
    "torch.adaptive_max_pool1d": [lambda: torch.adaptive_max_pool1d(LINE, 2)],
    **{f"torch._C._nn.adaptive_max_pool{n}d": [lambda n=n: getattr(B, f"adaptive_max_pool{n}d")(IMAGE[n], [2] * n)] for n in (2, 3)},
    **{f"fractional_max_pool{n}d": [lambda n=n: getattr(nn, f"FractionalMaxPool{n}d")(2, output_ratio=0.5)(IMAGE[n])] for n in (2, 3)},
    **{f"fractional_max_pool{n}d_with_indices":
       [lambda n=n: getattr(nn, f"FractionalMaxPool{n}d")(2, output_size=3, return_indices=True)(IMAGE[n])] for n in (2, 3)},
    **{f"torch._C._nn.fractional_max_pool{n}d":
       [lambda n=n: getattr(B, f"fractional_max_pool{n}d")(IMAGE[n], [2] * n, [3] * n, torch.zeros(1, 4, n))] for n in (2, 3)},
    **{f"max_unpool{n}d": [lambda n=n: getattr(nn, f"MaxUnpool{n}d")(2)(HALF[n], INDEX[n]),
                           lambda n=n: getattr(nn, f"MaxUnpool{n}d")(2)(HALF[n], INDEX[n], output_size=[1, 4, *[9] * n])]
       for n in (1, 2, 3)},
    "torch._C._nn.max_unpool2d": [lambda: B.max_unpool2d(HALF[2], INDEX[2], [7, 9])],
    "torch._C._nn.max_unpool3d": [lambda: B.max_unpool3d(HALF[3], INDEX[3], [8, 8, 8], [2, 2, 2], [0, 0, 0])],
    "torch.nn.functional.unfold": [lambda: nn.Unfold(3)(PLANE), lambda: F.unfold(PLANE, 3, padding=1)],
    "im2col": [lambda: B.im2col(PLANE, (3, 3), (1, 1), (0, 0), (1, 1))],
    "fold": [lambda: nn.Fold(8, 3)(torch.zeros(1, 36, 36))],
    "col2im": [lambda: B.col2im(torch.zeros(1, 36, 36), (8, 8), (3, 3), (1, 1), (0, 0), (1, 1))],
    "Tensor.unfold": [lambda: PLANE.unfold(2, 3, 2), lambda: PLANE.unfold(-1, 8, 1), lambda: torch.zeros(()).unfold(0, 1, 1)],
    "pixel_shuffle": [lambda: nn.PixelShuffle(2)(PLANE), lambda: torch.pixel_shuffle(PLANE, 2)],
    "pixel_unshuffle": [lambda: nn.PixelUnshuffle(2)(PLANE)],
    "channel_shuffle": [lambda: nn.ChannelShuffle(2)(PLANE), lambda: torch.channel_shuffle(PLANE, 2)],
    "native_channel_shuffle": [lambda: torch.native_channel_shuffle(PLANE, 2)],
    "interpolate": [lambda: F.interpolate(PLANE, scale_factor=1.3), lambda: nn.Upsample(scale_factor=2, mode="bicubic")(PLANE),
                    lambda: nn.UpsamplingNearest2d(5)(PLANE), lambda: nn.UpsamplingBilinear2d(scale_factor=2)(PLANE),
                    lambda: F.upsample(PLANE, size=(3, 4)), lambda: F.upsample_nearest(PLANE, scale_factor=2)],
    "grid_sample": [lambda: F.grid_sample(PLANE, torch.zeros(1, 5, 6, 2)), lambda: F.grid_sample(SPACE, torch.zeros(1, 5, 6, 7, 3))],
    "grid_sampler": [lambda: torch.grid_sampler(PLANE, torch.zeros(1, 5, 6, 2), 0, 0, False)],
    "affine_grid": [lambda: F.affine_grid(torch.zeros(1, 2, 3), PLANE.shape), lambda: F.affine_grid(torch.zeros(1, 3, 4), [1, 4, 5, 6, 7])],
    "affine_grid_generator": [lambda: torch.affine_grid_generator(torch.zeros(1, 2, 3), [1, 4, 5, 6], False)],
    "pad": [lambda: F.pad(PLANE, (1, 2)), lambda: F.pad(PLANE, (1, 2, 3, 4), mode="reflect"), lambda: nn.ZeroPad2d(1)(PLANE),
            lambda: nn.CircularPad3d(1)(SPACE), lambda: nn.ReplicationPad1d(2)(LINE), lambda: nn.ConstantPad2d(1, 2.5)(PLANE)],
    "constant_pad_nd": [lambda: torch.constant_pad_nd(PLANE, (1, 1, 2, -3)), lambda: torch.constant_pad_nd(PLANE, (1, 1), 2.0)],
    "conv_tbc": [lambda: torch.conv_tbc(torch.zeros(5, 1, 4), torch.zeros(3, 4, 2), torch.zeros(2), 1)],
    "convolution": [lambda: torch.convolution(PLANE, torch.zeros(2, 4, 3, 3), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
                    lambda: torch.convolution(PLANE, torch.zeros(4, 2, 3, 3), None, [2, 2], [0, 0], [1, 1], True, [1, 1], 1)],
}  # fmt: skip


@pytest.mark.parametrize("op", CALLS)
def test_calls_arrive_at_their_rule(op):
    """Each call reaches the rule of that name, is understood, and makes the shapes PyTorch makes."""
    for call in CALLS[op]:
        with warnings.catch_warnings(), torch.no_grad(), Listen() as listen:
            warnings.simplefilter("ignore")
            call()
        assert listen.heard.get(op) == 1, listen.heard


def test_every_rule_of_these_families_is_called_here():
    """No rule of the window families goes without a call above."""
    from whyshape import rules

    families = [getattr(rules, name) for name in ("conv", "transposed", "pool", "unpool", "fold", "shuffle", "resize", "pad")]
    names = {name for name, rule in rules.RULES.items() if rule.__module__ in {family.__name__ for family in families}}
    assert names - set(CALLS) == {"_convolution"}  # what torch.convolution is called one level down, with flags for backends
