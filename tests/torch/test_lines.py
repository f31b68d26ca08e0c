"""Every call knows the line of the user's code that made it, however PyTorch is called there."""

from __future__ import annotations

import importlib
import inspect

import torch
import torch.nn.functional as F
from torch import nn

from whyshape.readers.torch import read


class Lines(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.part = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x):
        x = self.conv(x)  # conv2d
        x = F.relu(x)  # relu
        x = F.max_pool2d(x, 2)  # max_pool2d
        x = self.part(x)  # relu max_pool2d
        x = torch.flatten(x, 1)  # flatten
        x = x + 1  # add
        x = x**2  # pow
        x = 1 - x  # rsub
        x = F.dropout(x, 0.5, self.training)  # dropout
        x = torch.einsum("ij->ji", x)  # einsum
        x = helper(x)
        return x.softmax(-1)  # softmax


def helper(x):
    return F.gelu(x)  # gelu


def test_lines_are_the_users_own():
    """For each call: the file is this one, and the comment of its line names it."""
    lines = inspect.getsource(inspect.getmodule(Lines)).splitlines()
    graph = read(Lines(), (2, 1, 12, 12))
    assert len(graph.nodes) == 13
    for node in graph.nodes:
        assert node.file == __file__
        assert node.op.removeprefix("Tensor.").strip("_") in lines[node.line - 1].partition("#")[2].split(), (node.op, lines[node.line - 1])


def test_a_copy_of_pytorchs_file_is_the_users_own(tmp_path, monkeypatch):
    """Code that is equal, line by line, still stands in another file: whose it is does not depend on what was read before."""
    source = inspect.getsource(torch.nn.modules.conv).replace("from .", "from torch.nn.modules.")
    (tmp_path / "copied_conv.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    copied = importlib.import_module("copied_conv").Conv2d
    for kind, file in [(nn.Conv2d, ""), (copied, str(tmp_path / "copied_conv.py")), (nn.Conv2d, "")]:
        (node,) = read(kind(1, 4, 3), (1, 1, 8, 8)).nodes
        assert node.file == file


def test_equal_functions_are_rewritten_each_in_its_own_file(tmp_path, monkeypatch):
    """The line of the model's code that is named stands in the file that ran."""
    from whyshape.readers.torch.rewritten import rewritten

    monkeypatch.syspath_prepend(tmp_path)
    for name in ("one_of_two", "two_of_two"):
        (tmp_path / f"{name}.py").write_text("def half(n):\n    return 0.5 * n\n")
        made = rewritten(importlib.import_module(name).half.__code__)
        assert made is not None and made.co_filename == str(tmp_path / f"{name}.py")


class Split(nn.Module):
    def forward(self, x):
        return torch.hsplit(x, 0)


def test_a_rule_that_cannot_count_blames_nobody():
    """Where a rule stumbles over an impossible argument, PyTorch's own refusal is told, not an error of ours as the model's."""
    problem = read(Split(), (4, 3)).problem
    assert problem is not None and problem.kind == "shape" and "division" not in problem.sentence and "modulo" not in problem.sentence
