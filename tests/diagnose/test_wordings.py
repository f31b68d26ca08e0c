"""The commonest shape errors in the words of PyTorch today, of older versions, of the graphics card, of meta tensors, of Python and of Keras."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyshape.analyses.diagnose.message import read_message
from whyshape.analyses.diagnose.reading import read

zeros = torch.zeros
whole = lambda *shape: torch.zeros(shape, dtype=torch.long)
meta = lambda *shape: torch.zeros(*shape, device="meta")
# What PyTorch of today says: (a call that fails, what is wanted, what arrives); the kind is the first word of the name.
SAID = {
    "several: a pair": (lambda: nn.Linear(3, 2)(nn.LSTM(3, 3)(zeros(2, 3))), "Tensor", "tuple"),
    "several: asked for its mean": (lambda: nn.LSTM(3, 3)(zeros(2, 3)).mean(1), "Tensor", "tuple"),
    "dtype: fractions as rows": (lambda: F.embedding(zeros(4), zeros(5, 2)), "int64", "float32"),
    "dtype: whole numbers into a layer": (lambda: nn.Linear(3, 2)(whole(4, 3)), "float32", "int64"),
    "dtype: pixels as bytes": (lambda: nn.Conv2d(3, 2, 1)(zeros(1, 3, 4, 4, dtype=torch.uint8)), "float32", "uint8"),
    "dtype: doubles of numpy": (lambda: nn.Linear(3, 2)(zeros(4, 3, dtype=torch.double)), "float32", "float64"),
    "one_hot": (lambda: F.cross_entropy(zeros(4, 3), whole(4, 3)), "float32", "int64"),
    "into: a larger result": (lambda: zeros(1, 4).add_(zeros(3, 4)), [1, 4], [3, 4]),
    "into: expand": (lambda: zeros(5).expand(2, 20), 20, 5),
    "into: meta": (lambda: meta(5).add_(meta(8, 5)), [5], [8, 5]),
    "linear: meta": (lambda: meta(16, 500) @ meta(320, 50), 320, 500),
    "ranks: cat": (lambda: torch.cat([zeros(4, 3), zeros(4)], 1), 2, 1),
    "ranks: gather": (lambda: zeros(4, 3).gather(1, whole(4)), None, None),
    "lies": (lambda: zeros(4, 5).t().view(-1), None, None),
    "split": (lambda: zeros(2, 12).split([4, 4], 1), 12, 8),
    "view: unflatten": (lambda: nn.Unflatten(1, (128, 8, 8))(zeros(2, 6272)), 8192, 6272),
    "letters": (lambda: torch.einsum("bhid,bhjd->bhij", zeros(2, 7, 16), zeros(2, 7, 16)), 4, 3),
    "broadcast: einsum": (lambda: torch.einsum("ij,jk->ik", zeros(2, 7), zeros(16, 3)), 7, 16),
    "bmm": (lambda: torch.bmm(zeros(4, 2, 3), zeros(4, 5, 6)), [4, 3], [4, 5]),
    "bmm: numbers of matrices": (lambda: torch.bmm(zeros(4, 2, 3), zeros(5, 3, 6)), [4, 3], [5, 3]),
    "channels: transposed": (lambda: nn.ConvTranspose2d(100, 64, 4)(zeros(1, 64, 2, 2)), 100, 64),
    "rank: lstm": (lambda: nn.LSTM(3, 3)(zeros(2, 2, 2, 3)), "2D or 3D", 4),
    "rank: cell": (lambda: nn.GRUCell(3, 3)(zeros(2, 2, 3)), "1D or 2D", 3),
    "rank: attention": (lambda: nn.MultiheadAttention(4, 2)(*[zeros(2, 2, 2, 4)] * 3), 2, 4),
    "rank: bilinear": (lambda: F.interpolate(zeros(2, 3, 4), size=(8, 8), mode="bilinear"), 4, 3),
    "rank: pool": (lambda: F.max_pool2d(zeros(2, 3), 2), "3D or 4D", None),
    "mask: of attention": (lambda: nn.MultiheadAttention(4, 2)(*[zeros(5, 2, 4)] * 3, attn_mask=zeros(2, 2)), [5, 5], [2, 2]),
    "mask: padding": (lambda: nn.MultiheadAttention(4, 2)(*[zeros(5, 2, 4)] * 3, key_padding_mask=zeros(5, 2).bool()), 2, 5),
    "features: embedding of attention": (lambda: nn.MultiheadAttention(4, 2)(*[zeros(5, 2, 6)] * 3), 4, 6),
    "features: lstm": (lambda: nn.LSTM(3, 3)(zeros(2, 2, 5)), 3, 5),
    "features: prelu": (lambda: nn.PReLU(16)(zeros(2, 24, 4, 4)), 16, 24),
    "features: group norm": (lambda: F.group_norm(zeros(2, 24, 4, 4), 4, zeros(16), zeros(16)), 16, 24),
    "divides: group norm": (lambda: F.group_norm(zeros(2, 48, 4, 4), 32), 32, 48),
    "divides: pixel shuffle": (lambda: nn.PixelShuffle(3)(zeros(1, 32, 4, 4)), 9, 32),
    "window: pool": (lambda: nn.MaxPool2d(2)(zeros(1, 512, 1, 1)), 1, 0),
    "window: adaptive": (lambda: F.interpolate(zeros(1, 1, 1, 1), scale_factor=0.3, mode="bilinear"), 1, 0),
    "spatial": (lambda: F.nll_loss(zeros(2, 5, 4, 4), whole(2, 8, 8)), [2, 8, 8], [2, 5, 4, 4]),
    "target_same": (lambda: F.binary_cross_entropy(zeros(4, 1), zeros(4)), [4, 1], [4]),
    "target_rank: masks": (lambda: F.nll_loss(zeros(2, 5, 4, 4), whole(2, 1, 4, 4)), 3, 4),
    "lengths": (lambda: F.ctc_loss(zeros(4, 30, 5), whole(4, 8), whole(4) + 30, whole(4) + 8), None, None),
    "index: of an axis": (lambda: zeros(3)[torch.tensor([5])], 3, 5),
    "indices": (lambda: zeros(3, 2)[:, -1, :], None, 2),
    "axis": (lambda: zeros(3).softmax(1), None, 1),
    "permute": (lambda: zeros(3, 4).permute(0, 2, 1), 3, 2),
    "unpack: too few": (lambda: (lambda a, b, c, d: 0)(*unpacked(zeros(2, 3, 4))), 4, 3),
    "unpack: too many": (lambda: unpacked(zeros(2, 3, 4, 5, 6)), 4, None),
    "state: rank": (lambda: nn.GRU(3, 4)(zeros(5, 3), zeros(1, 5, 4)), 2, 3),
}  # fmt: skip


def unpacked(x):
    b, c, h, w = x.shape
    return b, c, h, w


@pytest.mark.parametrize("name", SAID)
def test_what_pytorch_says_today(name):
    """The message of this PyTorch is recognised, with what was wanted and what arrived, and told in sentences."""
    call, wanted, arrived = SAID[name]
    with pytest.raises((RuntimeError, ValueError, IndexError, AssertionError, TypeError, AttributeError)) as caught:
        call()
    found = read(str(caught.value))
    assert found is not None, str(caught.value)
    assert (found.kind, found.wanted, found.arrived) == (name.partition(":")[0], wanted, arrived), str(caught.value)
    assert all(read_message(str(caught.value)).sentences)


OTHER = [
    ("size mismatch, m1: [2 x 64], m2: [18496 x 256] at C:/w/1/s/tmp/aten/src\\THC/generic/THCTensorMathBlas.cu:273", "linear", 18496, 64),
    ("a and b must have same reduction dim, but got [16, 5120] X [2048, 5120].", "linear", 2048, 5120),
    ("a and b must have same reduction dim, but got [s77, s0*s53] X [784, 128].", "linear", None, None),
    ("size mismatch, got input (4), mat (4x3), vec (5)", "linear", None, None),
    ("invalid argument 0: Sizes of tensors must match except in dimension 1. Got 26 and 27 in dimension 3 at /pytorch/aten/src/THC/generic/THCTensorMath.cu:71", "cat", 26, 27),
    ("torch.cat(): Sizes of tensors must match except in dimension 1. Got 44 and 43 in dimension 2 (The offending index is 1)", "cat", 44, 43),
    ("invalid argument 0: Tensors must have same number of dimensions: got 4 and 3 at /pytorch/aten/src/TH/generic/THTensor.cpp:680", "ranks", 4, 3),
    ("invalid argument 2: size '[-1 x 320]' is invalid for input with 8000 elements at ..\\src\\TH\\THStorage.c:41", "view", 320, 8000),
    ("Attempting to broadcast a dimension of length 5 at -1! Mismatching argument at index 1 had torch.Size([5]); but expected shape should be broadcastable to [8, 20]",
     "into", None, 5),
    ("Cannot view a tensor with shape torch.Size([4, 5]) and strides (1, 4) as a tensor with shape (20,)!", "lies", None, None),
    ("Expected tensor to have size 30 at dimension 1, but got size 20 for argument #2 'batch2' (while checking arguments for bmm)", "bmm", 30, 20),
    ("Given transposed=1, weight of size 100 64 4 4, expected input[64, 64, 2, 2] to have 100 channels, but got 64 channels instead", "channels", 100, 64),
    ("Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't greater than actual input size at /pytorch/x.cpp:50", "window", 3, 2),
    ("Given input size: (512x1x1). Calculated output size: (512x0x0). Output size is too small at /pytorch/aten/src/THCUNN/generic/SpatialDilatedMaxPooling.cu:69",
     "window", 1, 0),
    ("Expected hidden[0] size (1, 128, 302), got (1, 40, 302)", "state", [1, 128, 302], [1, 40, 302]),
    ("Expected hidden size (2, 4, 16), got [1, 4, 16]", "state", [2, 4, 16], [1, 4, 16]),
    ("expecting key_padding_mask shape of (2, 5), but got torch.Size([5, 2])", "mask", [2, 5], [5, 2]),
    ("input must have 3 dimensions, got 2", "rank", 3, 2),
    ("input has inconsistent input_size: got 8, expected 10", "features", 10, 8),
    ("multi-target not supported at /pytorch/aten/src/THCUNN/generic/ClassNLLCriterion.cu:15", "target_rank", 1, None),
    ("only batches of spatial targets supported (non-empty 3D tensors) but got targets of size: : [1, 3, 64, 64]", "target_rank", 3, 4),
    ("Target and input must have the same number of elements. target nelement (16) != input nelement (32)", "target_same", [32], [16]),
    ("Using a target size (torch.Size([16])) that is different to the input size (torch.Size([16, 1])). This will likely lead to incorrect results due to broadcasting.",
     "target_same", [16, 1], [16]),
    ("index out of range: Tried to access index 120 out of table with 99 rows. at /pytorch/aten/src/TH/generic/THTensorEvenMoreMath.cpp:237", "index", 100, 120),
    ("../aten/src/ATen/native/cuda/Indexing.cu:1239: indexSelectSmallIndex: block: [0,0,0], thread: [0,0,0] Assertion `srcIndex < srcSelectDimSize` failed.",
     "assert", None, None),
    ("../aten/src/ATen/native/cuda/Loss.cu:250: nll_loss_forward_reduce_cuda_kernel_2d: Assertion `t >= 0 && t < n_classes` failed.", "assert", None, None),
    ("Expected object of scalar type Long but got scalar type Float for argument #2 'target'", "dtype", "int64", "float32"),
    ("expected scalar type Long but found Float", "dtype", "int64", "float32"),
    ("Input type (torch.cuda.ByteTensor) and weight type (torch.cuda.FloatTensor) should be the same", "dtype", "float32", "uint8"),
    ("mat1 and mat2 must have the same dtype, but got Half and Float", "dtype", "float32", "float16"),
    ("expected m1 and m2 to have the same dtype, but got: double != float", "dtype", "float32", "float64"),
    ("too many values to unpack (expected 4)", "unpack", 4, None),
    ("'collections.OrderedDict' object has no attribute 'size'", "several", "Tensor", "collections.OrderedDict"),
    ("cross_entropy_loss(): argument 'input' (position 1) must be Tensor, not InceptionOutputs", "several", "Tensor", "InceptionOutputs"),
    ('Input 0 of layer "dense" is incompatible with the layer: expected axis -1 of input shape to have value 320, but received input with shape (None, 500)', "features", 320, 500),
    ('Input 0 of layer "conv2d" is incompatible with the layer: expected min_ndim=4, found ndim=3. Full shape received: (28, 28, 1)', "rank", 4, 3),
]  # fmt: skip


@pytest.mark.parametrize("text, kind, wanted, arrived", OTHER, ids=[f"{o[1]}: {o[0][:40]}" for o in OTHER])
def test_other_versions_and_devices(text, kind, wanted, arrived):
    """What older versions, the graphics card, compiled models, Python and Keras say is read the same, and told."""
    found = read(text)
    assert found is not None
    assert (found.kind, found.wanted, found.arrived) == (kind, wanted, arrived)
    assert all(read_message(text).sentences)
