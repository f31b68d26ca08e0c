"""The formulas of windows as they are printed, and every refusal in its whole text."""

from __future__ import annotations

import pytest
import torch
from grid import Case, Refused, T, eager, ours

from whyshape.graph import derive
from whyshape.graph.builder import Builder


def image(*shape: int) -> tuple[T]:
    return (T(shape),)


FORMULAS = [
    ("Conv2d", (1, 10, 5), {}, (1, 28, 28), "floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1"),
    ("Conv2d", (16, 32, 3, 2, 1, 2), {}, (16, 32, 32), "floor((32 + 2*1 - 2*(3-1) - 1)/2) + 1"),
    ("Conv2d", (3, 8, 4), {"padding": "same"}, (3, 28, 28), "floor((28 + 1 + 2 - 1*(4-1) - 1)/1) + 1"),
    ("Conv2d", (3, 8, 4), {"padding": "valid"}, (3, 28, 28), "floor((28 + 0 - 1*(4-1) - 1)/1) + 1"),
    ("ConvTranspose2d", (64, 32, 3, 2, 1, 1), {}, (64, 14, 14), "(14-1)*2 - 2*1 + 1*(3-1) + 1 + 1"),
    ("MaxPool2d", (3, 2), {"ceil_mode": True}, (64, 112, 112), "ceil((112 + 2*0 - 1*(3-1) - 1)/2) + 1"),
    ("MaxPool2d", (3, 2, 1), {"ceil_mode": True}, (64, 112, 112), "ceil((112 + 2*1 - 1*(3-1) - 1)/2) + 1"),
    ("MaxPool2d", (2, 2, 1), {"ceil_mode": True}, (1, 5, 5), "min(ceil((5 + 2*1 - 1*(2-1) - 1)/2) + 1, floor((5 + 1 - 1)/2) + 1)"),
    ("MaxPool2d", (2, 3), {"ceil_mode": True}, (1, 6, 6), "min(ceil((6 + 2*0 - 1*(2-1) - 1)/3) + 1, floor((6 + 0 - 1)/3) + 1)"),
    ("AvgPool2d", (2,), {}, (20, 24, 24), "floor((24 + 2*0 - 1*(2-1) - 1)/2) + 1"),
    ("AdaptiveAvgPool2d", (3,), {}, (512, 7, 7), "3"),
    ("MaxUnpool2d", (2,), {}, (1, 4, 4), "(4-1)*2 + 2 - 2*0"),
    ("Upsample", (), {"scale_factor": 2}, (1, 1, 14, 14), "14*2"),
    ("Upsample", (), {"scale_factor": 1.3}, (1, 1, 14, 14), "floor(14*1.3)"),
    ("ZeroPad2d", (3,), {}, (1, 28, 28), "28 + 3 + 3"),
    ("ZeroPad2d", ((0, 0, -3, 1),), {}, (1, 28, 28), "28 + (-3) + 1"),
    ("PixelShuffle", (2,), {}, (8, 5, 7), "5*2"),
    ("PixelUnshuffle", (3,), {}, (1, 9, 12), "floor(9/3)"),
]


@pytest.mark.parametrize("name, args, kwargs, shape, text", FORMULAS, ids=[f"{row[0]}{row[1]}{row[2]}" for row in FORMULAS])
def test_formula_with_its_numbers(name, args, kwargs, shape, text):
    """A layer's height is printed as the documented formula, with nothing that cannot matter, and computes PyTorch's size."""
    inputs = (T(shape), T(shape, "int64")) if "Unpool" in name else (T(shape),)
    builder = Builder()
    made = builder.layer(name, "layer", *[builder.input(*t) for t in inputs], args=args, kwargs=kwargs)
    graph = builder.graph(made)
    height = derive(graph, graph.nodes[-1]).shapes[0][-2]
    assert str(height.formula) == text
    assert int(height) == eager(Case(name, inputs, args, kwargs))[0][-2]


@pytest.mark.parametrize("k", range(1, 6))
def test_the_drop_rule_is_left_out_exactly_where_it_never_fires(k):
    """The second half of a ceil_mode formula is printed for those settings for which some input size needs it."""
    for s in range(1, 7):
        for p in range(k // 2 + 1):
            for d in range(1, 4):
                fires = any(
                    torch.nn.MaxPool1d(k, s, p, d, ceil_mode=True)(torch.zeros(1, 1, n)).shape[-1]
                    != -(-(n + 2 * p - d * (k - 1) - 1) // s) + 1
                    for n in range(max(1, d * (k - 1) + 1 - 2 * p), 4 * s + d * k + 2)
                )
                builder = Builder()
                made = builder.layer("MaxPool1d", "pool", builder.input((1, 1, 20)), args=(k, s, p, d), kwargs={"ceil_mode": True})
                graph = builder.graph(made)
                assert ("min" in str(derive(graph, graph.nodes[0]).shapes[0][-1].formula)) == fires, (k, s, p, d)


REFUSALS = [
    (Case("Conv2d", image(1, 1, 3, 3), (1, 1, 5)), "the kernel spans 5 cells, 3 are there after padding"),
    (Case("Conv2d", image(1, 1, 6, 6), (1, 1, 3), {"dilation": 3}), "the kernel spans 7 cells, 6 are there after padding"),
    (Case("Conv2d", image(5, 28, 28), (1, 8, 3)), "1 channel is wanted, 5 arrive"),
    (Case("Conv2d", image(1, 28, 28, 1), (1, 8, 3)), "1 channel is wanted, 28 arrive"),
    (Case("Conv2d", image(28, 28), (1, 8, 3)), "4 axes are wanted, or 3 without a batch; 2 arrive"),
    (Case("Conv2d", image(1, 1, 0, 4), (1, 1, 3), {"padding": 2}), "an axis the window moves over must hold something, it has 0 cells"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, 3), {"padding": -1}), "padding must be at least 0, -1 was chosen"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, 3), {"stride": 0}), "stride must be at least 1, 0 was chosen"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, 3), {"dilation": 0}), "dilation must be at least 1, 0 was chosen"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, 0)), "kernel_size must be at least 1, 0 was chosen"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, (3,))), "kernel_size has 1 number, 2 are wanted"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, 3), {"stride": (1, 1, 1)}), "stride has 3 numbers, 2 are wanted: one for each axis"),
    (Case("Conv2d", image(1, 3, 9, 9), (3, 4, 3), {"groups": 2}), "in_channels 3 cannot be shared out over 2 groups"),
    (Case("Conv2d", image(1, 4, 9, 9), (4, 3, 3), {"groups": 2}), "out_channels 3 cannot be shared out over 2 groups"),
    (Case("Conv2d", image(1, 4, 9, 9), (4, 4, 3), {"groups": 0}), "groups must be at least 1, 0 was chosen"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 0, 3)), "at least 1 kernel is wanted, 0 arrive"),
    (Case("Conv2d", image(1, 1, 9, 9), (-1, 1, 3)), "in_channels must be at least 0, -1 was chosen"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, 3), {"padding": "SAME"}), "padding is a number, 'same' or 'valid'; 'SAME' was chosen"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, 3), {"padding": "same", "stride": 2}),
     "padding='same' is not supported for strided convolutions: stride 2 was chosen"),
    (Case("Conv2d", image(1, 1, 9, 9), (1, 1, 3), {"padding_mode": "edge"}),
     "padding_mode is one of zeros, reflect, replicate, circular; 'edge' was chosen"),
    (Case("Conv2d", image(1, 1, 3, 9), (1, 1, 3), {"padding": 3, "padding_mode": "reflect"}),
     "reflect padding 3 must be smaller than the size 3"),
    (Case("conv2d", image(1, 2, 9, 9), (T((3, 1, 3, 3)), None, 1, 0, 1, 2)), "3 kernels cannot be shared out over 2 groups"),
    (Case("conv2d", image(1, 1, 9, 9), (T((1, 1, 3)),)), "kernels of 4 axes are wanted, 3 arrive"),
    (Case("conv2d", image(1, 1, 9, 9), (T((2, 1, 3, 3)), T((3,)))), "2 numbers are wanted as bias, 3 arrive"),
    (Case("conv2d", image(1, 1, 9, 9), (T((2, 1, 3, 3)), T((2, 1)))), "a bias has 1 axis, 2 arrive"),
    (Case("conv2d", image(1, 1, 9, 9), (T((1, 1, 3, 3)), None, 2, "same")),
     "padding='same' is not supported for strided convolutions: stride 2 was chosen"),
    (Case("ConvTranspose2d", image(1, 1, 4, 4), (1, 1, 3), {"padding": "same"}),
     "a transposed convolution takes a number as padding; 'same' was chosen"),
    (Case("ConvTranspose2d", image(1, 1, 4, 4), (1, 1, 3), {"output_padding": 2}),
     "output_padding must be smaller than stride or dilation (1), 2 was chosen"),
    (Case("ConvTranspose2d", image(1, 1, 4, 4), (1, 1, 3), {"output_padding": -1}), "output_padding must be at least 0, -1 was chosen"),
    (Case("ConvTranspose2d", image(1, 1, 2, 2), (1, 1, 1), {"padding": 2}), "the padding 2 cuts away all of the output: -2 cells are left"),
    (Case("ConvTranspose2d", image(1, 1, 2, 2), (1, 0, 3)), "at least 1 map is wanted of each kernel, 0 was chosen"),
    (Case("ConvTranspose2d", image(1, 1, 4, 4), (1, 1, 3), {"padding_mode": "reflect"}),
     "a transposed convolution pads with zeros only; 'reflect' was chosen"),
    (Case("MaxPool2d", image(1, 1, 2, 2), (3, 2)), "the window spans 3 cells, 2 are there after padding"),
    (Case("MaxPool2d", image(1, 1, 9, 9), (3,), {"padding": 2, "dilation": 2}),
     "padding should be at most half of the kernel (1), 2 was chosen"),
    (Case("MaxPool2d", image(1, 0, 8, 8), (2,)), "every axis but the batch must hold something, one has 0"),
    (Case("MaxPool2d", image(1, 1, 8, 8), (2, 0)), "stride must be at least 1, 0 was chosen"),
    (Case("AvgPool2d", image(1, 1, 8, 8), (2,), {"divisor_override": 0}), "divisor_override must not be zero"),
    (Case("AvgPool3d", image(1, 1, 4, 8, 8), (5,), {"padding": 2}), "the window spans 5 cells, 4 are there before padding"),
    (Case("LPPool1d", image(1, 1, 8), (2, (3,))), "lp_pool1d takes kernel_size as one number, not as (3,)"),
    (Case("LPPool2d", image(1, 1, 8, 8), (2, (3,))), "kernel_size has 1 number, 2 are wanted"),
    (Case("LPPool2d", image(1, 1, 8, 8), (0, 3)), "norm_type must not be zero: the last step takes its root"),
    (Case("AdaptiveAvgPool2d", image(1, 1, 8, 8), (None,)), "output_size is wanted for the only axis"),
    (Case("AdaptiveAvgPool2d", image(1, 1, 8, 8), ((3,),)), "output_size has 1 number, 2 are wanted"),
    (Case("AdaptiveMaxPool2d", image(1, 1, 8, 8), (-1,)), "output_size must be at least 0, -1 was chosen"),
    (Case("FractionalMaxPool2d", image(1, 1, 8, 8), (3,), {"output_size": 7}),
     "7 windows of 3 cells at random places take 9 cells, 8 arrive"),
    (Case("FractionalMaxPool2d", image(1, 1, 8, 8), (3,), {"output_ratio": 1.5}), "output_ratio must lie between 0 and 1, 1.5 was chosen"),
    (Case("FractionalMaxPool2d", image(1, 1, 8, 8), (3,)), "output_size or output_ratio is wanted"),
    (Case("FractionalMaxPool2d", image(1, 1, 8, 8), (3, 2, 0.5)), "only one of output_size and output_ratio is wanted, both are given"),
    (Case("max_unpool2d", (*image(1, 1, 2, 2), T((1, 1, 2, 2), "int64")), (2, None, 0, (2, 4))),
     "output_size must be larger than 2, 2 was chosen"),
    (Case("max_unpool2d", (*image(1, 1, 2, 2), T((1, 1, 2, 2), "int64")), (2, None, 0, (4, 6))),
     "output_size must be smaller than 6, 6 was chosen"),
    (Case("max_unpool2d", (*image(1, 1, 2, 2), T((1, 1, 2, 2), "int64")), (2, None, 0, (4,))),
     "output_size has 1 number, 2 or 4 are wanted"),
    (Case("MaxUnpool2d", (*image(1, 1, 2, 2), T((1, 1, 2, 2))), (2,)), "indices are whole numbers (int64), float32 arrives"),
    (Case("MaxUnpool2d", (*image(1, 1, 2, 2), T((1, 1, 2, 3), "int64")), (2,)),
     "one index for each value is wanted: 2 along an axis, 3 arrive"),
    (Case("MaxUnpool2d", (*image(1, 1, 2, 2), T((1, 2, 2), "int64")), (2,)), "indices of 4 axes are wanted, 3 arrive"),
    (Case("MaxUnpool2d", (*image(1, 1, 1, 1), T((1, 1, 1, 1), "int64")), (2, 2, 2)),
     "the padding cuts away all of the output: -2 cells are left"),
    (Case("Unfold", image(1, 2, 2, 4), (3,)), "the kernel spans 3 cells, 2 are there after padding"),
    (Case("Unfold", image(1, 2, 4, 4), ((3,),)), "kernel_size has 1 number, 2 are wanted"),
    (Case("Unfold", image(4, 4), (3,)), "4 axes are wanted, or 3 without a batch; 2 arrive"),
    (Case("Fold", image(1, 8, 4), (4, 3)), "8 numbers a column cannot be shared out over windows of 9 cells"),
    (Case("Fold", image(1, 9, 5), (4, 3)), "an image of 4x4 has 4 places for the window, 5 columns arrive"),
    (Case("PixelShuffle", image(1, 6, 2, 2), (2,)), "6 channels cannot be shared out over blocks of 4 pixels"),
    (Case("PixelShuffle", image(2, 2), (2,)), "at least 3 axes are wanted, 2 arrive"),
    (Case("PixelUnshuffle", image(1, 1, 5, 4), (2,)), "5 rows cannot be cut into blocks of 2"),
    (Case("PixelUnshuffle", image(1, 1, 4, 5), (2,)), "5 columns cannot be cut into blocks of 2"),
    (Case("ChannelShuffle", image(1, 5, 2, 2), (2,)), "5 channels cannot be shared out over 2 groups"),
    (Case("pad", image(1, 1, 4, 2), ((3, -3),)), "2 cells cannot lose 3"),
    (Case("pad", image(2, 2), ((-2, -1),)), "2 cells cannot lose 3"),
    (Case("pad", image(2, 2), ((1,),)), "padding comes in pairs, 1 number is given"),
    (Case("pad", image(2), ((1, 1, 1, 1),)), "padding for 2 axes is given, the tensor has 1"),
    (Case("pad", image(1, 1, 3, 3), ((1, 1), "reflect")), "reflect padding of 1 axis wants a tensor of 2 or 3 axes, 4 arrive"),
    (Case("pad", image(1, 1, 3, 3), ((1, 1), "mirror")), "mode is one of constant, reflect, replicate, circular; 'mirror' was chosen"),
    (Case("pad", image(2, 2), ((), "reflect")), "reflect padding is for 1 to 3 axes, 0 are given"),
    (Case("pad", image(1, 3), ((1, 1), "reflect", 2.0)), "reflect padding takes no value"),
    (Case("pad", image(1, 3), ((4, 0), "circular")), "circular padding 4 must not be larger than the size 3"),
    (Case("pad", image(1, 3), ((-3, 0), "replicate")), "padding cuts away all of the input: 0 cells are left"),
    (Case("pad", image(1, 0, 3), ((1, 1), "replicate")), "every axis but the batch must hold something, one has 0"),
    (Case("CircularPad2d", image(1, 1, 1, 3, 3), (1,)), "3 or 4 axes are wanted, 5 arrive"),
    (Case("interpolate", image(1, 2, 3), (), {"size": 4, "mode": "bilinear"}), "bilinear wants a tensor of 4 axes, 3 arrive"),
    (Case("interpolate", image(2, 3), (), {"size": 4}), "nearest wants a tensor of 3 or 4 or 5 axes, 2 arrive"),
    (Case("interpolate", image(1, 2, 3), (), {"size": 4, "mode": "cubic"}),
     "mode is one of nearest, nearest-exact, area, linear, bilinear, bicubic, trilinear, lanczos; 'cubic' was chosen"),
    (Case("interpolate", image(1, 2, 3)), "exactly one of size and scale_factor is wanted, 0 are given"),
    (Case("interpolate", image(1, 2, 3), (4, 2.0)), "exactly one of size and scale_factor is wanted, 2 are given"),
    (Case("interpolate", image(1, 2, 3, 3), ((4,),)), "size has 1 number, 2 are wanted"),
    (Case("interpolate", image(1, 2, 3, 3), (2.0,)), "size is a whole number, 2.0 was chosen"),
    (Case("interpolate", image(1, 2, 3, 3), (None, (2.0,))), "scale_factor has 1 number, 2 are wanted"),
    (Case("interpolate", image(1, 2, 3), (None, 0.1)), "sizes of at least 1 are wanted: 3 becomes 0"),
    (Case("interpolate", image(1, 2, 3), (4,), {"recompute_scale_factor": True}),
     "recompute_scale_factor means nothing when size is given"),
    (Case("interpolate", image(1, 2, 3), (4,), {"align_corners": False}), "nearest has no align_corners"),
    (Case("interpolate", image(1, 2, 3, 3), (4,), {"antialias": True}), "nearest has no antialias"),
    (Case("interpolate", image(1, 2, 3, 3), (4,), {"mode": "lanczos"}), "lanczos wants antialias=True and no align_corners"),
    (Case("Upsample", image(1, 2, 3, 3), (None, [2, 2])), "scale_factor is one number or a tuple, not [2, 2]"),
    (Case("grid_sample", (*image(1, 1, 3, 3), T((1, 2, 2, 3)))), "each place of the grid has 2 numbers, 3 arrive"),
    (Case("grid_sample", (*image(2, 1, 3, 3), T((1, 2, 2, 2)))), "a grid for a batch of 2 is wanted, 1 arrives"),
    (Case("grid_sample", (*image(1, 1, 3, 3), T((1, 2, 2)))), "a grid of 4 axes is wanted, 3 arrive"),
    (Case("grid_sample", (*image(1, 1, 3), T((1, 2, 1)))), "an image of 4 or 5 axes is wanted, 3 arrive"),
    (Case("grid_sample", (*image(1, 1, 0, 3), T((1, 2, 2, 2)))), "there must be something to sample, an axis has 0 cells"),
    (Case("grid_sample", (*image(1, 1, 3, 3, 3), T((1, 2, 2, 2, 3))), ("bicubic",)), "bicubic wants an image of 4 axes, 5 arrive"),
    (Case("grid_sample", (*image(1, 1, 3, 3), T((1, 2, 2, 2))), ("linear",)),
     "mode is one of bilinear, nearest, bicubic; 'linear' was chosen"),
    (Case("affine_grid", image(1, 3, 3), ((1, 1, 4, 4),)), "theta has 2 rows, 3 arrive"),
    (Case("affine_grid", image(1, 2, 4), ((1, 1, 4, 4),)), "theta has 3 columns, 4 arrive"),
    (Case("affine_grid", image(2, 3), ((1, 1, 4, 4),)), "theta has 3 axes, 2 arrive"),
    (Case("affine_grid", image(1, 2, 3), ((1, 4, 4),)), "size has 4 or 5 numbers, 3 are given"),
    (Case("affine_grid", image(1, 2, 3), ((1, 0, 4, 4),)), "a size of at least 1 is wanted, 0 was chosen"),
    (Case("affine_grid", image(2, 2, 3), ((1, 1, 4, 4),)), "theta for a batch of 1 is wanted, 2 arrive"),
    (Case("affine_grid", (T((1, 2, 3), "int64"),), ((1, 1, 4, 4),)), "theta holds fractions; int64 arrives"),
]  # fmt: skip


@pytest.mark.parametrize("case, sentence", REFUSALS, ids=[sentence for _, sentence in REFUSALS])
def test_refusals_say_why_with_their_numbers(case, sentence):
    """What PyTorch refuses is refused in one sentence with the numbers."""
    assert isinstance(eager(case), Refused)
    assert ours(case) == Refused(sentence)
