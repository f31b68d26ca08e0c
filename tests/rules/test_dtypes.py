"""Promotion of dtypes, every pair against PyTorch's own."""

from __future__ import annotations

import contextlib
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from oracle_calls import EQUAL, Judge

from whyshape.errors import DoesNotFit
from whyshape.rules import RULES, Spec, Unexplained
from whyshape.rules.dtypes import BYTES, ORDER, category, default_is, name_of, promote, result_type

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
ALL = [n for n in BYTES if hasattr(torch, n) and "qint" not in n and "quint" not in n]
NUMBERS = (True, 2, 0.5, 1j)
name = lambda dtype: str(dtype).rpartition(".")[2]


def theirs(a, b):
    """PyTorch's answer as a name, or None where it refuses."""
    try:
        return name(torch.promote_types(a, b))
    except RuntimeError:
        return None


def ours(a, b):
    try:
        return name_of(promote(a, b))
    except Unexplained:
        return None


@pytest.mark.parametrize("left", ALL)
def test_every_pair_meets_as_in_pytorch(left):
    """`promote` equals `torch.promote_types` for all dtypes, refusals included; torch's dtypes and their names mean the same."""
    for right in ALL:
        a, b = getattr(torch, left), getattr(torch, right)
        assert ours(left, right) == theirs(a, b) == ours(a, b), right


@pytest.mark.parametrize("axes", ORDER)
def test_tensors_with_axes_single_numbers_and_python_numbers(axes):
    """`result_type` equals `torch.result_type` whatever the standing of the two operands."""
    many, one = torch.zeros(2, dtype=getattr(torch, axes)), torch.zeros((), dtype=getattr(torch, axes))
    for other in ORDER:
        for shape in ((2,), ()):
            right = torch.zeros(shape, dtype=getattr(torch, other))
            for left in (many, one):
                assert name_of(result_type([left, right])) == name(torch.result_type(left, right)), (left, right)
    for left, number in product((many, one), NUMBERS):
        assert name_of(result_type([left], [number])) == name(torch.result_type(left, number)), (left, number)


@pytest.mark.parametrize("default", ["float16", "bfloat16", "float64"])
def test_another_default_dtype(default):
    """Fractions take the default dtype that is set."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, default))
    try:
        with default_is(default):
            for dtype, number in product(("int64", "bool", "uint8"), NUMBERS):
                left = torch.zeros(2, dtype=getattr(torch, dtype))
                assert name_of(result_type([Spec((2,), dtype)], [number])) == name(torch.result_type(left, number))
    finally:
        torch.set_default_dtype(before)


def test_categories():
    """The category of a dtype says what PyTorch says of it."""
    for n in ALL:
        dtype = getattr(torch, n)
        want = 3 if dtype.is_complex else 2 if dtype.is_floating_point else 0 if dtype is torch.bool else 1
        assert category(n) == want, n
        assert BYTES[n] == torch.zeros((), dtype=dtype).element_size()


MIXED = {
    "conv": lambda a, b: F.conv1d(a, b[:, :, None]), "transposed": lambda a, b: F.conv_transpose1d(a, b[:, :, None]),
    "linear": lambda a, b: F.linear(a, b), "matmul": lambda a, b: a @ b, "mm": lambda a, b: torch.mm(a, b), "bmm": lambda a, b: torch.bmm(a[None], b[None]),
    "addmm": lambda a, b: torch.addmm(a, a, b), "attention": lambda a, b: F.scaled_dot_product_attention(a, b, b), "prelu": lambda a, b: F.prelu(a, b[0]),
    "bilinear": lambda a, b: F.bilinear(a, a, b.new_ones(3, 4, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("left, right", [("float32", "float64"), ("uint8", "float32"), ("float16", "float32"), ("float32", "float32")])
def test_operands_of_two_dtypes(name, left, right):
    """Like is multiplied with like only: refused where PyTorch refuses, and the other way round."""
    a, b = torch.ones(4, 4, dtype=getattr(torch, left)), torch.ones(4, 4, dtype=getattr(torch, right))
    judge = Judge()
    with contextlib.suppress(RuntimeError), judge:
        MIXED[name](a, b)
    assert judge.verdicts and all(v.word == EQUAL for v in judge.verdicts), judge.verdicts


def test_sentence_of_two_dtypes():
    """The sentence names both; under autocast PyTorch decides, and the call is left open."""
    call = Spec((2, 3), "uint8"), Spec((4, 3), "float32")
    with pytest.raises(DoesNotFit, match=r"^uint8 numbers meet float32 ones, both must have the same dtype$"):
        RULES["linear"].shape(*call)
    with torch.autocast("cpu"), pytest.raises(Unexplained):
        RULES["linear"].shape(*call)


@pytest.mark.parametrize("op, more", [("batch_norm", (None, None)), ("layer_norm", ((4,),)), ("softmax", (1,)), ("mean", ())])
def test_whole_numbers(op, more):
    """Norms, softmax and mean want fractions."""
    with pytest.raises(DoesNotFit, match="of whole numbers is not defined"):
        RULES[op].shape(Spec((2, 4), "int64"), *more)
