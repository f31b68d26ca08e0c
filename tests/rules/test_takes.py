"""Every operator in every dtype, run eagerly: what PyTorch refuses the rules refuse, and nothing else; the table of kinds cannot drift."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from itertools import islice

import pytest
import torch
import torch.nn.functional as F
from oracle_calls import ACCEPTED, EQUAL, OPEN, REFUSED, WRONG, Judge, in_a_thread, table, tensors

from whyshape.errors import DoesNotFit
from whyshape.rules import RULES, Spec, Unexplained
from whyshape.rules.takes import TAKES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

DTYPES = [getattr(torch, n) for n in ("bool", "int64", "float16", "complex64")]
MORE = [getattr(torch, n) for n in ("uint8", "bfloat16", "float32", "float64")]

# Where PyTorch's answer hangs on more than dtypes and the rules know of, and why.
KNOWN = {
    REFUSED: {
        """svd torch.linalg.svd torch.linalg.svdvals torch.linalg.det cholesky torch.linalg.cholesky torch.linalg.cholesky_ex pdist cdist
        torch.linalg.lu_solve torch.linalg.solve torch.linalg.solve_ex torch.linalg.lu_factor torch.linalg.lu_factor_ex torch.linalg.lu""":
            "a matrix without elements, of half precision or whole numbers",
        "adaptive_avg_pool1d torch.linalg.solve_triangular mode kthvalue batch_norm bucketize": "without elements, or with a single one, no kernel is asked",
        "conv_transpose1d conv_transpose2d conv2d conv3d instance_norm": "one kernel of several adds a bias, or leaves statistics, of any dtype",
        "max_pool1d_with_indices embedding_bag cosine_embedding_loss poisson_nll_loss multilabel_soft_margin_loss index_reduce": "forms nobody calls",
    },
    ACCEPTED: {
        "Tensor.__rmod__ div floor_divide fmod remainder": "a division by the number zero",
        "Tensor.new_full full_like hardtanh threshold index_fill randint_like addr addmm": "a setting that the dtype cannot hold",
        "norm torch.linalg.matrix_norm": "the nuclear norm of half precision",
        "conv2d conv3d": "whole numbers of one byte, under dilation",
        "rrelu": "float16 in training alone", "stft": "a mask under a window of fractions",
        "multi_head_attention_forward normal ldexp torch.linalg.pinv binary_cross_entropy binary_cross_entropy_with_logits": "the dtype of an operand behind the second",
    },
}  # fmt: skip
SPARED = {word: {op for ops in reasons for op in ops.split()} for word, reasons in KNOWN.items()}


def recast(value, dtype, place, count):
    """The same arguments with the floating-point tensors, or the one at ``place`` alone, of another dtype."""
    if isinstance(value, torch.Tensor):
        here = next(count)
        return value.detach().to(dtype) if here == place or (place is None and value.is_floating_point()) else value
    if type(value) in (list, tuple):
        return type(value)([recast(v, dtype, place, count) for v in value])
    return {k: recast(v, dtype, place, count) for k, v in value.items()} if isinstance(value, dict) else value


@in_a_thread
def judged(dtypes, most, mixed):
    """The verdicts on all operators with their own samples in these dtypes; ``mixed``: one tensor of another dtype than the others too."""
    verdicts = []
    warnings.simplefilter("ignore")
    for op in op_db:
        own = torch.float32 if torch.float32 in op.dtypes else min(op.dtypes, key=str, default=None)
        for sample in islice(op.sample_inputs("cpu", own), 0, 4 * most, 4) if own is not None else ():
            call = (sample.input, sample.args, sample.kwargs)
            many = len(list(tensors(call)))
            if sum(t.numel() for t in tensors(call)) > 5000:
                continue
            for place in [None, *range(many)] if mixed and many > 1 else [None]:
                for dtype in dtypes:
                    first, args, kwargs = recast(call, dtype, place, iter(range(many)))
                    for function in dict.fromkeys([op.op, op.method_variant] if mixed else [op.op]):
                        if function is not None:
                            verdicts += asked(function, first, args, kwargs)
    return verdicts


def asked(function, *call):
    """The verdict on the outermost operator of one call."""
    first, args, kwargs = call
    judge = Judge()
    with warnings.catch_warnings(), contextlib.suppress(Exception), judge:  # the judge has noted whether the rule refuses too
        warnings.simplefilter("ignore")
        function(first, *args, **kwargs)
    return judge.verdicts[:1]


def check(verdicts, least):
    """Nothing different but what is `KNOWN`, and that is rare."""
    found = Counter(v.word for v in verdicts)
    odd = [v for v in verdicts if v.word not in (EQUAL, OPEN) and v.op not in SPARED.get(v.word, ())]
    assert not odd, table(odd)
    assert found[EQUAL] >= least and found[WRONG] == 0
    assert found[EQUAL] >= 0.99 * (len(verdicts) - found[OPEN]), table(verdicts)


def test_every_operator_in_four_dtypes():
    check(judged(DTYPES, 1, False), 1800)


@pytest.mark.full
def test_every_operator_in_eight_dtypes_and_mixed():
    verdicts = judged(DTYPES + MORE, 6, True)
    check(verdicts, 35_000)
    needed = {(v.word, v.op) for v in verdicts}
    assert [op for word, ops in SPARED.items() for op in sorted(ops) if (word, op) not in needed] == []


CALLS = {
    "rand": lambda dtype: torch.rand(2, dtype=dtype), "randn": lambda dtype: torch.randn(2, dtype=dtype),
    "zeros": lambda dtype: torch.zeros(2, dtype=dtype), "randint": lambda dtype: torch.randint(1, (2,), dtype=dtype),
    "fft without elements": lambda dtype: torch.erf(torch.zeros(0, 2, dtype=dtype)),
    "a product without elements": lambda dtype: torch.zeros(0, 3).to(dtype) @ torch.zeros(3, 2).to(dtype),
    "einsum place by place": lambda dtype: torch.einsum("ij,ij->ij", torch.ones(2, 3).to(dtype), torch.ones(2, 3)),
    "einsum": lambda dtype: torch.einsum("ij,jk->ik", torch.ones(2, 3).to(dtype), torch.ones(3, 2).to(dtype)),
    "einsum of two dtypes": lambda dtype: torch.einsum("ij,jk->ik", torch.ones(2, 3), torch.ones(3, 2).to(dtype)),
    "tensordot": lambda dtype: torch.tensordot(torch.ones(2, 3).to(dtype), torch.ones(3, 2).to(dtype), 1),
    "cdist": lambda dtype: torch.cdist(torch.ones(2, 3), torch.ones(2, 3).to(dtype)),
    "linear": lambda dtype: F.linear(torch.ones(2, 3).to(dtype), torch.ones(2, 3).to(dtype)),
    "conv2d": lambda dtype: F.conv2d(torch.ones(1, 2, 4, 4).to(dtype), torch.ones(2, 2, 3, 3).to(dtype)),
    "round to decimals": lambda dtype: torch.ones(3).to(dtype).round(decimals=1),
    "one bound": lambda dtype: torch.clamp(torch.ones(3).to(dtype), max=torch.ones(3).to(dtype)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_settings_that_decide(name):
    """Refused, or of the dtype, as eager PyTorch says."""
    for dtype in DTYPES + MORE:
        (verdict,) = asked(lambda _, dtype=dtype: CALLS[name](dtype), None, (), {})
        assert verdict.word == EQUAL, verdict


@pytest.mark.parametrize("room, value", [((2, 3), (3,)), ((2, 3), (2, 1)), ((3,), (1, 3)), ((2, 3), (3, 2)), ((), (1,)), ((1,), ())])
def test_copied_over(room, value):
    """What is copied is stretched, and nothing else."""
    (verdict,) = asked(torch.Tensor.copy_, torch.zeros(room), (torch.zeros(value),), {})
    assert verdict.word == EQUAL, verdict


@pytest.mark.parametrize("op, args, sentence", [
    ("erf", (Spec((2,), "complex64"),), "erf of complex numbers is not defined: a floating point dtype is wanted, complex64 arrives"),
    ("torch.fft.fft", (Spec((2,), "float16"),), "fft of float16 numbers is not defined: float32 is wanted, float16 arrives"),
    ("conv1d", (Spec((1, 2, 4), "bool"), Spec((2, 2, 3), "bool")),
     "conv1d of true and false is not defined: a floating point dtype is wanted, bool arrives"),
    ("cdist", (Spec((2, 3)), Spec((2, 3), "float64")), "float32 numbers meet float64 ones, both must have the same dtype"),
])  # fmt: skip
def test_sentences(op, args, sentence):
    """The operator, the kind of number, a dtype that would do."""
    with pytest.raises(DoesNotFit) as refused:
        RULES[op].shape(*args)
    assert refused.value.sentence == sentence


def test_every_name_has_a_rule_that_asks():
    """The table names operators that are there; the rule keeps its signature, its family and its other answers."""
    for name in TAKES:
        rule = RULES[name]
        assert rule.shape.what and rule.words() == rule.__mro__[1].words() and rule.__module__ == rule.__mro__[1].__module__


def test_autocast_decides_first():
    """What autocast casts before the operator sees it is left open."""
    call = Spec((1, 2, 4, 4, 4), "bfloat16"), 2
    with pytest.raises(DoesNotFit):
        RULES["avg_pool3d"].shape(*call)
    with torch.autocast("cpu"), pytest.raises(Unexplained):
        RULES["avg_pool3d"].shape(*call)
