"""Bad input: one sentence, what to do next, the exit code of the contract, no traceback."""

from __future__ import annotations

import pytest

from whyshape.cli import main

NETS = """
import torch
from torch import nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return F.log_softmax(self.fc2(F.relu(self.fc1(torch.flatten(x, 1)))), dim=1)

class Needs(nn.Module):
    def __init__(self, depth):
        super().__init__()

class Two(nn.Module):
    def forward(self, x, y):
        return x + y

class Broken(nn.Module):
    def forward(self, x):
        return x.nothing

class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(x)

def explodes():
    raise ValueError("no data here")

number = 3
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "wrong.py").write_text("import nothing_of_that_name\n")
    monkeypatch.chdir(tmp_path)


CASES = [
    # (words, exit code, the whole sentence)
    ("explain nope.py:Net --input 1", 2, "whyshape: there is no file nope.py"),
    ("explain no_such_package.models:net --input 1", 2, "whyshape: there is no module 'no_such_package.models'; write a file as no_such_package.models.py:Net, or install the package"),
    ("explain wrong.py:Net --input 1", 3, "whyshape: wrong.py could not be imported: ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    ("explain nets.py:Nett --input 1", 2, "whyshape: nets.py has no 'Nett'; it has Net"),
    ("explain nets.py", 2, "whyshape: nets.py is a file; name the model in it: nets.py:Net or :Needs or :Two or :Broken or :..."),
    ("explain nets.py:number --input 1", 2, "whyshape: nets.py:number is of type int; a model, its class, or a function that makes one is wanted"),
    ("explain nets.py:explodes --input 1", 3, "whyshape: nets.py:explodes could not be built: ValueError: no data here"),
    ("explain nets.py:Needs --input 3", 2, "whyshape: nets.py:Needs: missing a required argument: 'depth'; write the arguments with the target, as nets.py:Needs(depth=...)"),
    ("explain nets.py:Net", 2, "whyshape: an input is needed: try --input 1,1,224,224 (its first convolution takes 1 channel)"),
    ("explain nets.py:Net --input 28x", 2, "whyshape: '28x' is not a shape: '' is neither a whole number from 0 up nor a letter; write 1,3,224,224 or N,3,H,W"),
    ("explain nets.py:Net --input=-1,1,28,28", 2, "whyshape: '-1,1,28,28' is not a shape: '-1' is neither a whole number from 0 up nor a letter; write 1,3,224,224 or N,3,H,W"),
    ("explain nets.py:Net --input N,N", 2, "whyshape: the shape 'N,N' names N twice; the batch is one axis"),
    ("explain nets.py:Net --input 1,1,99999999999999999999,28", 2, "whyshape: the shape '1,1,99999999999999999999,28' is beyond 2^63 - 1, the largest size PyTorch can hold"),
    ("explain nets.py:Two --input 3", 2, "whyshape: the model's forward takes (x, y), 1 input arrived: missing a required argument: 'y'; give one shape for each, as --input twice or input_size=[(...), (...)]"),
    ("explain nets.py:Net --input 1,1,28,28 --input 3", 2, "whyshape: the model's forward takes (x), 2 inputs arrived: too many positional arguments; give one shape for each, as --input twice or input_size=[(...), (...)]"),
    ("explain nets.py:Net --input 1,1,28,28 --dtype float33", 2, "whyshape: dtype 'float33' is unknown; known are bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex32, complex64, complex128"),
    ("why 777", 2, "whyshape: 777 does not occur; nearest: 510, 320, 260, 50, 28"),
    ("why", 2, "whyshape: nothing is asked: write a number, a place or a step, as whyshape why 320"),
    ("why 24->13", 2, "whyshape: no layer turns 24 into 13; steps there are: 24->12, 28->24, 12->8, 8->4, 20->320"),
    ("why conv_1.nothing", 2, "whyshape: conv.conv_1 has no 'nothing'; it has groups, dilation, padding, stride, kernel_size, in_channels, out_channels, batch, channels, height, width, parameters"),
    ("layer Conv2d(1,10,5", 2, "whyshape: layer 1, 'Conv2d(1,10,5', cannot be read; write it as Conv2d(1, 10, kernel_size=5)"),
    ("layer Conv9d(1,10,5)", 2, "whyshape: layer 1, 'Conv9d', is not known here; did you mean Conv3d or Conv2d or Conv1d?"),
    ("layer Conv2d(1)", 2, "whyshape: Conv2d(1) cannot be built: missing 2 required positional arguments: 'out_channels' and 'kernel_size'"),
    ("expln", 2, "whyshape: there is no command 'expln'; did you mean explain"),
]  # fmt: skip


@pytest.mark.parametrize("words, code, sentence", CASES, ids=[c[0] for c in CASES])
def test_one_sentence(nets, capsys, words, code, sentence):
    """The whole text of the message, and nothing on stdout."""
    assert main(words.split(" ") if " --" in words or words.count(" ") > 1 else words.split(" ", 1)) == code
    said = capsys.readouterr()
    assert said.err.strip() == sentence
    assert said.out == ""


def test_the_models_own_error(nets, capsys):
    """A forward that raises something of its own: what and where, exit 3."""
    assert main(["explain", "nets.py:Broken", "--input", "3"]) == 3
    assert "whyshape: the model's forward raised AttributeError: 'Tensor' object has no attribute 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize("target, shape, says", [
    ("nets.py:Norm", "3,8,8", "3,8,8 has no batch axis; a batch of 1 was put in front."),
    ("nets.py:Net", "1,28,28", "1,28,28 has no batch axis; a batch of 1 was put in front."),
])  # fmt: skip
def test_a_missing_batch_axis_is_understood(nets, capsys, target, shape, says):
    """A rank that is one short is read as "no batch axis given", and said."""
    assert main(["explain", target, "--input", shape]) == 0
    assert says in capsys.readouterr().out


def test_a_mismatch_is_an_answer(nets, capsys):
    """What was derived until then is told; exit 1."""
    assert main(["explain", "nets.py:Net", "--input", "16,1,32,32"]) == 1
    out = capsys.readouterr().out
    assert "fc1 (Linear) cannot take what arrives: 320 features are wanted on the last axis, 500 arrive" in " ".join(out.split())
    assert "20*5*5 = 500" in out


@pytest.mark.parametrize("layer, says", [
    ("Linear(-1, 5)", "weight would have a size of -1; sizes are at least 0"),
    ("Conv2d(1, 1, 3, groups=0)", "groups"),
    ("MaxPool2d(0)", "must be at least 1, 0 was chosen"),
])  # fmt: skip
def test_layers_nobody_can_build(capsys, layer, says):
    """A constructor's own refusal is a finding."""
    assert main(["explain", layer]) == 1
    assert says in " ".join(capsys.readouterr().out.split())


def test_traceback_on_request(nets):
    """`--traceback` shows Python's own."""
    with pytest.raises(Exception, match="there is no file"):
        main(["explain", "nope.py:Net", "--input", "1", "--traceback"])
