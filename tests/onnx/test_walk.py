"""What a user meets who walks a file through the commands: numbers at the layer they belong to, axes where the file keeps them."""

import json
import zipfile

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from test_diagnose_files import tower  # noqa: E402

from whyshape.analyses.field import fields, places  # noqa: E402
from whyshape.analyses.parameters import parameters  # noqa: E402
from whyshape.api import read  # noqa: E402
from whyshape.cli import main  # noqa: E402
from whyshape.readers.keras import layer  # noqa: E402


def test_weights_of_any_name_stand_at_the_layer_that_reads_them(tmp_path, capsys):
    """The initializers are called w and f; their 250 and 5,760 numbers are those of conv_1 and fc, and the rows add up to the total."""
    path = tower(tmp_path / "net.onnx")
    held = parameters(read(path))
    assert {r.module: r.count for r in held.rows} == {"conv_1": 250, "fc": 5760}
    assert held.under("conv_1").value == 250 and held.total.value == 6010
    assert main(["costs", path, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert sum(row["parameters"] for row in data["rows"]) == 6010


@pytest.mark.parametrize(
    "kind, shape, axes", [("Conv2D", (1, 8, 9, 3), (1, 2)), ("Conv1D", (1, 8, 3), (1,)), ("Conv3D", (1, 8, 9, 7, 3), (1, 2, 3))]
)
def test_places_of_a_picture_whose_maps_lie_last(kind, shape, axes):
    """Height and width, not width and maps: a kernel of 3 sees 3 x 3."""
    graph = layer(kind, {"filters": 4, "kernel_size": 3, "name": "conv"}, shape)
    assert places(graph, graph.inputs[0]) == axes
    assert [f.size for f in fields(graph).of(graph.nodes[0]).values()] == [3] * len(axes)


def test_what_a_lambda_takes_is_not_told(tmp_path, capsys):
    """Code in a file is never run: nothing is known of what follows, and "any size" would be a guess."""
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "i"}},
        {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "x"}}}},
    ]  # fmt: skip
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}}))
    assert main(["accepts", str(tmp_path / "net.keras")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "whyshape: Which inputs s takes cannot be told: l: a Lambda is code, and code in a file is never run; what follows"
    )
