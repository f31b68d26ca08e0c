"""A rule's `shape` takes its arguments by the names PyTorch gives them, in PyTorch's order."""

from __future__ import annotations

import inspect

import pytest
import torch
import torch.nn.functional as F

from whyshape.readers.torch.names import dotted
from whyshape.rules import RULES, in_our_words

# Where a rule's words differ, each with its reason.
OTHERWISE = {
    "einsum tensordot": "the operands of the inner operator; torch's own function names them as the rule does",
    "_convolution": "what torch.nn.quantized calls, by position",
    "split unsafe_split": "the function says split_size_or_sections; `Tensor.split` has a rule of its own",
    "lstm gru rnn_tanh rnn_relu": "two forms, with and without batch_sizes, told apart by position; only torch.nn calls them",
    "chain_matmul torch.linalg.multi_dot cartesian_prod block_diag broadcast_tensors atleast_1d atleast_2d "
    "atleast_3d": "any number of tensors",
    "Tensor.resize_ Tensor.resize vdot ldexp tensor_split torch.linalg.matrix_rank": "rare forms: the call is then measured",
    "Tensor.__rlshift__ Tensor.__lshift__ Tensor.__rshift__ Tensor.__getitem__": "called by Python itself, by position",
}
EXCUSED = frozenset(" ".join(OTHERWISE).split())


def takes(rule):
    """The names `shape` takes, and whether it takes any other as well."""
    code = rule.shape.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], bool(code.co_flags & inspect.CO_VARKEYWORDS)


def python_functions():
    for name, rule in RULES.items():
        f = dotted(name) if "." in name else getattr(F, name, None)
        if inspect.isfunction(f) and not name.startswith("Tensor.") and "args" not in inspect.signature(f).parameters:
            yield pytest.param(f, rule, id=name)


@pytest.mark.parametrize("function, rule", list(python_functions()))
def test_functions_written_in_python(function, rule):
    """Every argument of the function, in its order."""
    wanted = [p for p in inspect.signature(function).parameters if p != "_stacklevel"]
    names, any_name = takes(rule)
    known = [p for p in wanted if p in names]
    assert known == wanted or any_name
    assert [n for n in names if n in known] == known


def schemas(name):
    """The operator's own schemas for tensors: those with ``self`` first, without named axes and ``out=``."""
    prefix, _, last = name.rpartition(".")
    inside = {"": "", "torch": "", "Tensor": "", "torch.linalg": "linalg_", "torch.fft": "fft_", "torch.special": "special_"}
    inner = f"{inside[prefix]}{last}" if prefix in inside else ""
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{inner}"):
        tensors = any("Tensor" in str(a.type) for a in schema.arguments) and str(schema.arguments[0].type) != "List[Tensor]"
        outs = any(a.is_out for a in schema.arguments)
        if tensors and not outs and "Dimname" not in str(schema) and schema.overload_name not in ("t", "any", "str", "deprecated"):
            yield schema


def compiled_functions():
    for name in RULES:
        if not inspect.isfunction(dotted(name) if "." in name else getattr(F, name, None)) and name not in EXCUSED and list(schemas(name)):
            yield name


@pytest.mark.parametrize("name", list(compiled_functions()))
def test_operators(name):
    """Every argument of every overload, by its name."""
    names, any_name = takes(RULES[name])
    for schema in schemas(name):
        wanted = {a.name for a in schema.arguments} - {"self", "tensors", "out_dtype"}
        assert any_name or wanted <= set(names), (str(schema), sorted(wanted - set(names)))


def test_words_of_numpy():
    """``axis``, ``keepdims``, ``x`` and ``x2`` are what PyTorch takes for its own."""
    x = torch.zeros(2, 3)
    assert torch.sum(x, axis=1, keepdims=True).shape == RULES["sum"].shape(x, **in_our_words({"axis": 1, "keepdims": True}))
    assert torch.add(x, x2=x).shape == RULES["add"].shape(x, **in_our_words({"x2": x}))
