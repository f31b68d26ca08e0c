"""Small models of `transformers`: every call answered by a rule, every output as PyTorch gives it."""

from __future__ import annotations

import warnings

import pytest
import torch
from small_transformers import MODELS, build

from whyshape.readers.torch import read

QUICK = ("Bert", "Llama", "Swin", "Wav2Vec2", "Bart")


def outputs(value):
    """The shapes of the tensors in a model's output, in order."""
    if isinstance(value, torch.Tensor):
        return [tuple(value.shape)]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [s for part in value for s in outputs(part)] if isinstance(value, (tuple, list)) else []


def check(name):
    pytest.importorskip("transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, called = build(name)
        with torch.no_grad():
            want = outputs(model(**called))
        graph = read(model, input_data=called)
    assert graph.problem is None
    assert [tuple(graph.tensors[i].shape) for i in graph.outputs] == want
    assert {n.op: n.why for n in graph.nodes if n.by != "rule"} == {}
    met = {t.name for t in graph.tensors if t.kind == "parameter"}
    assert met <= {n for n, _ in model.named_parameters()}


@pytest.mark.parametrize("name", QUICK)
def test_a_few(name):
    """One model of each kind: text, a decoder with grouped heads, a picture, sound, and a pair of texts."""
    check(name)


@pytest.mark.full
@pytest.mark.parametrize("name", [n for n in MODELS if n not in QUICK])
def test_the_others(name):
    """More than sixty others."""
    check(name)


def test_there_are_enough():
    """At least forty kinds of models."""
    assert len(MODELS) >= 40
