"""A tensor and a number, of every kind of either: shape and dtype are eager PyTorch's."""

from __future__ import annotations

import pytest
import torch

from whyshape.rules import RULES, Made

OPERATORS = ("add", "mul", "sub", "div", "pow", "gt", "eq", "remainder", "rsub", "floor_divide")
DTYPES = (torch.bool, torch.int64, torch.float16, torch.float32, torch.complex64)


@pytest.mark.filterwarnings("ignore:ComplexHalf support")
@pytest.mark.parametrize("name", OPERATORS)
def test_a_number_beside_a_tensor(name):
    compared = 0
    for dtype in DTYPES:
        for number in (True, 2, 2.5, 1j):
            x = torch.ones(2, 3, dtype=dtype)
            try:
                wanted = getattr(torch, name)(x, number)
            except (RuntimeError, NotImplementedError):
                continue
            made = RULES[name].shape(x, number)
            shape, told = made if isinstance(made, Made) else (made, None)
            told = x.dtype if told is None else getattr(torch, told) if isinstance(told, str) else told
            assert (tuple(shape), told) == (tuple(wanted.shape), wanted.dtype), (dtype, number)
            compared += 1
    assert compared >= 6
