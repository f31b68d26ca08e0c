"""`survey`: every number of a row is PyTorch's, a model that fails is a row, and a condition is read, never run."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from whyshape.analyses.amount import Amount
from whyshape.cli import main
from whyshape.errors import WhyshapeError
from whyshape.surveys import COLUMNS, survey
from whyshape.surveys.where import Where

MODELS = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

    def forward(self, x):
        return self.net(x)

class Large(Small):
    def __init__(self):
        super().__init__()
        self.net[3] = nn.Conv2d(8, 16, 9, 2)

class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
        print("a constructor that talks")
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4 * 30 * 30, 2)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))

class Needs(nn.Module):
    def __init__(self, depth):
        super().__init__()

class Raises(nn.Module):
    def forward(self, x):
        return x.nothing

class Explodes(nn.Module):
    def __init__(self):
        super().__init__()
        raise OSError("no weights here\\nand more")

class Stated(Small):
    default_cfg = {"input_size": (3, 40, 50)}

class Sized(Small):
    image_size = 48

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 6)

    def forward(self, x):
        return self.embed(x)

def make_tiny():
    return nn.Linear(3, 2)

def make_other(depth=2):
    return nn.Sequential(*[nn.Linear(4, 4) for _ in range(depth)])

def leaves():
    raise SystemExit("called unasked")
"""


@pytest.fixture
def models(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    yield "models.py"
    sys.modules.pop("whyshape_target_models", None)


def rows(found):
    return {r["name"]: r for r in found.rows}


def test_all_models_of_a_file(models):
    """Classes of models defined there, in order; a function is called only where it says that it gives a model, or is named."""
    found = survey(models, input_size=(1, 3, 32, 32))
    assert [r["name"] for r in found.rows] == ["Small", "Large", "Fixed", "Needs", "Raises", "Explodes", "Stated", "Sized", "Words"]
    assert [r["name"] for r in survey("models.py:make_*").rows] == ["make_tiny", "make_other"]
    assert [r["name"] for r in survey("models.py:make_other(depth=3)").rows] == ["make_other(depth=3)"]


def test_every_number_is_pytorchs(models):
    """Parameters, multiply-adds, output and receptive field of a row, against real runs."""
    row = rows(survey("models.py:Small", columns=COLUMNS, input_size=(1, 3, 32, 32)))["Small"]
    sys.path.insert(0, "")
    try:
        import models as user  # the file itself
    finally:
        sys.path.pop(0)
        sys.modules.pop("models", None)
    net = user.Small().eval()
    counter = FlopCounterMode(display=False)
    with counter:
        out = net(torch.zeros(1, 3, 32, 32))
    assert row["params"] == Amount(sum(p.numel() for p in net.parameters()))
    assert row["macs"] == Amount(counter.get_total_flops() // 2)
    assert row["output"] == "x".join(map(str, out.shape[1:])) == "10"
    x = torch.zeros(1, 3, 32, 32, requires_grad=True)
    soft = nn.Sequential(
        *[nn.AvgPool2d(2) if isinstance(m, nn.MaxPool2d) else nn.Identity() if isinstance(m, nn.ReLU) else m for m in net.net[:4]]
    )
    soft(x)[0, :, 2, 2].sum().backward()
    assert row["field"] == int((x.grad.abs().sum((0, 1)) > 0).any(0).sum()) == 10
    runs = [side for side in range(1, 33) if _runs(net, side)]
    assert row["smallest"] == runs[0] == 10


def _runs(net, side) -> bool:
    try:
        net(torch.zeros(1, 3, side, side))
    except RuntimeError:
        return False
    return True


@pytest.mark.parametrize("text, field, shown", [
    ("Conv2d(3, 4, 5) > MaxPool2d(2)", 6, "6"),
    ("Conv2d(3, 4, 5) > GroupNorm(2, 4) > Conv2d(4, 4, 3)", 32, "all"),
    ("Conv2d(3, 4, 5) > AdaptiveAvgPool2d(1) > Flatten > Linear(4, 2)", 5, "5"),
    ("Flatten > Linear(3072, 2)", None, "-"),
])  # fmt: skip
def test_what_the_last_map_sees(text, field, shown):
    """The window of the last map; a norm over all places has none, and is said to see all."""
    found = survey(text, columns="name,field", input_size=(1, 3, 32, 32))
    assert found.rows[0]["field"] == field
    assert str(found).splitlines()[2].split()[-1] == shown


class Cumulative(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 5)

    def forward(self, x):
        return torch.logcumsumexp(self.conv(x), 2)


def test_what_is_not_known_exactly_is_no_number():
    """An operator that sees a part of its input, nobody says which: no receptive field."""
    assert survey(Cumulative(), columns="name,field", input_size=(1, 3, 32, 32)).rows[0]["field"] is None


def test_names_that_only_a_list_knows(tmp_path, monkeypatch):
    """A package that lists its models and makes them by name: alone, by pattern, all; one that it does not list is a row that says so."""
    (tmp_path / "shelf.py").write_text(
        "from torch import nn\n\ndef list_models():\n    return ['tiny', 'wide']\n\n"
        "def create_model(name):\n    return nn.Linear(3, {'tiny': 2, 'wide': 9}[name])\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    outputs = lambda *models: {r["name"]: r["output"] or r["problem"] for r in survey(list(models)).rows}
    assert outputs("shelf") == {"tiny": "2", "wide": "9"}
    assert outputs("shelf:w*") == {"wide": "9"}
    assert outputs("shelf:tiny", "shelf:huge") == {"tiny": "2", "huge": "shelf has no 'huge'"}
    sys.modules.pop("shelf")


def test_whose_input_it_is(models):
    """What the makers state comes first, then the first layer; `source` says which, and --input overrules."""
    found = rows(
        survey(
            ["models.py:Stated", "models.py:Small", "models.py:Fixed", "models.py:Sized", "models.py:Words", "Conv2d(1, 10, 5)"],
            columns=COLUMNS,
        )
    )
    assert {n: (r["input"], r["source"]) for n, r in found.items()} == {
        "Stated": ("1x3x40x50", "default_cfg"),
        "Small": ("1x3x224x224", "a guess: its first convolution"),
        "Fixed": ("1x1x224x224", "a guess: its first convolution"),
        "Sized": ("1x3x48x48", "image_size"),
        "Words": ("1x16", "a guess: its first embedding"),
        "Conv2d(1, 10, 5)": ("1x1x28x28", "the model"),
    }
    assert found["Words"]["output"] == "16x6"
    assert rows(survey("models.py:Stated", input_size=(1, 3, 32, 32)))["Stated"]["source"] == "you"


def test_a_model_that_fails_is_a_row(models, capsys):
    """Each reason in a sentence; the others are asked all the same."""
    found = rows(survey([models, "models.py:none", "nowhere.models:net", {}], input_size=(1, 3, 32, 32)))
    assert {n: r["problem"] for n, r in found.items()} == {
        "Small": "", "Large": "", "Stated": "", "Sized": "",
        "Fixed": "conv (Conv2d) cannot take what arrives: 1 channel is wanted, 3 arrive",
        "Needs": "models.py:Needs: missing a required argument: 'depth'; write the arguments with the target, as models.py:Needs(depth=...)",
        "Raises": found["Raises"]["problem"],
        "Explodes": "models.py:Explodes could not be built: OSError: no weights here",
        "Words": found["Words"]["problem"],
        "none": "models.py has no 'none'; it has nn",
        "net": "there is no module 'nowhere.models'; write a file as nowhere.models.py:Net, or install the package",
        "dict": "a model is wanted (a torch.nn.Module, a Keras model, notation or a file name), dict arrived",
    }  # fmt: skip
    assert found["Raises"]["problem"].startswith("the model's forward raised AttributeError: 'Tensor' object has no attribute 'nothing'")
    assert "float32" in found["Words"]["problem"]
    assert found["Fixed"]["params"] == Amount(7242) and found["Fixed"]["macs"] is None and found["Fixed"]["output"] == ""


def test_sorted_and_filtered(models):
    """Largest first with a minus; what is not known stands last; what cannot be decided is said."""
    three = ["models.py:Fixed", "models.py:Small", "models.py:Large"]
    ask = lambda **more: survey(three, input_size=(1, 3, 32, 32), **more)
    assert [r["name"] for r in ask(sort="macs").rows] == ["Small", "Large", "Fixed"]
    assert [r["name"] for r in ask(sort="-macs").rows] == ["Large", "Small", "Fixed"]
    assert [r["name"] for r in ask(sort="-name").rows] == ["Small", "Large", "Fixed"]
    found = ask(where="macs < 1e9 and params < 5000")
    assert [r["name"] for r in found.rows] == ["Small"]
    assert found.notes == ["1 of 3 models fit: macs < 1e9 and params < 5000."]
    found = ask(where="macs < 1e9")
    assert found.notes == ["2 of 3 models fit: macs < 1e9.", "1 could not be decided, for a number is not known: Fixed."]
    assert [r["name"] for r in ask(where="problem != ''").rows] == ["Fixed"]


# -- conditions --------------------------------------------------------------------------------------------------------

ROW = {
    "name": "resnet50",
    "params": Amount(25),
    "macs": Amount(4, ("nms",)),
    "operators": 175,
    "field": None,
    "output": "1000",
    "problem": "",
}


@pytest.mark.parametrize("text, told", [
    ("params < 26", True), ("params < 25", False), ("params <= 25", True), ("24 < params < 26", True), ("params == 25", True),
    ("params != 25", False), ("params in (24, 25)", True), ("params not in [25]", False), ("params > -1", True), ("params < 2.5e1", False),
    ("'res' in name", True), ("'vit' not in name", True), ("name == 'resnet50'", True), ("name in ('a', 'b')", False), ("'a' < name", True),
    ("not params < 3", True), ("params < 3 or name == 'resnet50'", True), ("params > 3 and operators > 200", False),
    # at least 4: sure above, unsure below
    ("macs > 3", True), ("macs >= 4", True), ("macs > 4", None), ("macs < 4", False), ("macs <= 4", None), ("macs < 5", None), ("3 < macs", True),
    ("5 > macs", None), ("macs == 3", False), ("macs == 5", None), ("macs != 3", True), ("macs in (1, 2)", False), ("macs in (1, 9)", None),
    ("macs not in (1, 2)", True), ("macs < params", None),
    # not known
    ("field < 5", None), ("not field < 5", None), ("field < 5 or params == 25", True), ("field < 5 and params == 25", None),
    ("field < 5 and params == 24", False), ("field in (1, 2)", None), ("field < macs", None),
])  # fmt: skip
def test_what_conditions_say(text, told):
    """True, False, or None where what is not known would decide; unknown is never zero."""
    assert Where(text, tuple(ROW))(ROW) is told


@pytest.mark.parametrize("text, sentence", [
    ("macs <", "the condition 'macs <' cannot be read; write it as macs < 5e9 and 'resnet' in name"),
    ("", "the condition '' cannot be read; write it as macs < 5e9 and 'resnet' in name"),
    ("flops < 3", "the condition asks about 'flops'; columns are name, params, macs, operators, field, output, problem"),
    ("macs", "the condition 'macs' is not understood: macs compares nothing"),
    ("macs + 1 < 3", "the condition 'macs + 1 < 3' is not understood: macs + 1 is no column, number or text"),
    ("name < 3", "the condition 'name < 3' is not understood: name and 3 cannot be compared by <: text and a number"),
    ("3 in macs", "the condition '3 in macs' is not understood: 3 and macs cannot be compared by in: a number and a number"),
    ("macs is None", "the condition 'macs is None' is not understood: None is compared by a word that is not known here; known are < <= > >= == != in, not in"),
    ("macs < True", "the condition 'macs < True' is not understood: True is no column, number or text"),
    ("__import__('os').system('true')", "the condition \"__import__('os').system('true')\" is not understood: __import__('os').system('true') compares nothing"),
    ("name.__class__ == 'x'", "the condition \"name.__class__ == 'x'\" is not understood: name.__class__ is no column, number or text"),
    ("name[0] == 'x'", "the condition \"name[0] == 'x'\" is not understood: name[0] is no column, number or text"),
    ("(lambda: 1)() < 2", "the condition '(lambda: 1)() < 2' is not understood: (lambda: 1)() is no column, number or text"),
    ("name in ('a', 3)", "the condition \"name in ('a', 3)\" is not understood: ('a', 3) is no column, number or text"),
    ("not " * 600 + "macs < 1", "the condition has 2408 characters; up to 2000 are read"),
])  # fmt: skip
def test_bad_conditions(text, sentence):
    """The whole sentence; nothing is run."""
    with pytest.raises(WhyshapeError) as told:
        Where(text, tuple(ROW))
    assert str(told.value) == sentence


@pytest.mark.parametrize("text, sentence", [
    ("not " * 490 + "macs < 1", "the condition is nested deeper than 40"),
    ("-" * 1900 + "1 < 2", "the condition is nested deeper than 40"),
    ("(" * 300 + "macs < 1" + ")" * 300, "the condition '" + "(" * 300 + "macs < 1" + ")" * 300 + "' cannot be read; write it as macs < 5e9 and 'resnet' in name"),
])  # fmt: skip
def test_deep_conditions(text, sentence):
    """Nested deeper than anybody means, or than Python reads: a sentence, never a traceback."""
    with pytest.raises(WhyshapeError) as told:
        Where(text, tuple(ROW))
    assert str(told.value) == sentence


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_table(models, capsys):
    """Names, numbers with separators, what is not known as a dash, each problem whole below; what models print is not the answer."""
    assert (
        main(["survey", "models.py:Small", "models.py:Fixed", "--input", "1,3,32,32", "--columns", "name,params,macs,output,field,problem"])
        == 0
    )
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "name   params     macs  output  field",
        "-------------------------------------",
        "Small   1,946  512,032  10         10",
        "Fixed   7,242        -              -",
        "problem: Fixed: conv (Conv2d) cannot take what arrives: 1 channel is wanted, 3 arrive",
    ]
    assert said.err == "a constructor that talks\n"


def test_other_outputs(models, capsys):
    """JSON of schema whyshape.survey.v1, CSV with bare numbers that no sheet runs, Markdown."""
    words = ["survey", "models.py:Small", "models.py:Fixed", "--input", "1,3,32,32", "--columns", "name,params,macs,field,problem"]
    problem = "conv (Conv2d) cannot take what arrives: 1 channel is wanted, 3 arrive"
    assert main([*words, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "whyshape.survey.v1" and data["asked"] == 2 and data["where"] is None
    assert data["rows"] == [
        {"name": "Small", "params": {"value": 1946, "status": "complete", "missing": []}, "macs": {"value": 512032, "status": "complete", "missing": []},
         "field": {"value": 10, "whole": False, "all": False}, "problem": ""},
        {"name": "Fixed", "params": {"value": 7242, "status": "complete", "missing": []}, "macs": None, "field": None, "problem": problem},
    ]  # fmt: skip
    assert main([*words, "--csv"]) == 0
    sheet = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert sheet == [
        ["name", "params", "macs", "field", "problem"],
        ["Small", "1946", "512032", "10", ""],
        ["Fixed", "7242", "", "", problem],
    ]
    assert main([*words, "--markdown"]) == 0
    assert "| Small | 1,946 | 512,032 | 10 |" in capsys.readouterr().out
    assert survey({"=1+1": "Conv2d(1, 10, 5)"}, columns="name").csv() == "name\n'=1+1\n"


@pytest.mark.parametrize("words, code, sentence", [
    (["models.py:nothing*"], 2, "'models.py:nothing*' names no model: models.py has no class of models and no function that makes one, named like nothing*"),
    (["nope.py"], 2, "there is no file nope.py"),
    (["no_such_package"], 2, "there is no module 'no_such_package'; write a file as no_such_package.py:Net, or install the package"),
    (["models.py:Small", "--columns", "name,flops"], 2, f"there is no column 'flops'; columns are {', '.join(COLUMNS)}"),
    (["models.py:Small", "--sort", "size"], 2, f"there is no column 'size' to sort by; columns are {', '.join(COLUMNS)}"),
    (["models.py:Small", "--where", "macs <"], 2, "the condition 'macs <' cannot be read; write it as macs < 5e9 and 'resnet' in name"),
    (["models.py:Small", "--input", "1,3,H,W"], 2, "a survey counts: give a number for every axis of --input"),
])  # fmt: skip
def test_bad_input(models, capsys, words, code, sentence):
    """One sentence, the exit code of the contract, nothing on stdout."""
    assert main(["survey", *words]) == code
    said = capsys.readouterr()
    assert (said.err, said.out) == (f"whyshape: {sentence}\n", "")


def test_when_no_model_can_be_asked(models, capsys):
    """A table of failures alone is exit 3."""
    assert main(["survey", "models.py:Explodes", "models.py:Needs", "models.py:leaves"]) == 3
    assert "problem: leaves: models.py:leaves could not be built: its code calls sys.exit('called unasked')" in " ".join(
        capsys.readouterr().out.split()
    )


# -- published numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [["resnet18", "mobilenet_v3_small", "squeezenet1_1"], pytest.param(None, marks=pytest.mark.full, id="all")]
)
def test_torchvisions_own_table(names):
    """Parameters and billions of multiply-adds as torchvision publishes them, at the input its weights state."""
    import torchvision

    found = rows(
        survey(
            "torchvision.models" if names is None else [f"torchvision.models:{n}" for n in names], columns="name,params,macs,input,source"
        )
    )
    if names is None:
        assert len(found) == 80
        del found["googlenet"], found["inception_v3"]  # built with auxiliary heads here, published without
    assert {r["problem"] for r in found.values()} == {""}
    assert {r["source"] for r in found.values()} <= {"torchvision's weights", "image_size"}
    told = {}
    for name, r in found.items():
        for weights in torchvision.models.get_model_weights(name):
            side = weights.transforms.keywords["crop_size"]
            if r["input"] == f"1x3x{side}x{side}":
                told[name] = (weights.meta["num_params"], weights.meta["_ops"])
    assert {n: r["params"].value for n, r in found.items()} == {n: params for n, (params, _) in told.items()}
    assert max(abs(r["macs"].value / 1e9 - told[n][1]) for n, r in found.items()) < 0.0006
