"""What `solve` says of Keras: random answers are run by both frameworks on a random picture."""

import random

import jsonschema
import keras
import numpy as np
import pytest
import torch
from torch import nn

from whyshape.analyses.solve import solve
from whyshape.analyses.solve_keras import sentences
from whyshape.analyses.translate_weights import to_keras
from whyshape.cli import main
from whyshape.rules.twins import Move

IN, OUT = 2, 3  # maps
WORDS = {**{k: v for k, v in vars(keras.layers).items() if k[0].isupper()}, "ops": keras.ops, "filters": OUT}
MOVE = Move("weight", (2, 3, 1, 0))


def module(setting):
    """The answer in PyTorch, as printed."""
    made = eval(f"Sequential({str(setting).replace(' > ', ', ')})", {**vars(nn), "C_in": IN, "C_out": OUT})
    return made.eval()


def run(steps, x, layer):
    """Keras' numbers for the steps, maps first, with the weights of PyTorch's layer."""
    state = {name: value.numpy() for name, value in layer.state_dict().items()}
    x = np.moveaxis(x.numpy(), 1, -1)
    for step in steps:
        if step.startswith("ops."):
            x = eval(step, {"x": x, **WORDS})
            continue
        made = eval(step, dict(WORDS))
        made.build(tuple(x.shape))
        if made.weights:
            made.set_weights([to_keras(state["weight"], MOVE, made.weights[0].shape), state["bias"]])
        x = made(x)
    return np.moveaxis(keras.ops.convert_to_numpy(x), -1, 1)


@pytest.fixture(scope="module")
def answers():
    """Random answers to random questions about one size: (its layer, the size, its words in Keras)."""
    draw, found = random.Random(9), []
    for op, count in (("conv", 90), ("pool", 60), ("transpose", 60)):
        while count:
            n, m = draw.randint(6, 19), draw.randint(3, 12)
            n, m = (m, n) if op == "transpose" else (n, m)
            asked = solve(
                n,
                m,
                op=op,
                kernel_size=range(1, 6),
                padding=range(4),
                **({"same": "keras"} if draw.random() < 0.1 and op == "conv" else {}),
            )
            if asked:
                i = draw.randrange(len(asked))
                found.append((asked[i].layers[0], n, m, asked.keras(i)[0]))
                count -= 1
    return found


@torch.no_grad()
def test_random_answers_give_the_numbers_claimed(answers):
    """Where there is code, equal size and values; where code is said to be alike, an equal size and other values."""
    torch.manual_seed(0)
    same = alike = none = 0
    for setting, n, m, there in answers:
        made = module(setting)
        x = torch.randn(1, IN, n, n) - (4 if setting.op == "pool" else 0)  # below zero: a zero that is added shows
        wanted = made(x).numpy()
        assert wanted.shape[2:] == (m, m)
        for steps, why in there.alike:
            got = run(steps, x, made[-1])
            assert got.shape == wanted.shape and np.abs(got - wanted).max() > 1e-4, (setting, n, steps, why)
            alike += 1
        if there.steps:
            got = run(there.steps, x, made[-1])
            assert got.shape == wanted.shape and np.abs(got - wanted).max() < 1e-4, (setting, n, there.steps)
            same += 1
        else:
            assert there.because, setting
            none += 1
    assert same >= 120 and alike >= 30 and none >= 20, (same, alike, none)


@torch.no_grad()
@pytest.mark.parametrize(
    "question, words, sizes",
    [
        ("224 -> 112 for every even size", {"kernel_size": (3, 5)}, (8, 10, 14)),
        ("9 -> 9 for every size", {"kernel_size": (3, 4, 5)}, (5, 6, 7, 8)),
        ("28..31 -> 7", {"op": "pool"}, (28, 29, 30, 31)),
        ("27..28 -> 14", {"op": ("conv", "pool"), "kernel_size": (2, 3)}, (27, 28)),
        ("7 -> 14 for every size", {"op": "transpose", "kernel_size": (2, 3, 4)}, (5, 6, 7, 8)),
    ],
)
def test_for_every_size_means_every_size(question, words, sizes):
    """One code for all of them, unless a size is named: then it is for that one."""
    asked = solve(question, **words)
    everywhere = 0
    for i, one in enumerate(asked):
        (setting,), (there,) = one.layers, asked.keras(i)
        made = module(setting)
        for n in (s for s in sizes if s >= (one.start or 1)):
            x = torch.randn(1, IN, n, n) - (4 if setting.op == "pool" else 0)
            wanted = made(x).numpy()
            for steps, why in there.alike if there.at in (None, n) else ():
                got = run(steps, x, made[-1])
                assert got.shape == wanted.shape and np.abs(got - wanted).max() > 1e-4, (setting, n, steps, why)
            if there.steps and there.at in (None, n):
                got = run(there.steps, x, made[-1])
                assert got.shape == wanted.shape and np.abs(got - wanted).max() < 1e-4, (setting, n, there)
        everywhere += bool(there.steps) and there.at is None
    assert everywhere


def test_the_sentences(capsys):
    """The first answer's always; a size is named where the code serves that one only."""
    first = lambda *asked, **words: sentences((found := solve(*asked, **words)).keras(), found[0].sizes)
    assert first(28, 14) == [
        "in Keras: ZeroPadding2D(1), then Conv2D(filters, 3, strides=2)",
        "Conv2D(filters, 3, strides=2, padding='same') also gives 14, but not the same values: it adds (0, 1), here (1, 1)",
    ]
    assert first(27, 14) == ["in Keras at 27: Conv2D(filters, 3, strides=2, padding='same')"]
    assert first("27..28 -> 14", kernel_size=3) == ["in Keras: ZeroPadding2D(1), then Conv2D(filters, 3, strides=2)"]
    assert first(28, 28) == ["in Keras: Conv2D(filters, 3, padding='same')"]
    assert first(28, 14, kernel_size=3, dilation=2) == ["no twin in Keras: Keras refuses strides and dilation both above 1"]
    assert first("27 -> 7 in 2 layers", kernel_size=3, padding=1, stride=2, dilation=1) == [
        "in Keras at 27: Conv2D(filters, 3, strides=2, padding='same'), then ZeroPadding2D(1), then Conv2D(filters, 3, strides=2)",
        "Conv2D(filters, 3, strides=2, padding='same') also gives 7, but not the same values: it adds (0, 1), here (1, 1)",
    ]
    asked = ["solve", "28 -> 14", "--kernel-size", "3..5", "--dilation", "1"]
    assert main(asked) == 0
    assert capsys.readouterr().out.count("    in Keras") == 1
    assert main([*asked, "--keras"]) == 0
    assert capsys.readouterr().out.count("    in Keras") == 3


def test_as_data():
    """An optional key of each setting, after the published schema."""
    import json
    from importlib.resources import files

    schema = json.loads(files("whyshape").joinpath("schemas/solve.v1.json").read_text("utf-8"))
    found = solve(28, 14, kernel_size=3)
    for keras_too, many in ((False, 1), (True, len(found))):
        data = found.to_dict(keras_too)
        jsonschema.validate(data, schema)
        assert [("keras" in one) for one in data["solutions"]] == [True] * many + [False] * (len(found) - many)
    assert data["solutions"][0]["keras"] == [
        {
            "steps": ["ZeroPadding2D(1)", "Conv2D(filters, 3, strides=2)"],
            "because": None,
            "at": None,
            "alike": [{"steps": ["Conv2D(filters, 3, strides=2, padding='same')"], "because": "it adds (0, 1), here (1, 1)"}],
        }
    ]
