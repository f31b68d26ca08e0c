"""Parameters in words, two networks compared, exports, and the commands."""

from __future__ import annotations

import csv
import io
import json
import sys
import xml.dom.minidom

import pytest
import torch
from torch import nn

from whyshape.analyses.compare import compare
from whyshape.analyses.costs import costs
from whyshape.analyses.parameters import parameters
from whyshape.cli import main
from whyshape.errors import WhyshapeError
from whyshape.graph import State
from whyshape.readers.torch import read
from whyshape.rules import RULES
from whyshape.rules.base import TOLD
from whyshape.sizes import leaf, tree
from whyshape.writers import latex, mathml


# -- parameters ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "layer, shape, text",
    [
        (nn.Conv2d(10, 20, 5), (1, 10, 12, 12), "20 kernels * (10 * 5 * 5) + 20 biases = 5020"),
        (nn.Conv2d(8, 8, 3, groups=8, bias=False), (1, 8, 6, 6), "8 kernels * (1 * 3 * 3) = 72"),
        (nn.ConvTranspose2d(4, 6, 3), (1, 4, 5, 5), "4 input maps * (6 * 3 * 3) + 6 biases = 222"),
        (nn.Linear(320, 50), (1, 320), "50 outputs * 320 + 50 biases = 16050"),
        (nn.BatchNorm2d(4), (2, 4, 3, 3), "4 scales + 4 shifts = 8"),
        (nn.Embedding(10, 4), (2, 3), "10 rows * 4 = 40"),
        (nn.PReLU(), (2, 3), "1 slopes = 1"),
    ],
)
def test_the_multiplication_is_shown(layer, shape, text):
    dtypes = ["int64"] if isinstance(layer, nn.Embedding) else None
    assert parameters(read(layer, shape, dtypes=dtypes)).formula("") == text


def test_kinds_of_parameters():
    """Trainable, frozen, buffers, shared once, unused ones too."""
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4))
    net[2].weight = net[0].weight
    net[1].requires_grad_(False)
    net.spare = None
    held = parameters(read(net, (2, 4)))
    assert (held.trainable.value, held.frozen.value, held.buffers.value) == (16 + 4 + 4, 8, 4 + 4 + 1)
    assert [(r.name, r.state.also) for r in held.shared] == [("0.weight", ("2.weight",))]
    assert (held.under("0").value, held.under("2").value) == (20, 20)


def test_lazy_parameters_are_unknown_not_zero():
    graph = read(nn.Linear(4, 2), (1, 4))._replace(state=(State("weight", None), State("bias", (2,))))
    held = parameters(graph)
    assert (held.total.value, held.total.status, held.total.missing) == (2, "partial", ("weight",))


# -- two networks --------------------------------------------------------------------------------------------------------
def test_a_network_equals_itself():
    both = compare("Conv2d(1, 8, 3) > ReLU", "Conv2d(1, 8, 3) > ReLU", (1, 1, 8, 8))
    assert both.equal and both.same == 2


def test_what_was_added_removed_and_changed():
    before = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Sigmoid())
    after = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16))
    both = compare(before, after, (1, 1, 8, 8))
    kinds = [(c.kind, (c.after or c.before).op) for c in both.changes]
    assert kinds == [("changed", "conv2d"), ("removed", "sigmoid"), ("added", "batch_norm")]
    assert set(both.changes[0].what) == {"output", "params", "macs"}


def test_layers_are_matched_by_structure_where_names_differ():
    class Renamed(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution, self.bend = nn.Conv2d(1, 8, 3), nn.ReLU()

        def forward(self, x):
            return self.bend(self.convolution(x))

    both = compare(nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU()), Renamed(), (1, 1, 8, 8))
    assert both.equal and both.same == 2


def test_the_receptive_field_is_compared():
    both = compare("Conv2d(1, 8, 3, padding=1)", "Conv2d(1, 8, 3, padding=2, dilation=2)", (1, 1, 8, 8))
    assert both.changes[0].what == ("field",)


# -- exports -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def found(thread_graph):
    return costs(thread_graph)


def test_data_frame(found):
    """The columns add up to the totals."""
    frame = found.to_pandas()
    assert frame["parameters"].sum() == 21840 and frame["operations"].sum() == 480500
    assert frame["layer"][0] == "conv.conv_1"


def test_data_frame_without_pandas(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(WhyshapeError) as refused:
        found.to_pandas()
    assert str(refused.value) == "a data frame needs pandas: pip install pandas"


def test_csv_of_the_command(capsys):
    assert main(["costs", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert sum(int(row["operations"]) for row in rows) == 480500


def test_csv_cells_are_no_spreadsheet_formulas():
    from whyshape.writers.csv import write

    assert write(("name",), [("=1+1",), ("@SUM(A1)",), ("-5",), ("a\nb",)]) == "name\n'=1+1\n'@SUM(A1)\n-5\na\\nb\n"


def test_latex_escapes_what_models_say():
    text = latex.table(("name",), [("50%_&\\input{x}$",)])
    assert r"50\%\_\&\textbackslash{}input\{x\}\$" in text


H, K, P = leaf(28, "height", "input"), leaf(5, "kernel_size"), leaf(0, "padding")
OUT = (H + 2 * P - 1 * (K - 1) - 1) // 1 + 1


def test_formulas_in_latex():
    assert latex.formula(tree(OUT)) == r"\left\lfloor \frac{28 + 2 \cdot 0 - 1 \cdot (5 - 1) - 1}{1} \right\rfloor + 1"
    assert r"\mathit{kernel\_size}" in latex.formula(tree(OUT), names=True)


def test_formulas_in_mathml():
    """Well-formed, and the numbers in the order they are said."""
    page = xml.dom.minidom.parseString(mathml.formula(tree(OUT)))
    assert [n.firstChild.data for n in page.getElementsByTagName("mn")] == ["28", "2", "0", "1", "5", "1", "1", "1", "1"]


# -- commands ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words, code",
    [
        (["costs"], 0), (["costs", "--latex"], 0), (["costs", "--markdown"], 0), (["costs", "--count", "flops"], 0),
        (["fit", "--memory", "24GiB"], 0), (["fit", "--memory", "10KB"], 1), (["field"], 0), (["field", "conv.maxpool_2", "--cell", "1,2"], 0),
        (["compare", "Linear(4, 2)", "Linear(4, 2)", "--input", "1,4"], 0), (["compare", "Linear(4, 2)", "Linear(4, 3)", "--input", "1,4"], 1),
        (["summary"], 0), (["summary", "--columns", "input_size", "trainable"], 0),
    ],
)  # fmt: skip
def test_commands_answer(words, code, capsys):
    assert main(words) == code
    out = capsys.readouterr()
    assert out.out.strip() and "whyshape:" not in out.err


@pytest.mark.parametrize(
    "words",
    [
        ["costs"],
        ["fit", "--memory", "1GB"],
        ["field"],
        ["field", "--cell", "3"],
        ["compare", "ReLU", "ReLU", "--input", "1,4"],
        ["summary"],
    ],
)
def test_json_is_json_with_its_schema(words, capsys):
    main([*words, "--json"])
    assert json.loads(capsys.readouterr().out)["schema"].startswith("whyshape.")


def test_the_window_of_the_thread(capsys):
    main(["field", "conv.maxpool_2", "--cell", "1,2"])
    assert "It reads rows 4 to 19, of 28.\nIt reads columns 8 to 23, of 28." in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, said",
    [
        (["fit", "--memory", "lots"], "whyshape: 'lots' is no amount of memory; write 24GiB, 512MB or a number of bytes\n"),
        (["field", "nowhere"], "whyshape: there is no layer 'nowhere'\n"),
        (["field", "--cell", "a"], "whyshape: 'a' is no cell; write 1,2 for row 1, column 2\n"),
        (
            ["costs", "--optimizer", "adm"],
            "whyshape: optimizers are none, sgd, momentum, rmsprop, adagrad, adam, adamw; 'adm' was asked for\n",
        ),
        (["costs", "--checkpoint", "nowhere"], "whyshape: no module at 'nowhere' was called\n"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(words, said, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err == said


def test_a_model_that_does_not_fit_is_sent_to_diagnose(capsys):
    assert main(["costs", "Conv2d(1, 8, 3) > Linear(5, 2)", "--input", "1,1,8,8"]) == 2
    assert "cannot run" in capsys.readouterr().err


# -- the tables ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("question", ["factors", "work", "fvcore", "saved", "by_result", "history", "itself", "moves", "nouns", "autocast"])
def test_nothing_is_told_about_an_operator_that_is_not_there(question):
    """A name nobody has is a typing error that would go unnoticed."""
    import whyshape.rules.autocast
    import whyshape.rules.kept
    import whyshape.rules.looks
    import whyshape.rules.work  # noqa: F401

    assert len(TOLD[question]) > 1 and [name for name in TOLD[question] if name not in RULES] == []


def test_a_model_is_not_changed():
    net = nn.Sequential(nn.Linear(4, 2))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    costs(read(net, (3, 4)))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_networks_of_one_class_are_called_as_they_were_asked_for():
    """Two functions of a file that both give a `Sequential`: their own names tell them apart."""
    nets = [nn.Sequential(nn.Linear(4, n)) for n in (2, 3)]
    graphs = [read(net, (1, 4)) for net in nets]
    assert compare(*graphs, models=("nets.py:small", "nets.py:large")).names == ("small", "large")
    assert compare(*graphs).names == ("Sequential (1)", "Sequential (2)")
