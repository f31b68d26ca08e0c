"""What operators demand of their operands beside the first: PyTorch refuses each of these calls, and the rule says why."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from oracle_calls import EQUAL, Judge

from whyshape.errors import DoesNotFit
from whyshape.rules import RULES

o = torch.ones
double = lambda *size: o(size, dtype=torch.float64)
whole = lambda *size: torch.zeros(size, dtype=torch.int64)

REFUSED = [
    ("index_add", torch.index_add, (o(3, 4), 0, whole(2), o(2, 5)), "4 places are written on axis 1, 5 arrive"),
    ("index_add", torch.index_add, (o(3, 4), 0, whole(2), o(1, 4)), "2 places are written on axis 0, 1 arrives"),
    ("index_add", torch.index_add, (o(3, 4), 0, whole(2, 2), o(2, 4)), "index is a row of places, 2 axes arrive"),
    ("index_add", torch.index_add, (o(3, 4), 0, o(2), o(2, 4)), "places are whole numbers (int64), float32 arrives"),
    ("index_add", torch.index_add, (o(3, 4), 0, whole(2), double(2, 4)), "float64 numbers meet float32 ones, both must have the same dtype"),
    ("index_copy", torch.index_copy, (o(3, 4), 0, whole(2), o(2)), "a source of 2 axes is wanted, 1 arrives"),
    ("index_copy", torch.index_copy, (o(5), 0, whole(2), o(3)), "2 places are written on axis 0, 3 arrive"),
    ("index_fill", torch.index_fill, (o(3, 4), 0, whole(2), o(1)), "one number is wanted, 1 axis arrives"),
    ("index_put", torch.index_put, (o(3, 4), (whole(2),), o(3, 4)), "a value of 3 places is written into 2"),
    ("index_put", torch.index_put, (o(3, 4), (whole(2),), o(1, 2, 4)), "a value of 3 axes is written into 2"),
    ("put", torch.Tensor.put, (o(3, 4), whole(2), o(3)), "2 places are written, 3 arrive"),
    ("scatter", torch.scatter, (o(3, 4), 0, whole(2, 2), double(2, 2)), "float64 numbers meet float32 ones, both must have the same dtype"),
    ("scatter_add", torch.scatter_add, (o(3, 4), 0, whole(2, 2), o(())), "a source of 2 axes is wanted, 0 arrive"),
    ("select_scatter", torch.select_scatter, (o(3, 4), o(1, 4), 0, 1), "a source of 1 axis is wanted, 2 arrive"),
    ("slice_scatter", torch.slice_scatter, (o(3, 4), o(1, 4), 0, 0, 2), "2 places are written on axis 0, 1 arrives"),
    ("diagonal_scatter", torch.diagonal_scatter, (o(3, 4), o(1)), "3 places are written on axis 0, 1 arrives"),
    ("Tensor.__getitem__", torch.Tensor.__getitem__, (o(3, 4), o(2) > 0), "a mask of 3 places is wanted on axis 0, 2 arrive"),
    ("torch.linalg.pinv", torch.linalg.pinv, (o(3, 4, 5), {"rtol": o(2)}), "3 and 2 cannot be matched cell by cell: axis -1 is 3 and 2"),
    ("linear", F.linear, (o(5, 3), o(4, 3), o(3)), "4 numbers are wanted as bias, 3 arrive"),
    ("linear", F.linear, (o(5, 3), o(4, 3), double(4)), "float64 numbers meet float32 ones, both must have the same dtype"),
    ("linear", F.linear, (o(5, 3), o(2, 4, 3)), "a weight of 2 axes is wanted, 3 arrive"),
    ("conv2d", F.conv2d, (o(1, 3, 5, 5), o(4, 3, 2, 2), double(4)), "float64 numbers meet float32 ones, both must have the same dtype"),
    ("bilinear", F.bilinear, (o(5, 3), o(5, 2), o(4, 3, 2), o(3)), "4 numbers are wanted as bias, 3 arrive"),
    ("layer_norm", F.layer_norm, (o(2, 3), (3,), double(3)), "float64 numbers meet float32 ones, both must have the same dtype"),
    ("batch_norm", F.batch_norm, (o(2, 3), o(3), double(3)), "float32 numbers meet float64 ones, both must have the same dtype"),
    ("group_norm", F.group_norm, (o(2, 3, 4), 3, o(1, 3)), "a row of numbers is wanted, one for each channel; 2 axes arrive"),
    ("embedding", F.embedding, (whole(2), o(0, 3)), "the table has no rows, 2 are asked for"),
    ("masked_fill", torch.masked_fill, (o(2, 2), o(2, 2) > 0, o(2)), "one number is wanted, 1 axis arrives"),
    ("soft_margin_loss", F.soft_margin_loss, (o(3), o(2, 3)), "the target stretched must have the sizes of the input: 1 axis, 2 arrive"),
    ("gaussian_nll_loss", F.gaussian_nll_loss, (o(2, 3), o(2, 3), o(2, 2)), "3 variances are wanted on axis 1, 2 arrive"),
    ("multi_margin_loss", F.multi_margin_loss, (o(2, 3), whole(2), 1, 1.0, o(4)), "3 class weights are wanted, 4 arrive"),
    ("ctc_loss", F.ctc_loss, (o(5, 2, 4), whole(2, 3), (5,), (2, 2)), "2 lengths are wanted, one for each sequence; 1 arrives"),
    ("meshgrid", torch.meshgrid, (o(2, 3), {"indexing": "ij"}), "a row of coordinates is wanted, 2 axes arrive"),
    ("median", torch.median, (o(2, 0), 1), "at least one number is wanted along axis 1, 0 arrive"),
    ("torch.linalg.multi_dot", torch.linalg.multi_dot, ([o(2, 3), o(3), o(3)],), "a matrix is wanted, 1 axis arrives"),
    ("torch.fft.rfft", torch.fft.rfft, (o(0),), "at least one number is wanted along axis 0, 0 arrive"),
]  # fmt: skip

TAKEN = [
    ("index_copy", torch.index_copy, (o(5), 0, whole(1), o(()))),
    ("index_add", torch.index_add, (o(3, 4), 1, whole(2).int(), o(3, 2))),
    ("index_put", torch.index_put, (o(3, 4), (whole(2),), o(()))),
    ("slice_scatter", torch.slice_scatter, (o(3, 4), o(2, 4), 0, 0, 4, 2)),
    ("diagonal_scatter", torch.diagonal_scatter, (o(2, 3, 4), o(4, 2), 0, 0, 1)),
    ("torch.linalg.pinv", torch.linalg.pinv, (o(4, 5), {"rtol": o(2, 3)})),
    ("linear", F.linear, (o(2, 5, 3), o(4, 3), o(1))),
    ("layer_norm", F.layer_norm, (o(2, 3).bfloat16(), (3,), o(3), o(3))),
    ("gaussian_nll_loss", F.gaussian_nll_loss, (o(2, 3, 4), o(2, 3, 4), o(2, 3))),
    ("torch.linalg.multi_dot", torch.linalg.multi_dot, ([o(2), o(2, 3), o(3)],)),
    ("combinations", torch.combinations, (o(4), 0)),
    ("all", torch.all, (o(2, 3), ())),
    ("any", torch.any, (o(2, 3), [], True)),
]


def apart(args):
    """Positional arguments, and keyword arguments where the last is a dict."""
    return (args[:-1], args[-1]) if type(args[-1]) is dict else (args, {})


@pytest.mark.parametrize("name, function, args, sentence", REFUSED, ids=[f"{row[0]} {row[3]}" for row in REFUSED])
def test_refused(name, function, args, sentence):
    """PyTorch refuses, and so does the rule, in one sentence."""
    args, kwargs = apart(args)
    with pytest.raises((RuntimeError, IndexError, ValueError)):
        function(*args, **kwargs)
    with pytest.raises(DoesNotFit) as refused:
        RULES[name].shape(*args, **kwargs)
    assert refused.value.sentence == sentence


@pytest.mark.parametrize("name, function, args", TAKEN, ids=[f"{i} {row[0]}" for i, row in enumerate(TAKEN)])
def test_taken(name, function, args):
    """What is close to a refusal and none, with PyTorch's sizes."""
    args, kwargs = apart(args)
    made = RULES[name].shape(*args, **kwargs)
    assert tuple(getattr(made, "shape", made)) == tuple(function(*args, **kwargs).shape)


def test_projections_apart_leave_the_joint_weight_unread():
    """Speech models hand an empty joint weight to attention whose projections are apart: PyTorch does not look at it."""
    x, w = o(4, 2, 6), o(6, 6)
    settings = {"use_separate_proj_weight": True, "q_proj_weight": w, "k_proj_weight": w, "v_proj_weight": w}
    judge = Judge()
    with judge:
        F.multi_head_attention_forward(x, x, x, 6, 2, o(0), o(18), None, None, False, 0.0, w, o(6), **settings)
    assert [v.word for v in judge.verdicts if v.op == "multi_head_attention_forward"] == [EQUAL]
