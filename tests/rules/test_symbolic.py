"""A rule asked with sizes that remember gives expressions that stay true at other sizes.

Every sample of PyTorch's operators is asked three times: with numbers, with a leaf for each axis, and with numbers again
after the axes were changed. Where the branches the second answer recorded still hold, its expressions must give the third
answer; where the third refuses, a recorded demand or branch must fail.
"""

from __future__ import annotations

import random
import warnings
from collections import Counter
from itertools import islice

import pytest
import torch
from oracle_calls import results
from test_opinfo import in_a_thread, op_db
from torch.overrides import TorchFunctionMode

from whyshape.errors import DoesNotFit
from whyshape.readers.torch.names import function_table
from whyshape.rules import Made, Spec, Unexplained
from whyshape.sizes import Cond, leaf, recording, substitute

TABLE = function_table()


class Listen(TorchFunctionMode):
    """Writes down every call a rule answers for."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        entry = TABLE.get(func)
        named = kwargs or {}
        # padding='same' stands in its formula as the numbers it came to, not as an expression over the kernel
        if entry is not None and "out" not in named and not any(p == "same" for p in (*args[4:5], named.get("padding")) if type(p) is str):
            axes = []
            self.calls.append((entry, specs(args, axes), specs(named, axes), axes))
        return func(*args, **named)


class Slot(tuple):
    """A tensor of a call: where its axes stand among all axes of the call, and its dtype."""

    __slots__ = ()


def specs(value, axes):
    if isinstance(value, torch.Tensor):
        start = len(axes)
        axes.extend(value.shape)
        return Slot((start, len(axes), value.dtype))
    if type(value) in (tuple, list):
        return type(value)(specs(v, axes) for v in value)
    return {k: specs(v, axes) for k, v in value.items()} if isinstance(value, dict) else value


def filled(value, axes):
    """The call's arguments with these sizes."""
    if type(value) is Slot:
        return Spec(tuple(axes[value[0] : value[1]]), value[2])
    if type(value) in (tuple, list):
        return type(value)(filled(v, axes) for v in value)
    return {k: filled(v, axes) for k, v in value.items()} if isinstance(value, dict) else value


def expressions(made):
    if type(made) is list:
        return [n for m in made if m is not None for n in expressions(m)]
    return list(made.shape if type(made) is Made else made)


def ask(entry, args, kwargs, axes):
    return entry.rule.shape(*filled(args, axes), **filled(kwargs, axes))


def disagreement(entry, args, kwargs, axes, rng) -> str | None:
    """What is wrong with the rule's expressions for this call; empty where all is well, None where nothing was compared."""
    try:
        numbers = expressions(ask(entry, args, kwargs, axes))
    except (DoesNotFit, Unexplained):
        return None
    letters = [leaf(n, f"n{i}", ref=("free", i)) for i, n in enumerate(axes)]
    with recording() as facts:
        try:
            made = expressions(ask(entry, args, kwargs, letters))
        except (DoesNotFit, Unexplained) as refusal:
            return f"with leaves {refusal!r}"
    if list(map(int, made)) != list(map(int, numbers)):
        return f"with leaves {made}, with numbers {numbers}"
    said = ""
    for _ in range(4):
        # An axis of 1 stays: rules take it for one that is stretched, whatever the other axes are.
        together = {n: n if n < 2 else rng.randint(2, 9) for n in axes}
        other = [together[n] if rng.random() < 0.8 else n for n in axes]
        free = [i for i, n in enumerate(axes) if n > 1]
        if free and rng.random() < 0.3:
            other[rng.choice(free)] = rng.randint(2, 9)
        said = said or compare(entry, args, kwargs, other, made, facts)
    return said


def compare(entry, args, kwargs, axes, made, facts) -> str:
    at = lambda size: substitute(size, lambda at: axes[at.leaf.ref[1]] if at.leaf.ref else at)
    holds = lambda cond: Cond(cond.relation, int(at(cond.left)), int(at(cond.right))).holds
    try:
        numbers = list(map(int, expressions(ask(entry, args, kwargs, axes))))
    except (DoesNotFit, Unexplained) as refusal:
        numbers = refusal
    branches, needs = all(map(holds, facts.branches)), all(holds(n.cond) for n in facts.needs)
    if isinstance(numbers, Exception):
        return f"refused at {axes} ({numbers}), but no recorded demand fails" if branches and needs else ""
    if not branches:
        return ""
    if not needs:
        return f"accepted at {axes}, but a recorded demand fails"
    told = [int(at(n)) for n in made]
    return "" if told == numbers else f"at {axes} the expressions give {told}, the rule {numbers}"


@in_a_thread
def judged(most, rng):
    """What is wrong, by operator, and how many samples were compared."""
    wrong, compared = [], Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for op in op_db:
            dtype = torch.float32 if torch.float32 in op.dtypes else next(iter(op.dtypes), None)
            for sample in islice(op.sample_inputs("cpu", dtype), most) if dtype else ():
                listen = Listen()
                try:
                    with listen:
                        op.op(sample.input, *sample.args, **sample.kwargs)
                except Exception:
                    continue
                for entry, args, kwargs, axes in listen.calls:
                    said = disagreement(entry, args, kwargs, axes, rng)
                    compared[entry.op] += said is not None
                    if said:
                        wrong.append(f"{entry.op}{args} {kwargs}: {said}"[:400])
    return wrong, compared


def test_expressions():
    """A few samples of every operator."""
    wrong, compared = judged(3, random.Random(7))
    assert not wrong, "\n".join(wrong)
    assert len(compared) > 300


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3))
def test_expressions_in_full(seed):
    """Many samples of every operator, at sizes drawn anew."""
    wrong, _ = judged(40, random.Random(seed))
    assert not wrong, "\n".join(wrong)


def test_results_are_read_in_order():
    """The helper that reads a rule's results keeps their nesting's order."""
    assert [s for s, _ in results([(1, 2), None, [Made((3,), "int64")]], Spec((0,)))] == [(1, 2), (3,)]
