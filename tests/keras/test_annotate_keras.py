"""`annotate --keras`: the order beside every size is the one Keras' own tensors have."""

import importlib.util
import json
import sys

import pytest

from whyshape.analyses.annotate import annotate
from whyshape.analyses.translate import translate
from whyshape.cli import main

SOURCE = """\
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.Conv2d(10, 20, 5)
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x):
        x = self.conv1(x)
        x = self.pool(x)  # half
        x = self.conv2(x)
        x = self.pool(x)
        x = x.flatten(1)
        x = self.fc1(x)
        return self.fc2(x)


def twice(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.bottom = twice(3, 8), twice(8, 16), twice(16, 32)
        self.up2, self.up1 = nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2)
        self.right2, self.right1, self.head = twice(32, 16), twice(16, 8), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        x = self.bottom(F.max_pool2d(b, 2))
        x = torch.cat([self.up2(x), b], 1)
        x = self.right2(x)
        x = torch.cat([self.up1(x), a], 1)
        x = self.right1(x)
        return self.head(x)


class Square(nn.Module):
    def forward(self, x):
        pair = F.relu(x), x.flatten(2)
        last = x.permute(0, 2, 3, 1)
        same = F.max_pool2d(x, 3, 1, 1)
        return last


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, (1, 5))

    def forward(self, x):
        other = self.conv(x)
        last = x.permute(0, 2, 3, 1)
        return F.relu(x)


class Alone(nn.Module):
    def forward(self, x):
        x = F.max_pool2d(x, 2)
        return x
"""
THREAD = ["10x24x24 (Keras: 24x24x10)", "10x12x12 (Keras: 12x12x10)", "20x8x8 (Keras: 8x8x20)", "20x4x4 (Keras: 4x4x20)", "320", "50", "10"]
SHAPE = ["--input", "1,1,28,28"]


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SOURCE)
    return tmp_path / "net.py"


def comments(text):
    return [line.rpartition("# -> ")[2] for line in text.splitlines() if "# -> " in line]


@pytest.mark.parametrize("name, size", [("Net", (1, 1, 28, 28)), ("UNet", (2, 3, 32, 48))])
def test_the_sizes_keras_has(net, monkeypatch, name, size):
    """The network is translated; every size that is said to be Keras' is that of one of its tensors, in the order they are made."""
    answer = annotate(f"net.py:{name}", size, both=True)
    spec = importlib.util.spec_from_file_location("net_of_the_test", net)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "net_of_the_test", module)
    spec.loader.exec_module(module)
    made = [layer.output.shape[1:] for layer in translate(getattr(module, name)().eval(), "keras", size).model.layers]
    made = iter("x".join(map(str, shape)) for shape in made)
    (file,) = answer.files
    told = [file.there.get(row, gives) for row, gives in sorted(file.gives.items())]
    assert all(one in made for one in told), told  # in this order: an iterator goes on where it stopped
    assert len(file.there) == (4 if name == "Net" else 8)
    assert comments(answer.text[str(net)]) == [
        gives + (f" (Keras: {file.there[row]})" if row in file.there else "") for row, gives in sorted(file.gives.items())
    ]


def test_the_threads_class(net, capsys):
    """Both orders on the screen; without the option one."""
    assert main(["annotate", "net.py:Net", *SHAPE, "--keras"]) == 0
    assert comments(capsys.readouterr().out) == THREAD
    assert main(["annotate", "net.py:Net", *SHAPE]) == 0
    assert comments(capsys.readouterr().out) == [told.partition(" ")[0] for told in THREAD]


def test_written_checked_and_taken_back(net, capsys):
    """Both forms are true comments; a wrong order is none; each form is written over the other."""
    words = ["annotate", "net.py:Net", *SHAPE]
    assert main([*words, "--write", "--keras"]) == 0 and comments(net.read_text()) == THREAD
    assert main([*words, "--check"]) == 0 and main([*words, "--check", "--keras"]) == 0
    net.write_text(net.read_text().replace("(Keras: 8x8x20)", "(Keras: 20x8x8)"))
    capsys.readouterr()
    assert main([*words, "--check"]) == 1
    assert "line 15: the comment says 20x8x8 (Keras: 20x8x8), the line gives 20x8x8\n" in capsys.readouterr().out
    assert main([*words, "--write", "--keras"]) == 0 and comments(net.read_text()) == THREAD
    assert main([*words, "--write"]) == 0
    assert net.read_text().count("Keras") == 0 and len(comments(net.read_text())) == 7
    assert main([*words, "--check", "--keras"]) == 0


def test_what_sizes_alone_do_not_tell_is_left_out(net):
    """8x8x4 is two tensors laid differently; a picture without its batch has its maps where others have theirs."""
    assert comments(annotate("net.py:Two", (2, 4, 8, 8), both=True).text[str(net)]) == ["8x8x4", "8x8x4", "4x8x8 (Keras: 8x8x4)"]
    assert comments(annotate("net.py:Two", (2, 4, 9, 8), both=True).text[str(net)]) == [
        "8x9x4 (Keras: 9x4x8)", "9x8x4", "4x9x8 (Keras: 9x8x4)"]  # fmt: skip
    told = comments(annotate("net.py:Square", (2, 8, 8, 8), both=True).text[str(net)])
    assert told == ["8x8x8, 8x64", "8x8x8", "8x8x8", "8x8x8"]
    told = comments(annotate("net.py:Square", (2, 8, 4, 6), both=True).text[str(net)])
    assert told == ["8x4x6, 8x24 (Keras: 4x6x8, 8x24)", "4x6x8", "8x4x6 (Keras: 4x6x8)", "4x6x8"]
    assert comments(annotate("net.py:Alone", (1, 8, 6), both=True).text[str(net)]) == ["4x3", "4x3"]
    assert comments(annotate("net.py:Alone", (3, 8, 6), both=True).text[str(net)]) == ["4x3", "4x3"]


def test_a_line_too_wide_for_both_has_one(net):
    """Up to 120 columns; the rest is as without the option."""
    net.write_text(SOURCE.replace("x = self.conv1(x)", f"x = self.conv1(x)  # {'the first convolution, ' * 3}"))
    told = annotate("net.py:Net", (1, 1, 28, 28), both=True)
    assert comments(told.text[str(net)]) == ["10x24x24", *THREAD[1:]] and len(told.notes) == 1


def test_json(net, capsys):
    """An optional key of each line."""
    assert main(["annotate", "net.py:Net", *SHAPE, "--json", "--torch"]) == 0
    lines = json.loads(capsys.readouterr().out)["files"][0]["lines"]
    assert lines[0] == {"line": 13, "gives": "10x24x24", "there": "24x24x10"} and lines[-1] == {"line": 19, "gives": "10"}


@pytest.mark.parametrize("words, sentence", [
    (["--keras"], "whyshape: annotate needs your own code: whyshape annotate file.py:Net --input 1,1,28,28\n"),
    (["net.keras", "--keras"], "whyshape: annotate writes into Python code, and net.keras has none; name a model as file.py:Net\n"),
    (["net.py:Net", "--input", "1,1,H,28", "--keras"], "whyshape: a comment holds numbers: give a number for H\n"),
    (["net.py:Net", *SHAPE, "--keras=last"],
     "whyshape annotate: argument --keras/--torch: ignored explicit argument 'last'; see whyshape annotate --help\n"),
    (["net.py:Net", *SHAPE, "--keras", "--write", "--check"],
     "whyshape annotate: argument --check: not allowed with argument --write; see whyshape annotate --help\n"),
])  # fmt: skip
def test_bad_input(net, capsys, words, sentence):
    """One sentence each, exit code 2, nothing written."""
    assert main(["annotate", *words]) == 2
    assert capsys.readouterr() == ("", sentence) and net.read_text() == SOURCE
