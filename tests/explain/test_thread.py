"""The thread's own questions, answered for its own network."""

from __future__ import annotations

import re

import pytest
import torch

from whyshape import explain
from whyshape.errors import WhyshapeError
from whyshape.readers.notation import THREAD

CHAIN = "1x28x28 -> 10x24x24 -> 10x12x12 -> 20x8x8 -> 20x4x4 -> 320 -> 50 -> 10"


@pytest.fixture(scope="module")
def answer():
    return explain(THREAD, (1, 1, 28, 28))


def test_chain(answer):
    """The sizes in one line, as the thread's answer gives them."""
    assert answer.chain == CHAIN


@pytest.mark.parametrize(
    "formula",
    [
        "floor((28 + 2*0 - 1*(5-1) - 1)/1) + 1 = 24",
        "floor((24 + 2*0 - 1*(2-1) - 1)/2) + 1 = 12",
        "floor((12 + 2*0 - 1*(5-1) - 1)/1) + 1 = 8",
        "floor((8 + 2*0 - 1*(2-1) - 1)/2) + 1 = 4",
        "20*4*4 = 320",
        "10 kernels * (1 * 5 * 5) + 10 biases = 260",
        "20 kernels * (10 * 5 * 5) + 20 biases = 5020",
        "in_features=320: typed, must equal 20*4*4 from flatten.",
        "21,840 parameters",
    ],
)
def test_every_number_is_derived(answer, formula):
    """Each formula stands in the text with its numbers put in."""
    assert formula in answer.text(width=140)


def test_torch_and_notation_agree(answer, thread_net):
    """The network in one line and the network as PyTorch runs it have the same sizes and the same count of parameters."""
    traced = explain(thread_net, (1, 1, 28, 28))
    assert traced.chain == answer.chain == CHAIN
    assert sum(p.numel() for p in thread_net.parameters()) == 21_840
    made = thread_net(torch.zeros(1, 1, 28, 28))
    assert tuple(made.shape) == traced.graph.tensors[traced.graph.outputs[0]].shape


QUESTIONS = ["320", "10", "20", "50", "channels", "input", "keras", "conv_1.in_channels", "fc1.in_features", "conv_2.parameters"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_short(answer, question):
    """At most 85 words each."""
    words = re.findall(r"\S+", " ".join(answer.why(question).sentences))
    assert len(words) <= 85, len(words)


def test_why_320(answer):
    """The whole text: the product, each factor, the chain back to 28, and that 320 is not free."""
    assert " ".join(answer.why(320).sentences) == (
        "320 = 20 * 4 * 4. 20 [chosen] is conv_2's number of maps. 4 [=] comes from 28 -> 24 -> 12 -> 8 -> 4: "
        "conv_1: 28-5+1 = 24; maxpool_1: 24/2 = 12; conv_2: 12-5+1 = 8; maxpool_2: 8/2 = 4. "
        "fc.fc1 reads the output of relu_2: 20 maps of 4 x 4 numbers, laid in one row. "
        "You typed 320, but it is not free: with 28x28 images it must be 320."
    )


def test_why_10_has_three_reasons(answer):
    """10 is chosen, typed, and given by the task: three places, three reasons, none picked silently."""
    found = {r.where: (r.by, r.typed) for r in answer.why(10).reasons}
    assert found == {
        "conv.conv_1.out_channels": ("chosen", False),
        "conv.conv_2.in_channels": ("calculated", True),
        "fc.fc2.out_features": ("task", False),
    }


def test_320_must_be_320(thread_net):
    """The sentence "with 28x28 images it must be 320" is run: any other number is refused."""
    for n in (319, 321, 500):
        thread_net.fc.fc1 = torch.nn.Linear(n, 50)
        with pytest.raises(RuntimeError):
            thread_net(torch.zeros(1, 1, 28, 28))


def test_any_number_of_maps_works(thread_net):
    """The sentence "any whole number from 1 works; the next layer must take the same number in" is run."""
    for n in (1, 3, 11):
        thread_net.conv.conv_1 = torch.nn.Conv2d(1, n, 5)
        thread_net.conv.conv_2 = torch.nn.Conv2d(n, 20, 5)
        assert thread_net(torch.zeros(1, 1, 28, 28)).shape == (1, 10)


def test_a_number_that_is_not_there(answer):
    """777 does not occur: said, with what is near."""
    with pytest.raises(WhyshapeError, match=r"^777 does not occur; nearest: 510, 320, 260, 50, 28$"):
        answer.why(777)


def test_every_number_of_an_answer_can_be_asked(answer):
    """Sizes named in the answer for 320 are answered in turn."""
    for n in (24, 12, 8, 4, 28, 20):
        assert str(answer.why(n).sentences[0]).startswith(str(n))


@pytest.mark.parametrize("mine, slip", [(180, "+ 1"), (320, "is right")])
def test_somebody_elses_result(answer, mine, slip):
    """A wrong result is traced to the slip that makes it: 20*3*3 forgets the start."""
    assert slip in " ".join(answer.why(320, mine=mine).sentences)
