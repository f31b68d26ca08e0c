"""`solve` against every combination run by plain PyTorch, and against Keras in values."""

import itertools
import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from whyshape.analyses.settings import RANGES, Setting
from whyshape.analyses.solve import parse, solve
from whyshape.cli import main
from whyshape.errors import WhyshapeError


@torch.no_grad()
def made(op, n, kernel_size, stride, padding, dilation, output_padding=0, ceil_mode=0):
    """What PyTorch makes of n cells; 0 where it refuses."""
    x, w = torch.zeros(2, 1, n), torch.zeros(1, 1, kernel_size)
    try:
        if op == "conv":
            return F.conv1d(x, w, None, stride, padding, dilation).shape[-1]
        if op == "pool":
            return F.max_pool1d(x, kernel_size, stride, padding, dilation, bool(ceil_mode)).shape[-1]
        return F.conv_transpose1d(x, w, None, stride, padding, output_padding, 1, dilation).shape[-1]
    except (RuntimeError, ValueError):
        return 0


@pytest.mark.parametrize(
    "op, source, target",
    [(op, *pair) for op in ("conv", "pool") for pair in ((28, 14), (14, 28), (7, 3), (5, 1))] + [("transpose", 14, 28)],
)
def test_equals_enumeration(op, source, target):
    """Exactly the combinations of the whole range for which PyTorch makes that size."""
    ranges = RANGES[op]
    every = [dict(zip(ranges, values)) for values in itertools.product(*ranges.values())]
    wanted = {tuple(s.values()) for s in every if made(op, source, **s) == target}
    found = {tuple(getattr(s.layers[0], name) for name in RANGES[op]) for s in solve(source, target, op=op)}
    assert found == wanted


@pytest.mark.parametrize(
    "text", ["224 -> 112 for every even size", "9 -> 9 for every size", "10 -> 5 for every multiple of 10", "6 -> 12 for every odd size"]
)
@pytest.mark.parametrize("op", ["conv", "pool", "transpose"])
def test_every_size_means_every_size(text, op):
    """A setting is given exactly if it keeps the ratio for all sizes asked, from its start on; checked up to 40 by PyTorch."""
    asked = parse(text)
    ranges = {"kernel_size": (1, 2, 3, 4), "stride": (1, 2), "padding": (0, 1), "dilation": 1}
    found = {s.layers[0]: s.start or 1 for s in solve(text, op=op, **ranges)}
    sizes = [n for n in asked.sizes & asked.sizes.between(1, 40) if n * asked.target % asked.source == 0]
    rest = {k: (0, 1) for k in RANGES[op] if k not in ranges}
    for values in itertools.product((1, 2, 3, 4), (1, 2), (0, 1), (1,), *rest.values()):
        setting = dict(zip([*ranges, *rest], values))
        right = [made(op, n, **setting) == n * asked.target // asked.source for n in sizes]
        start = found.get(Setting(op, **setting))
        named = made(op, asked.source, **setting) == asked.target
        if start is None:
            assert not (all(right[-10:]) and named), setting
        else:
            assert all(ok for n, ok in zip(sizes, right) if n >= start), setting
            assert start == 1 or not right[sizes.index(max(n for n in sizes if n < start))], setting


def test_the_usual_come_first():
    """What most networks use stands at the top."""
    top = lambda *a, **k: str(solve(*a, **k)[0]).partition("   ")[0]
    assert top(28, 14) == "Conv2d(C_in, C_out, kernel_size=3, stride=2, padding=1)"
    assert top(28, 28) == "Conv2d(C_in, C_out, kernel_size=3, padding=1)"
    assert top(28, 24) == "Conv2d(C_in, C_out, kernel_size=5)"
    assert top(24, 12, op="pool") == "MaxPool2d(kernel_size=2)"
    assert top(112, 56, op="pool", kernel_size=3) == "MaxPool2d(kernel_size=3, stride=2, padding=1)"
    assert top(14, 28, op="transpose") == "ConvTranspose2d(C_in, C_out, kernel_size=2, stride=2)"


def test_the_formula_is_put_in():
    """The sum with its numbers, for each."""
    assert solve(28, 14, kernel_size=3, dilation=1)[0].formulas == ("floor((28 + 2*1 - 1*(3-1) - 1)/2) + 1 = 14",)
    assert solve(14, 28, op="transpose", kernel_size=4)[0].formulas == ("(14-1)*2 - 2*1 + 1*(4-1) + 0 + 1 = 28",)


def test_ranges_of_inputs():
    """28..31 -> 14: a setting for all four at once."""
    found = solve("28..31 -> 7", op=("conv", "pool"))
    assert str(found[0]).startswith("MaxPool2d(kernel_size=4)")
    for s in found:
        assert {s.layers[0].out(n) for n in (28, 29, 30, 31)} == {7}


def test_stacks():
    """Every stack of two small layers, counted and listed, against all pairs run by PyTorch."""
    ranges = {"kernel_size": (2, 3), "stride": (1, 2), "padding": (0, 1), "dilation": 1}
    found = solve("28 -> 7 in 2 layers", **ranges)
    singles = [dict(zip(("kernel_size", "stride", "padding"), v), dilation=1) for v in itertools.product((2, 3), (1, 2), (0, 1))]
    wanted = {(*a.values(), *b.values()) for a in singles for b in singles if (n := made("conv", 28, **a)) and made("conv", n, **b) == 7}
    flat = lambda s: tuple(n for layer in s.layers for n in (layer.kernel_size, layer.stride, layer.padding, layer.dilation))
    assert {flat(s) for s in found} == wanted and found.total == len(wanted)
    costs = [sum(layer.cost for layer in s.layers) for s in found]
    assert costs == sorted(costs)


def test_a_long_stack_is_counted_without_being_listed():
    """The thread-sized question: 224 -> 7 in 5 layers, the five usual halvings first."""
    found = solve("224 -> 7 in 5 layers")
    assert found[0].sizes == (224, 112, 56, 28, 14, 7) and {(s.kernel_size, s.stride, s.padding) for s in found[0].layers} == {(3, 2, 1)}
    assert found.total > 10**12 and len(found) == 200


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own call, with this numpy
@pytest.mark.parametrize("n, k, s", [(n, k, s) for n in (7, 8, 28) for k in (2, 3, 5) for s in (1, 2, 3)])
def test_the_values_of_keras_same(n, k, s):
    """The padding that is told gives Keras' own numbers, not only its size."""
    keras = pytest.importorskip("keras")
    layer = keras.layers.Conv1D(1, k, s, padding="same", use_bias=False)
    x = torch.arange(1.0, n + 1).reshape(1, n, 1) ** 2 % 7
    wanted = np.asarray(layer(x).detach()).ravel()
    (found,) = solve(n, len(wanted), kernel_size=k, stride=s, dilation=1, same="keras")
    setting = found.layers[0]
    y = F.pad(x.reshape(1, 1, n), setting.pad or (0, 0))
    weight = torch.as_tensor(np.asarray(layer.kernel.detach() if hasattr(layer.kernel, "detach") else layer.kernel)).reshape(1, 1, k)
    ours = F.conv1d(y, weight, None, s, setting.padding)
    assert np.allclose(ours.detach().numpy().ravel(), wanted, atol=1e-5)


@pytest.mark.parametrize(
    "act, said",
    [
        (lambda: solve("28 and 14"),
         "'28 and 14' is not read; write 28 -> 14, 28..31 -> 14, 224 -> 7 in 5 layers, or 224 -> 112 for every even size"),
        (lambda: solve("31..28 -> 14"), "the range 31..28 is empty: its end comes before its start"),
        (lambda: solve("0 -> 14"), "sizes are at least 1"),
        (lambda: solve(28, 2**63), f"the target is a whole number from 1 to 2^63 - 1, {2**63} arrived"),
        (lambda: solve(28, 14, op="dense"), "op is conv, pool, transpose; 'dense' arrived"),
        (lambda: solve(28, 14, width=3),
         "'width' is no setting; they are ceil_mode, dilation, kernel_size, output_padding, padding, stride"),
        (lambda: solve(28, 14, stride=-1), "stride must be whole numbers from 0 up, -1 arrived"),
        (lambda: solve(28, 14, kernel_size=range(10**6)), "these ranges hold 48,000,000 combinations; at most 1,048,576 are looked at"),
        (lambda: solve("28 -> 14 for every blue size"),
         "'every blue size' is not read; write every size, every even size, every odd size, every multiple of 4, "
         "every size from 28 to 31"),
        (lambda: solve("28 -> 14 for every even size", same="keras"),
         "Keras' same pads by the size that comes in: ask it for one size, as 224 -> 112"),
    ],
)  # fmt: skip
def test_bad_questions(act, said):
    """One sentence each."""
    with pytest.raises(WhyshapeError) as caught:
        act()
    assert str(caught.value) == said


def test_the_command(capsys):
    """Settings on stdout; exit code 1 where there are none, 2 where the question is none."""
    assert main(["solve", "28 -> 14", "--kernel-size", "3..5", "--dilation", "1"]) == 0
    assert (
        "\n  Conv2d(C_in, C_out, kernel_size=3, stride=2, padding=1)\n    floor((28 + 2*1 - 1*(3-1) - 1)/2) + 1 = 14\n"
        in capsys.readouterr().out
    )
    assert main(["solve", "28 -> 99"]) == 1
    capsys.readouterr()
    assert main(["solve", "28 -> 14", "--stride", "3..1"]) == 2
    assert capsys.readouterr().err == "whyshape: --stride 3..1 is empty: its end comes before its start\n"


@pytest.mark.parametrize("words, code", [
    (["28 -> 14", "--op", "conv", "--op", "pool", "--op", "transpose"], 0),
    (["224 -> 112 for every even size", "--kernel-size", "3..7"], 0),
    (["224 -> 7 in 5 layers", "--kernel-size", "3,5,7", "--dilation", "1"], 0),
    (["224 -> 112", "--same-as", "keras", "--kernel-size", "3"], 0),
    (["28..31 -> 7", "--op", "pool"], 0),
    (["28 -> 99"], 1),
])  # fmt: skip
def test_as_data(capsys, words, code):
    """`--json` keeps to the published schema, and says what `solve` says."""
    assert main(["solve", *words, "--json"]) == code
    data = json.loads(capsys.readouterr().out)
    schema = json.loads(files("whyshape").joinpath("schemas/solve.v1.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)
    assert bool(data["solutions"]) == (code == 0) and data["total"] >= len(data["solutions"])
    for found in data["solutions"]:
        assert [n["formula"].endswith(f" = {size}") for n, size in zip(found["layers"], found["sizes"][1:])] == [True] * len(
            found["layers"]
        )


@pytest.mark.parametrize("words, said", [
    (["31..28 -> 14"], "the range 31..28 is empty: its end comes before its start"),
    (["28 -> 14", "--kernel-size", "x"], "--kernel-size takes whole numbers as 3, 3..7 or 1,3,5; 'x' arrived"),
    (["28 -> 14", "--padding", "0..99999"], "--padding 0..99999 holds more than 10,000 values"),
    (["9223372036854775808 -> 14"], "a size is a whole number from 1 to 2^63 - 1, 9223372036854775808 arrived"),
    (["28 -> " + "9" * 50], "a size is a whole number from 1 to 2^63 - 1, a number of 50 digits arrived"),
    (["fourteen"], "'fourteen' is not read; write 28 -> 14, 28..31 -> 14, 224 -> 7 in 5 layers, or 224 -> 112 for every even size"),
])  # fmt: skip
def test_bad_commands(capsys, words, said):
    """One sentence on stderr, nothing on stdout, exit 2."""
    assert main(["solve", *words]) == 2
    assert capsys.readouterr() == ("", f"whyshape: {said}\n")


@pytest.mark.parametrize("words, said", [
    (["28 -> 14", "--keras=3"], "argument --keras: ignored explicit argument '3'"),
    (["28 -> 14", "--tensorflow"], "there is no option '--tensorflow'"),
    (["28 -> 14", "--op", "dense"], "argument --op: invalid choice: 'dense'"),
    (["28 to", "14"], "'14' is one word too many; put words with blanks in quotes"),
    ([], "the following arguments are required: QUESTION"),
])  # fmt: skip
def test_words_that_mean_nothing(capsys, words, said):
    """Said by the parser, with where to look it up."""
    assert main(["solve", *words]) == 2
    out, err = capsys.readouterr()
    assert (
        out == "" and err.startswith(f"whyshape solve: {said}") and err.endswith("; see whyshape solve --help\n") and err.count("\n") == 1
    )


def test_lines_fit_eighty_columns_and_say_the_same():
    """Broken between layers and before the sum, nowhere inside a layer."""
    for question, op in (("28 -> 14", "pool"), ("224 -> 7 in 5 layers", "conv"), ("14 -> 28", "transpose"), ("28..31 -> 7", "pool")):
        found = solve(question, op=op, **({"kernel_size": (3, 5), "dilation": 1} if "layers" in question else {}))
        lines = found.text().splitlines()
        assert max(map(len, lines)) <= 80
        assert max(map(len, found.text(keras=True).splitlines())) <= 80
        text = " ".join(" ".join(lines).split())
        for one in found[:12]:
            assert " ".join(str(one).split()) in text


def test_answers_as_json_text():
    found = solve(28, 14, kernel_size=3)
    assert json.loads(found.to_json()) == found.to_dict()
    assert found.to_json(2).startswith('{\n  "schema"')


def test_whole_numbers_of_any_kind():
    asked = solve(np.int64(28), np.int32(14), kernel_size=np.int64(3), stride=np.arange(1, 4))
    assert asked.to_dict() == solve(28, 14, kernel_size=3, stride=(1, 2, 3)).to_dict()
    json.loads(asked.to_json())
    for wrong in (28.0, True, np.float32(28), None, np.array([28, 29])):
        with pytest.raises(WhyshapeError, match="the size is a whole number"):
            solve(wrong, 14)
    with pytest.raises(WhyshapeError, match="kernel_size must be whole numbers"):
        solve(28, 14, kernel_size="3")
