"""Every rule against PyTorch's own samples of its operators (`OpInfo`), on the CPU: sizes, dtypes, and what is refused."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from itertools import islice

import pytest
import torch
from oracle_calls import ACCEPTED, EQUAL, OPEN, REFUSED, STUMBLED, WRONG, Judge, in_a_thread, table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

DTYPES = (torch.float32, torch.int64, torch.bool, torch.complex64, torch.uint8, torch.bfloat16)

# Where PyTorch and a rule may differ on these samples, and why. (operator, verdict) -> reason.
KNOWN = {
    ("addbmm", REFUSED): "addbmm_ alone among in-place products grows a tensor of one number",
    ("abs", ACCEPTED): "abs_ refuses complex tensors although abs does not",
    ("float_power", ACCEPTED): "float_power_ wants float64 in place although every float could hold the result",
}

# Refusals of PyTorch that are not about sizes or dtypes: a rule does not know values, memory or settings that change no size.
NOT_SIZES = {
    r"memory location|out tensor|argument 'out'|Long tensor out|out's dtype|step must be nonzero|storage of size": "out= or memory",
    r"index \d+ is out of bounds|probabilit|weights cannot be negative|same device": "the values inside a tensor, or where it lies",
    r"(cauchy|exponential|geometric|log_normal|uniform)_ expects|normal expects|lambda must|approximate arg|[ra]tol must|Lower bou|min_v":
        "a setting that changes no size",
    r"physical_layout|Duplicate dim|negative dims|n_sample <= 0|cannot exceed 2|without overflow": "a setting that changes no size",
    r"up to 64 dims": "more than 64 axes",
    r"start must be an 0-dim integral": "the dtype of an operand beside the first",
    r"at least 2 dimensions|tensor has no dimensions|has no attri": "forms nobody calls",
}  # fmt: skip


@in_a_thread
def judged(ops, dtypes, most, variants):
    """The verdicts on the samples of these operators."""
    judge = Judge()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for op in ops:
            functions = [op.op]
            if variants:
                functions += [f for f in (op.method_variant, op.inplace_variant, op.operator_variant) if f]
            for dtype in [d for d in dtypes if d in op.dtypes] or list(op.dtypes)[:1]:
                for sample in islice(op.sample_inputs("cpu", dtype), most):
                    for function in functions:
                        try:
                            with judge:
                                function(sample.input, *sample.args, **sample.kwargs)
                        except Exception:
                            continue  # refused by PyTorch: the judge, who never raises, has noted whether the rule refuses too
    return judge.verdicts


def check(verdicts, least):
    """At least so many comparisons, 99 % equal, nothing different but what is `KNOWN`."""
    found = Counter(v.word for v in verdicts)
    odd = [v for v in verdicts if v.word not in (EQUAL, OPEN) and (v.op, v.word) not in KNOWN]
    assert not odd, table(odd)
    assert found[EQUAL] >= least and found[WRONG] == 0
    assert found[EQUAL] >= 0.99 * len(verdicts), table(verdicts)


def test_samples():
    """A few samples of every operator: 0 wrong, at least 99 % equal."""
    check(judged(op_db, DTYPES[:1], 3, variants=False), 2000)


@pytest.mark.full
def test_samples_in_full():
    """All forms of every operator, in six dtypes: 0 wrong, at least 99 % equal."""
    check(judged(op_db, DTYPES, 60, variants=True), 50_000)


@in_a_thread
def judged_errors(ops):
    """The verdicts on the calls that PyTorch names as errors."""
    judge = Judge()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for op in ops:
            for error in op.error_inputs("cpu") if op.error_inputs_func else ():
                sample = error.sample_input
                try:
                    with judge:
                        op.op(sample.input, *sample.args, **sample.kwargs)
                except Exception:
                    continue  # PyTorch's refusal, as above
    return judge.verdicts


def test_refusals():
    """What PyTorch names as errors of its operators is refused here too, unless it is not about sizes."""
    verdicts = judged_errors(op_db)
    late = [v for v in verdicts if v.word == ACCEPTED and not any(re.search(p, str(v.torch)) for p in NOT_SIZES)]
    assert not late, table(late)
    assert sum(v.word == EQUAL for v in verdicts) >= 250
    assert not any(v.word in (WRONG, REFUSED, STUMBLED) for v in verdicts), table(verdicts)
