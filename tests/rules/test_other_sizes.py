"""Every rule with operands of sizes that no sample has: it refuses what PyTorch refuses, and it never stumbles."""

from __future__ import annotations

import os
import pickle
import random
import warnings
from collections import Counter
from itertools import islice

import pytest
import torch
from oracle_calls import EQUAL, OPEN, STUMBLED, WRONG, Judge, Verdict, table
from test_opinfo import in_a_thread, op_db

SIZES = ((), (0,), (1,), (3,), (2, 3), (0, 3), (4, 2, 3), (1, 2, 3, 4), (2, 1, 3, 2, 2))


def resized(value, rng):
    """The arguments with about half of their tensors in other sizes, full of zeros: a place that is there, wherever one is."""
    if isinstance(value, torch.Tensor):
        return torch.zeros(rng.choice(SIZES), dtype=value.dtype) if rng.random() < 0.5 else value
    if type(value) in (tuple, list):
        return type(value)(resized(v, rng) for v in value)
    return {k: resized(v, rng) for k, v in value.items()} if type(value) is dict else value


@in_a_thread
def judged(op, rng, most, times) -> list[Verdict]:
    """The verdicts on samples of one operator with other sizes: most fit no longer."""
    judge = Judge()
    dtype = torch.float32 if torch.float32 in op.dtypes else next(iter(op.dtypes), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in islice(op.sample_inputs("cpu", dtype), most) if dtype else ():
            for _ in range(times):
                call, args, kwargs = resized((sample.input, tuple(sample.args), dict(sample.kwargs)), rng)
                try:
                    with judge:
                        op.op(call, *args, **kwargs)
                except Exception:
                    continue  # refused by PyTorch: the judge, who never raises, has noted whether the rule refuses too
    return judge.verdicts


def apart(ops, seed, *question) -> list[Verdict] | None:
    """The same of some operators in a process of their own: where sizes do not fit, a few operators of PyTorch crash. None where one of these did."""
    ours, theirs = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of forks beside threads
        child = os.fork()
    if child == 0:
        os.close(ours)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            made = pickle.dumps([Verdict(*map(str, v)) for op in ops for v in judged(op, random.Random(f"{seed} {op.name}"), *question)])
            with os.fdopen(theirs, "wb") as pipe:
                pipe.write(made)
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        made = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(made) if made else None


def check(ops, together, seed, most, times, least):
    """No rule stumbles, none is wrong, 99 % are as PyTorch says, and PyTorch crashes on less than 2 % of its operators."""
    Judge()  # the table of functions, once for all
    told = [apart(ops[i : i + together], seed, most, times) for i in range(0, len(ops), together)]
    verdicts = [v for some in told if some is not None for v in some]
    found = Counter(v.word for v in verdicts)
    assert told.count(None) < 0.02 * len(told) + 1
    assert found[STUMBLED] == found[WRONG] == 0, table([v for v in verdicts if v.word in (STUMBLED, WRONG)])
    assert found[EQUAL] >= least
    assert found[EQUAL] >= 0.99 * (len(verdicts) - found[OPEN]), table(verdicts)


def test_other_sizes():
    """A sample of every tenth operator, three times."""
    check(op_db[::10], 30, 5, 1, 3, 150)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3))
def test_other_sizes_in_full(seed):
    """Many samples of every operator."""
    check(op_db, 1, seed, 6, 4, 12_000)
