"""`whyshape accepts` as it is typed: words, JSON, one size asked for, and bad input."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest

from whyshape.cli import main

THREAD = "conv 10 5 > pool 2 > conv 20 5 > pool 2 > flatten > Linear(320, 50)"
PADDED = "Conv2d(3, 4, 3) > AdaptiveAvgPool2d(2) > Flatten > Linear(16, 10)"


def asked(capsys, *words):
    """The exit code, what stands on stdout, what on stderr."""
    code = main(["accepts", *words])
    out, err = capsys.readouterr()
    return code, out, err


def as_data(capsys, *words):
    """The exit code, and the answer as data that keeps to the published schema."""
    code, out, err = asked(capsys, *words, "--json")
    data = json.loads(out)
    schema = json.loads(files("whyshape").joinpath("schemas/accepts.v1.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)
    assert not err
    return code, data


def test_in_words(capsys):
    """The thread's network without a word about it: the set, the evidence, and the layers that decide it."""
    assert asked(capsys) == (
        0,
        "H and W 28..31; or H 16..19, W 76..79, either way round; or H 20..23, W 44..47, either way round\n"
        "N: any size\n"
        "proved; 8 inputs run again, members and neighbours outside: all agree\n"
        "\n"
        "what decides it:\n"
        "  H at least 16: conv.maxpool_2 (MaxPool2d)\n"
        "  W at least 16: conv.maxpool_2 (MaxPool2d)\n"
        "  20*floor((H - 12)/4)*floor((W - 12)/4) = 320: fc.fc1 (Linear)\n",
        "",
    )


@pytest.mark.parametrize("words, code, axes", [
    ((THREAD, "--input", "1,1,S,S"), 0, [{"S": {"runs": [[28, 31]], "from": None}}]),
    ((PADDED, "--input", "N,3,H,7"), 0,
     [{"N": {"runs": [], "from": 1, "modulus": 1, "remainders": [0]}, "H": {"runs": [], "from": 3, "modulus": 1, "remainders": [0]}}]),
    ((PADDED, "--input", "N,1,H,W"), 1, []),
    ((THREAD, "--input", "16,1,S,S", "--for", "28"), 0, [{"S": {"runs": [[28, 31]], "from": None}}]),
    ((THREAD, "--input", "N,1,H,W", "--for", "32x32"), 1, None),
    ((), 0, None),
])  # fmt: skip
def test_as_data(capsys, words, code, axes):
    """The schema holds, and the blocks are the set."""
    found, data = as_data(capsys, *words)
    assert found == code
    if axes is not None:
        assert [b["axes"] for b in data["blocks"]] == axes
        assert (data["empty"] is None) == bool(axes)


@pytest.mark.parametrize("size, fits", [("28x28", True), ("31x28", True), ("20x44", True), ("32x32", False), ("27x28", False)])
def test_for_a_size(capsys, size, fits):
    """Whether it fits, as an exit code, in words and as data."""
    code, out, _ = asked(capsys, "--for", size)
    high, wide = size.split("x")
    assert code == (not fits)
    assert f"H={high}, W={wide} {'fits' if fits else 'does not fit'}." in out.splitlines()
    code, data = as_data(capsys, "--for", size)
    assert code == (not fits)
    assert data["for"]["sizes"] == {"H": int(high), "W": int(wide)} and data["for"]["fits"] is fits
    assert bool(data["for"]["changes"]) is not fits


def test_what_to_change_so_that_a_size_fits(capsys):
    """512 x 512: the nearest input that fits, then changes of the network, with what each costs; each was run."""
    _, out, _ = asked(capsys, "--for", "512x512")
    changes = out.partition("changes, each run again:\n")[2].replace("\n    ", " ").splitlines()  # a long one goes on in the next line
    assert changes[0] == "  an input of 31x31, the nearest that fits"
    assert "  Linear fc.fc1: in_features = 312500, not 320 (new weights, train again)" in changes
    assert "  AdaptiveMaxPool2d(4) for MaxPool2d conv.maxpool_2: 20*4*4 = 320 for every picture (old weights load)" in changes


def test_the_changes_are_true():
    """What was told for 512 x 512, done by hand and run by PyTorch."""
    torch = pytest.importorskip("torch")
    from whyshape.lab.network import ThreadNet

    x = torch.zeros(1, 1, 512, 512)
    wide, pooled = ThreadNet(), ThreadNet()
    with pytest.raises(RuntimeError):
        wide(x)
    wide.fc.fc1 = torch.nn.Linear(312500, 50)
    pooled.conv.maxpool_2 = torch.nn.AdaptiveMaxPool2d(4)
    with torch.no_grad():
        assert wide(x).shape == pooled(x).shape == ThreadNet()(x[..., :31, :31]).shape == (1, 10)


def test_a_network_in_notation_is_told_the_nearest_size(capsys):
    """Without a module there is nothing to repair: the nearest input is told."""
    code, out, _ = asked(capsys, THREAD, "--input", "1,1,H,W", "--for", "32x33")
    assert code == 1 and out.endswith("H=32, W=33 does not fit.\nchanges, each run again:\n  an input of 31x31, the nearest that fits\n")


@pytest.mark.parametrize("words, said", [
    ((PADDED, "--input", "N,1,H,W"), "no size fits: 0 (Conv2d) refuses every size: "),
    (("Conv2d(1, 20, 5) > MaxPool2d(2) > Flatten > Linear(321, 50)", "--input", "N,1,H,W"),
     "no size fits: 3 (Linear) wants 20*floor((H - 4)/2)*floor((W - 4)/2) = 321, which no size meets"),
    (("Flatten > Linear(100, 5) > Unflatten(1, (5, 1)) > Flatten > Linear(6, 1)", "--input", "1,H,W"),
     "no size fits: 4 (Linear) refuses every size that reaches it: "),
    (("PixelUnshuffle(2) > Flatten > Linear(12, 1)", "--input", "1,1,H,4"),
     "no size fits: 2 (Linear) wants 8*floor(H/2) = 12, which no size meets"),
    (("ReflectionPad2d(3) > Flatten > Linear(70, 1)", "--input", "1,1,H,4"),
     "no size fits: 0 (ReflectionPad2d) wants H at least 4, and 2 (Linear) wants H 1: no size meets both"),
])  # fmt: skip
def test_an_empty_set_is_a_finding(capsys, words, said):
    """Exit 1, and which demands exclude each other."""
    code, out, _ = asked(capsys, *words)
    assert code == 1 and out.startswith(said), out


BAD = [
    (("--input", "1,1,28,28"), "no axis is free: write a letter where any size may stand, as --input N,3,H,W, or ('N', 3, 'H', 'W') in Python"),
    ((THREAD,), "an input is needed, with letters for free axes: add --input, as --input N,3,H,W"),
    (("--input", "1,1,H%,W"),
     "'1,1,H%,W' is not a shape: 'H%' is neither a whole number from 0 up nor a letter; write 1,3,224,224 or N,3,H,W"),
    (("--input", "1,1,-3,W"),
     "'1,1,-3,W' is not a shape: '-3' is neither a whole number from 0 up nor a letter; write 1,3,224,224 or N,3,H,W"),
    (("--input", "N,N,H,W"), "the shape 'N,N,H,W' names N twice; the batch is one axis"),
    (("--input", f"1,1,{2**63},W"), f"the shape '1,1,{2**63},W' is beyond 2^63 - 1, the largest size PyTorch can hold"),
    (("--for", f"{2**63}x28"), f"the shape '{2**63}x28' is beyond 2^63 - 1, the largest size PyTorch can hold"),
    (("--for", "512"), "--for takes a size from 1 up for each of H, W, as 512x512; '512' arrived"),
    (("--for", "HxW"), "--for takes a size from 1 up for each of H, W, as 512x512; 'HxW' arrived"),
    (("--for", "0x28"), "--for takes a size from 1 up for each of H, W, as 512x512; '0x28' arrived"),
    ((THREAD, "--input", "1,1,S,S", "--for", "28x28"), "--for takes a size from 1 up for each of S, as 512; '28x28' arrived"),
    (("Conv2d(1, 20, 5) > MaxPool2d(?)", "--input", "1,1,H,W"),
     "MaxPool2d(?) leaves a number open that what comes in does not decide; "
     "`whyshape explain` with an input of fixed sizes looks for it"),
]  # fmt: skip


@pytest.mark.parametrize("words, said", BAD, ids=[" ".join(words)[:60] for words, _ in BAD])
def test_bad_input(capsys, words, said):
    """One sentence on stderr, nothing on stdout, exit 2."""
    assert asked(capsys, *words) == (2, "", f"whyshape: {said}\n")


def test_unknown_letters():
    """A letter that the question does not have."""
    from whyshape import accepts
    from whyshape.errors import WhyshapeError

    with pytest.raises(WhyshapeError) as caught:
        accepts(THREAD, (1, 1, "H", "W")).contains(H=28, D=28)
    assert str(caught.value) == "D is no free axis here; free are H, W"
