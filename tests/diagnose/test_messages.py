"""Messages are read right: PyTorch says them, and the numbers are known."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyshape.analyses.diagnose.message import read_message
from whyshape.analyses.diagnose.reading import read
from whyshape.errors import WhyshapeError
from whyshape.readers.torch import read as trace

zeros = torch.zeros
# What PyTorch of today says: (a call that fails, the kind, what is wanted, what arrives)
SAID = {
    "linear": (lambda: F.linear(zeros(16, 500), zeros(50, 320)), 320, 500),
    "channels": (lambda: F.conv2d(zeros(1, 1, 28, 28), zeros(8, 3, 3, 3)), 3, 1),
    "rank": (lambda: F.conv2d(zeros(64, 784), zeros(8, 1, 3, 3)), 4, 2),
    "view": (lambda: zeros(4, 48, 37, 67).view(-1, 7776), 7776, 475968),
    "cat": (lambda: torch.cat([zeros(2, 9, 44), zeros(2, 9, 43)], 1), 44, 43),
    "broadcast": (lambda: zeros(2, 197, 8) + zeros(1, 577, 8), 577, 197),
    "window": (lambda: F.conv1d(zeros(1, 4, 3), zeros(8, 4, 4)), 4, 3),
    "batch": (lambda: F.cross_entropy(zeros(25, 3), zeros(16, dtype=torch.long)), 25, 16),
    "target": (lambda: F.cross_entropy(zeros(4, 7, 9), zeros(4, 7, dtype=torch.long)), [4, 9], [4, 7]),
    "target_same": (lambda: F.binary_cross_entropy_with_logits(zeros(8, 1), zeros(8)), [8, 1], [8]),
    "target_rank": (lambda: F.cross_entropy(zeros(8, 3), zeros(8, 1, dtype=torch.long)), 1, None),
    "normalized_shape": (lambda: F.layer_norm(zeros(4, 256, 20, 20), [256]), [256], [4, 256, 20, 20]),
    "features": (lambda: F.batch_norm(zeros(4, 256), zeros(512), zeros(512)), 512, 256),
    "one_value": (lambda: nn.BatchNorm1d(8)(zeros(1, 8)), 2, 1),
    "state": (lambda: nn.GRU(8, 4)(zeros(5, 3, 8), zeros(2, 3, 4)), [1, 3, 4], [2, 3, 4]),
    "stack": (lambda: torch.stack([zeros(3, 4), zeros(3, 5)]), [3, 4], [3, 5]),
    "padding": (lambda: F.pad(zeros(1, 1, 8, 12), (9, 9, 9, 9), mode="reflect"), 8, 9),
    "index": (lambda: F.embedding(torch.tensor([7]), zeros(5, 2)), None, None),
    "target_index": (lambda: F.cross_entropy(zeros(1, 3), torch.tensor([5])), None, 5),
    "heads": (lambda: nn.MultiheadAttention(64, 7), None, None),
    "groups": (lambda: nn.Conv2d(10, 20, 3, groups=3), None, None),
    "checkpoint": (lambda: nn.Linear(3, 4).load_state_dict(nn.Linear(3, 5).state_dict()), [4, 3], [5, 3]),
    "axis": (lambda: zeros(4).sum(1), None, 1),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAID)
def test_what_pytorch_says_today(kind):
    """The message of this PyTorch is recognised, with what was wanted and what arrived, and told in sentences."""
    call, wanted, arrived = SAID[kind]
    with pytest.raises((RuntimeError, ValueError, IndexError, AssertionError)) as caught:
        call()
    found = read(str(caught.value))
    assert found is not None, str(caught.value)
    assert (found.kind, found.wanted, found.arrived) == (kind, wanted, arrived)
    assert read_message(str(caught.value)).sentences


OLD = [
    ("size mismatch, m1: [5 x 6272], m2: [800 x 5] at /tmp/THTensorMath.cpp:41", "linear", 800, 6272),
    ("mat1 dim 1 must match mat2 dim 0", "linear", None, None),
    ("Given groups=1, weight of size 64 3 3 3, expected input[1, 512, 512, 3] to have 3 channels, but got 512 channels instead", "channels", 3, 512),
    ("Expected 4-dimensional input for 4-dimensional weight 10 1 3 3, but got 2-dimensional input of size [100, 784] instead", "rank", 4, 2),
    ("Sizes of tensors must match except in dimension 1. Got 4 and 5 in dimension 2 (The offending index is 1)", "cat", 4, 5),
    ("The size of tensor a (4) must match the size of tensor b (196) at non-singleton dimension 1", "broadcast", 196, 4),
    ("Expected hidden[0] size (1, 64, 256), got (64, 256)", "state", [1, 64, 256], [64, 256]),
    ("size mismatch for fc.weight: copying a param with shape torch.Size([1000, 2048]) from checkpoint, the shape in current model is torch.Size([3, 2048])",
     "checkpoint", [3, 2048], [1000, 2048]),
    ("CUDA error: device-side assert triggered", "assert", None, None),
    ("Expected target size (4, 12778), got torch.Size([4, 100])", "target", [4, 12778], [4, 100]),
]  # fmt: skip


@pytest.mark.parametrize("text, kind, wanted, arrived", OLD)
def test_older_wordings(text, kind, wanted, arrived):
    """What older versions and other devices say is read the same."""
    found = read(text)
    assert (found.kind, found.wanted, found.arrived) == (kind, wanted, arrived)


def test_mat1_and_mat2_alone():
    """Words alone: what is data, what is layer, and what to look at."""
    answer = read_message("mat1 and mat2 shapes cannot be multiplied (16x500 and 320x50)")
    assert answer.sentences == (
        "500 numbers arrive where 320 are wanted: mat1 is your data, 16 rows of 500 numbers; mat2 is the layer, which wants 320 and gives 50.",
        "If 16 is not your batch, rows were cut or never flattened; else the picture has another size than the layer was made for, or in_features must be 500.",
    )


def test_with_the_model_the_cause_and_tried_fixes(thread_net):
    """The thread's network on 32 x 32: 500 = 20*5*5, and three ways out that were run."""
    graph = trace(thread_net, (16, 1, 32, 32))
    text = str(read_message("mat1 and mat2 shapes cannot be multiplied (16x500 and 320x50)", graph, thread_net).sentences)
    assert "500 = 20*5*5" in text and "20 is chosen: out_channels of conv.conv_2" in text
    assert (
        "(a) x resized from 32x32 to 28x28 (old weights load); (b) Linear fc.fc1: in_features = 500, not 320 (new weights, train again)"
        in text
    )


def test_rows_that_became_more():
    """The loss complains, the cause is a view: 16 * 500 = 25 * 320."""
    conv = nn.Sequential(nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = conv, nn.Linear(320, 50)

        def forward(self, x):
            return self.fc(self.conv(x).view(-1, 320))

    graph = trace(Net(), (16, 1, 32, 32))
    text = " ".join(read_message("Expected input batch_size (25) to match target batch_size (16).", graph).sentences)
    assert "16 * 500 numbers = 8000 = 25 * 320: view(-1, 320) cut the numbers into rows of 320" in text


@pytest.mark.parametrize("text", ["", "   ", "something else went wrong"])
def test_words_nobody_knows(text):
    """One sentence, no traceback."""
    with pytest.raises(WhyshapeError):
        read_message(text)


def test_text_of_others_cannot_write_to_the_terminal():
    """Escapes in a message are shown, not obeyed."""
    answer = read_message("size mismatch for \x1b[31mfc: mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)")
    assert "\x1b" not in str(answer.question) and "\x1b" not in "".join(answer.sentences)


def test_the_thread_in_notation_is_tried_as_pytorch_runs_it():
    """Without a target the thread's network is meant: the fixes are tried on its PyTorch form."""
    from whyshape.readers.notation import THREAD, build, parse

    graph = build(parse(THREAD), (16, 1, 32, 32))
    text = " ".join(read_message("mat1 and mat2 shapes cannot be multiplied (16x500 and 320x50)", graph, THREAD).sentences)
    assert "(a) x resized from 32x32 to 28x28 (old weights load)" in text
