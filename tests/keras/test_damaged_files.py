"""Files that are not what their suffix says: one sentence and exit code 2, from explain and from translate."""

import random

import pytest

from whyshape.cli import main
from whyshape.graph import Builder
from whyshape.readers import jsongraph

keras = pytest.importorskip("keras")
onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A whole file of each kind, by suffix."""
    folder = tmp_path_factory.mktemp("good")
    net = Builder("one layer")
    jsongraph.write(net.graph(net.layer("Linear", "fc", net.input((1, 4), name="x"), args=(4, 2))), folder / "net.json")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(folder / "net.keras")
    info = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    onnx.save(
        onnx.helper.make_model(onnx.helper.make_graph([node], "one", [info("x", 1, [1, 4])], [info("y", 1, [1, 4])])), folder / "net.onnx"
    )
    return {suffix: (folder / f"net.{suffix}").read_bytes() for suffix in ("json", "keras", "onnx")}


OTHER = {"json": "keras", "keras": "onnx", "onnx": "json"}
DAMAGE = {
    "truncated": lambda good, suffix: good[suffix][: len(good[suffix]) // 2],
    "of another kind": lambda good, suffix: good[OTHER[suffix]],
    "a directory": lambda good, suffix: None,
    "empty": lambda good, suffix: b"",
    "random": lambda good, suffix: random.Random(0).randbytes(4000),
}
SAID = {"json": "is not JSON: ", "keras": "is not a .keras file, or it is damaged: ", "onnx": "is not an ONNX file, or it is damaged: "}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("suffix", SAID)
def test_one_sentence(suffix, damage, good, tmp_path, capsys):
    """The file's name and what is wrong with it, on one line; translate says the same, or that it translates no such file."""
    path = tmp_path / f"net.{suffix}"
    content = DAMAGE[damage](good, suffix)
    path.mkdir() if content is None else path.write_bytes(content)
    said = "cannot be read: " if content is None else SAID[suffix]
    for words in (
        ["explain", str(path)],
        ["translate", str(path), "--to", "torch"],
        ["translate", str(path), "--to", "keras", "--input", "1,4"],
    ):
        assert main(words) == 2
        out, err = capsys.readouterr()
        assert not out and err.startswith("whyshape: ") and err.count("\n") == 1 and err.rstrip().endswith((".", ")")), err
        if words[0] == "explain" or (suffix == "keras" and words[3] == "torch"):
            assert f"{str(path)!r} {said}" in err


def test_whole_files_are_read(good, tmp_path):
    """The same files, undamaged: what the sentences above are about is the damage."""
    for suffix, content in good.items():
        (tmp_path / f"net.{suffix}").write_bytes(content)
        assert main(["explain", str(tmp_path / f"net.{suffix}")]) == 0
