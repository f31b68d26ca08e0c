"""True and false, whole numbers, fractions, complex numbers: which an operator takes, and what it makes of them, is eager PyTorch's."""

from __future__ import annotations

import contextlib
import warnings

import pytest
import torch
import torch.nn.functional as F
from oracle_calls import EQUAL, Judge

from whyshape.errors import DoesNotFit
from whyshape.rules import RULES, Spec
from whyshape.rules.dtypes import KINDS, kinds

words = str.split
DTYPES = {n: getattr(torch, n) for n in words("bool uint8 int64 bfloat16 float32 complex64")}


def alone(f, *sizes, **settings):
    """A call with one tensor of these sizes."""
    return lambda dtype: f(torch.ones(sizes).to(dtype), **settings)


def twice(f, *sizes, **settings):
    """A call with two tensors of these sizes."""
    return lambda dtype: f(torch.ones(sizes).to(dtype), torch.ones(sizes).to(dtype), **settings)


CALLS = {
    **{name: alone(getattr(torch, name), 2, 3) for name in words("""round floor ceil trunc frac sign abs positive bitwise_not neg relu sigmoid
        max min amax amin argmax argmin median mode sort argsort msort aminmax nanmedian logsumexp std var mean sum prod
        any""")},
    **{name: alone(getattr(torch, name), 2, 3, dim=0) for name in words("cummax cummin logcumsumexp cumsum cumprod")},
    **{f"F.{name}": alone(getattr(F, name), 2, 3) for name in words("""relu relu6 silu mish gelu elu selu celu leaky_relu hardswish
        hardsigmoid hardshrink softplus softshrink logsigmoid softsign tanhshrink rrelu dropout alpha_dropout normalize""")},
    **{f"F.{name}": alone(getattr(F, name), 2, 4, dim=1) for name in ("softmax", "log_softmax", "softmin", "gumbel_softmax", "glu")},
    **{f"F.dropout{n}d": alone(getattr(F, f"dropout{n}d"), 1, 2, *[4] * n) for n in (1, 2, 3)},
    **{f"evaluated {name}": alone(getattr(F, name), 2, 3, 4, training=False) for name in ("dropout", "dropout1d")},
    **{f"F.max_pool{n}d": alone(getattr(F, f"max_pool{n}d"), 1, 2, *[4] * n, kernel_size=2) for n in (1, 2, 3)},
    **{f"F.avg_pool{n}d": alone(getattr(F, f"avg_pool{n}d"), 1, 2, *[4] * n, kernel_size=2) for n in (1, 2)},
    **{f"F.lp_pool{n}d": alone(getattr(F, f"lp_pool{n}d"), 1, 2, *[4] * n, norm_type=2.0, kernel_size=2) for n in (1, 2)},
    **{f"F.adaptive_{kind}_pool2d to {o}": alone(getattr(F, f"adaptive_{kind}_pool2d"), 1, 2, 4, 4, output_size=o)
       for kind in ("avg", "max") for o in (1, 2)},
    **{f"pad {mode}": alone(F.pad, 1, 2, 4, 4, pad=(1, 1, 1, 1), mode=mode) for mode in ("constant", "reflect", "replicate", "circular")},
    **{f"resize {mode}": alone(F.interpolate, 1, 2, 4, 4, scale_factor=2, mode=mode)
       for mode in ("nearest", "nearest-exact", "area", "bilinear", "bicubic")},
    "layer_norm": alone(F.layer_norm, 2, 3, normalized_shape=(3,)), "group_norm": alone(F.group_norm, 2, 4, num_groups=2),
    "rms_norm": alone(F.rms_norm, 2, 3, normalized_shape=(3,)), "unfold": alone(F.unfold, 1, 2, 4, 4, kernel_size=2),
    "instance_norm": alone(F.instance_norm, 1, 2, 4), "quantile": alone(torch.quantile, 3, q=0.5), "histc": alone(torch.histc, 3),
    "topk": alone(torch.topk, 3, k=1), "kthvalue": alone(torch.kthvalue, 3, k=1), "rand_like": alone(torch.rand_like, 3),
    "new_tensor": alone(torch.Tensor.new_tensor, 3, data=[1, 2]), "uniform_": alone(torch.Tensor.uniform_, 3),
    **{name: twice(getattr(torch, name), 2, 2) for name in words("""add sub mul div maximum minimum fmax fmin remainder fmod floor_divide gcd lcm
        hypot bitwise_and bitwise_or bitwise_xor bitwise_left_shift pow logaddexp eq ne lt le gt ge logical_and nextafter dist rsub matmul
        mm""")},
    **{f"linalg.{name}": alone(getattr(torch.linalg, name), 2, 2) for name in words("det qr svd eigh pinv svdvals slogdet")},
    "bmm": twice(torch.bmm, 2, 2, 2), "dot": twice(torch.dot, 2), "inner": twice(torch.inner, 2), "cosine": twice(F.cosine_similarity, 2, 3),
    "lerp": twice(torch.lerp, 2, weight=0.5), "grid_sample": twice(F.grid_sample, 1, 2, 2, 2, align_corners=False),
    "attention": lambda dtype: F.scaled_dot_product_attention(*[torch.ones(2, 3, 4).to(dtype)] * 3),
    "addcdiv": lambda dtype: torch.addcdiv(*[torch.ones(3).to(dtype)] * 3),
    "addcmul": lambda dtype: torch.addcmul(*[torch.ones(3).to(dtype)] * 3),
    "1 - x": alone(torch.Tensor.__rsub__, 3, other=1), "x - True": alone(torch.Tensor.sub, 3, other=True), "~x": alone(torch.Tensor.__invert__, 3),
    "where": lambda dtype: torch.where(torch.ones(3).to(dtype), 1.0, 2.0), "x[i]": lambda dtype: torch.ones(2)[torch.ones(1).to(dtype)],
    "embedding_bag": lambda dtype: F.embedding_bag(torch.zeros(1, 2, dtype=torch.int64), torch.ones(3, 3).to(dtype)),
    **{f"{name} {reduction}": twice(getattr(F, name), 2, 3, reduction=reduction) for reduction in ("mean", "sum", "none") for name in words("""mse_loss
        l1_loss smooth_l1_loss huber_loss kl_div binary_cross_entropy binary_cross_entropy_with_logits soft_margin_loss hinge_embedding_loss
        multilabel_soft_margin_loss""")},
    "cross_entropy": lambda dtype: F.cross_entropy(torch.ones(2, 3).to(dtype), torch.zeros(2, dtype=torch.int64)),
    "cross_entropy of shares": lambda dtype: F.cross_entropy(torch.ones(2, 3).to(dtype), torch.ones(2, 3), reduction="none"),
    "nll_loss": lambda dtype: F.nll_loss(torch.ones(2, 3).to(dtype), torch.zeros(2, dtype=torch.int64)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_each_kind_of_number(name):
    """Refused where PyTorch's CPU refuses it, and of PyTorch's dtype where it does not."""
    judge = Judge()
    for dtype in DTYPES.values():
        with warnings.catch_warnings(), contextlib.suppress(RuntimeError, TypeError, IndexError), judge:
            warnings.simplefilter("ignore")
            CALLS[name](dtype)
    odd = [v for v in judge.verdicts if v.word not in (EQUAL, "left open")]
    assert not odd, odd
    assert sum(v.word == EQUAL for v in judge.verdicts) >= 5


TWO = {
    "dot": (torch.dot, (2,), (2,)), "mv": (torch.mv, (2, 2), (2,)), "inner": (torch.inner, (2,), (2,)),
    "addmv": (lambda a, b: torch.addmv(a[0], a, b), (2, 2), (2,)), "addmv onto": (lambda a, b: torch.addmv(b, a, a[0]), (2, 2), (2,)),
    "baddbmm": (lambda a, b: torch.baddbmm(b, a, a), (1, 2, 2), (1, 2, 2)), "addbmm": (lambda a, b: torch.addbmm(b[0], a, a), (1, 2, 2), (1, 2, 2)),
    "transposed bias": (lambda a, b: F.conv_transpose1d(b, b, a), (2,), (2, 2, 3)), "meshgrid": (torch.meshgrid, (2,), (3,)),
    "grid_sample": (lambda a, b: F.grid_sample(a, b, align_corners=False), (1, 1, 2, 2), (1, 2, 2, 2)),
    "bce": (F.binary_cross_entropy, (2,), (2,)), "lerp": (lambda a, b: torch.lerp(a, b, 0.5), (2,), (2,)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
@pytest.mark.parametrize("name", TWO)
def test_two_dtypes_that_do_not_meet(name):
    """float32 beside float64 is refused as PyTorch refuses it; float64 beside float64 is not."""
    f, a, b = TWO[name]
    for other, fits in ((torch.float64, True), (torch.float32, False)):
        judge = Judge()
        with contextlib.suppress(RuntimeError), judge:
            f(torch.zeros(a, dtype=torch.float64), torch.zeros(b, dtype=other))
            assert fits
        assert judge.verdicts[-1].word == EQUAL, judge.verdicts


SIZES = {
    "a reshape to -2": lambda: torch.zeros(0, 3).reshape(-2, 0), "an axis cut into none": lambda: torch.zeros(1, 1).unflatten(0, ()),
    "a piece of -1": lambda: torch.split(torch.zeros(1, 4), [2, -1]), "two shifts of no axis": lambda: torch.roll(torch.zeros(3), (1, 2)),
    "a number repeated": lambda: torch.repeat_interleave(torch.zeros(()), 2, dim=0),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_sizes_found_by_random_calls(name):
    """Calls that a comparison over random arguments found answered otherwise than PyTorch answers them."""
    judge = Judge()
    with contextlib.suppress(RuntimeError, IndexError), judge:
        SIZES[name]()
    assert len(judge.verdicts) == 2 and all(v.word == EQUAL for v in judge.verdicts), judge.verdicts


@pytest.mark.parametrize("op, args, sentence", [
    ("gelu", (Spec((2,), "int64"),),
     "an activation of whole numbers is not defined: a floating point dtype is wanted, int64 arrives"),
    ("bitwise_and", (Spec((2,), "float32"), Spec((2,), "float32")),
     "& | or ^ of fractions is not defined: a dtype of whole numbers is wanted, float32 arrives"),
    ("rsub", (Spec((2,), "bool"), 1), "minus is not defined with true and false: a mask is turned round with ~, not with 1 - mask"),
    ("interpolate", (Spec((1, 1, 4, 4), "int64"), 8),
     "nearest resizing of whole numbers is not defined: a floating point dtype is wanted, int64 arrives"),
    ("torch.linalg.inv", (Spec((2, 2), "float16"),), "linear algebra takes float32, float64 and complex numbers; float16 arrives"),
    ("where", (Spec((2,), "float32"), 1.0, 2.0), "a condition of true and false is wanted, float32 arrives"),
    ("lt", (Spec((2,), "complex64"), 1), "an order of complex numbers is not defined: a floating point dtype is wanted, complex64 arrives"),
])  # fmt: skip
def test_sentences(op, args, sentence):
    """The refusal names the kind of number and a dtype that would do."""
    with pytest.raises(DoesNotFit) as refused:
        RULES[op].shape(*args)
    assert refused.value.sentence == sentence


def test_kinds_are_those_of_the_categories():
    """Every kind is taken by itself, and refused by the one beside it."""
    for i, name in enumerate(("bool", "int32", "float16", "complex64")):
        kinds(name, i, i, "this")
        with pytest.raises(DoesNotFit, match=f"^this of {KINDS[i]} is not defined"):
            kinds(name, (i + 1) % 4, (i + 1) % 4, "this")
