"""Every layer of `torch.nn` against PyTorch's own samples (`ModuleInfo`): its operators' rules, and its form in notation."""

from __future__ import annotations

import warnings
from math import prod

import pytest
import torch
from oracle_calls import EQUAL, Judge, table, tensors

from whyshape.graph import Builder
from whyshape.rules import LAYERS
from whyshape.rules.dtypes import name_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db

# Layers that have no form in notation, each with its reason.
WITHOUT = {
    "TransformerEncoder": "is given a layer, not numbers; write its layers one after another",
    "MultiheadAttention": "its samples are called by name; tests/rules/test_attention.py calls it as notation does",
    "Transformer": "the same",
    "LinearCrossEntropyLoss": "an experimental fusion of a linear layer and its loss",
    **{f"LazyConv{t}{n}d": "learns its sizes from the first input; notation names them" for t in ("", "Transpose") for n in (1, 2, 3)},
}


def samples(info, training):
    """Constructor and call of every sample that the CPU runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=training):
            made, called = sample.constructor_input, sample.forward_input
            yield info.module_cls(*made.args, **made.kwargs).float().train(training), made, called


def values(net, value):
    """The call's tensors as values of a graph being built."""
    if isinstance(value, torch.Tensor):
        return net.input(tuple(value.shape), value.dtype)
    return type(value)(values(net, v) for v in value) if isinstance(value, (tuple, list)) else value


def flat(value):
    if isinstance(value, (tuple, list)):
        return [v for part in value for v in flat(part)]
    return [] if value is None else [(tuple(value.shape), name_of(value.dtype))]


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_operators_of_layers(training):
    """Every operator a layer calls on the samples: sizes and dtypes equal PyTorch's, 0 wrong."""
    judge = Judge()
    for info in module_db:
        for module, _, called in samples(info, training):
            with warnings.catch_warnings(), torch.no_grad(), judge:
                warnings.simplefilter("ignore")
                module(*called.args, **called.kwargs)
    assert len(judge.verdicts) > 2500
    assert all(v.word == EQUAL for v in judge.verdicts), table(judge.verdicts)


@pytest.mark.parametrize("info", [i for i in module_db if i.module_cls.__name__ not in WITHOUT], ids=lambda i: i.module_cls.__name__)
def test_layer_in_notation(info):
    """`layer` makes the module's parameters and gives the sizes and dtypes of its forward."""
    name, seen = info.module_cls.__name__, 0
    for training in (False, True):
        for module, made, called in samples(info, training):
            if called.kwargs or any(callable(a) for a in (*made.args, *made.kwargs.values())):
                continue  # notation has no keyword tensors and no functions
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                want = [(tuple(t.shape), name_of(t.dtype)) for t in tensors(module(*called.args))]
            net = Builder(training=training)
            got = net.layer(name, "", *[values(net, a) for a in called.args], args=made.args, kwargs=dict(made.kwargs))
            assert flat(got) == want, (made, called)
            learned = [t for t in net.tensors if t.kind == "parameter"]
            assert sum(prod(t.shape) for t in learned) == sum(p.numel() for p in module.parameters())
            assert {t.name: tuple(t.shape) for t in learned} == {n: tuple(p.shape) for n, p in module.named_parameters()}
            seen += 1
    assert seen


def test_reasons_are_still_needed():
    """Nothing that has a form in notation stands in the list of those without."""
    assert set(WITHOUT) & set(LAYERS) == {"MultiheadAttention", "Transformer"}
