"""docs/keras.md: its code is run, its commands print what it shows, its tables hold."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from whyshape import explain
from whyshape.cli import main
from whyshape.readers.keras import read

PAGE = (Path(__file__).parents[2] / "docs" / "keras.md").read_text("utf-8")
SHOWN = re.findall(r"^\$ whyshape (.*)\n((?:(?!```).*\n)*)", PAGE, re.M)


def test_both_networks_give_the_same_numbers():
    """The blocks of Python one after another: two networks, and the weights moved as the page says."""
    scope = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(block, scope)
    x = torch.randn(2, 1, 28, 28)
    with torch.no_grad():
        wanted = scope["here"](x).numpy()
    got = keras.ops.convert_to_numpy(scope["there"](x.permute(0, 2, 3, 1).numpy(), training=False))
    assert np.abs(got - wanted).max() <= 1e-5
    chain = re.search(r"maps last: (.*)", PAGE).group(1)
    assert " -> ".join(dict.fromkeys(explain(read(scope["there"])).chain.split(" -> "))) == chain
    assert re.search(r"^1x28x28 -> .*", PAGE, re.M).group() == explain(scope["here"], (1, 1, 28, 28)).chain


@pytest.mark.parametrize("words, text", SHOWN, ids=[words for words, _ in SHOWN])
def test_what_is_shown_is_printed(words, text, capsys, monkeypatch):
    """Every line between the dots, in its order."""
    import shlex

    monkeypatch.setenv("COLUMNS", "100")
    assert main(shlex.split(words)) == 0
    printed = capsys.readouterr().out
    parts = [part.strip("\n") for part in re.split(r"^\.\.\.\n", text, flags=re.M) if part.strip()]
    assert len(SHOWN) == 4 and parts
    at = 0
    for part in parts:
        at = printed.index(part, at)


ALIKE = [
    ("Conv2d(3, 8, 3, stride=2, padding=1)", (1, 3, 28, 28), "it adds (0, 1), here (1, 1)"),
    ("ConvTranspose2d(4, 4, 3, 2, 1, 1)", (1, 4, 7, 7), "it cuts (0, 1) off, here (1, 0)"),
    ("MaxPool2d(3, 2, 1)", (1, 4, 9, 9), "a zero it adds wins"), ("AvgPool2d(3, 2, 1)", (1, 4, 9, 9), "it does not count the cells"),
    ("BatchNorm2d(20)", (1, 20, 4, 4), "its epsilon is 0.001"), ("LayerNorm(6)", (1, 6), "its epsilon is 0.001"),
    ("LeakyReLU()", (1, 6), "its slope is 0.3"), ("GELU()", (1, 6), "it takes the tanh form"),
    ("Flatten()", (1, 20, 4, 4), "for each place, all 20 maps"),
]  # fmt: skip


@pytest.mark.parametrize("layer, shape, because", ALIKE, ids=[layer for layer, *_ in ALIKE])
def test_each_row_of_the_table_is_said_of_its_layer(layer, shape, because):
    """What the table warns of, the layer's own line warns of; that the values differ is run in test_unlike and test_line."""
    from whyshape.analyses.words import Words

    graph = explain(layer, shape).graph
    assert because in " ".join(Words(graph).keras(graph.nodes[0]))
    assert layer.partition("(")[0] in PAGE
