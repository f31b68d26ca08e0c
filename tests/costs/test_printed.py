"""Answers about costs print themselves, and their JSON is what the published schemas say."""

from __future__ import annotations

import csv
import io
import json
from importlib.resources import files

import jsonschema
import pytest
import torch
from torch import nn

from whyshape import explain
from whyshape.analyses.amount import Amount
from whyshape.analyses.memory import memory
from whyshape.analyses.parameters import parameters
from whyshape.cli import main
from whyshape.graph import State
from whyshape.readers.torch import read

THREAD = "Conv2d(1, 10, 5) > MaxPool2d(2) > ReLU > Conv2d(10, 20, 5) > MaxPool2d(2) > ReLU > Flatten > Linear(320, 50) > Linear(50, 10)"


@pytest.fixture(scope="module")
def told():
    return explain(THREAD, (1, 1, 28, 28))


def fits(data: dict) -> None:
    """The data is what the schema it names says: a JSON object with nothing missing."""
    name = data["schema"].removeprefix("whyshape.")
    schema = json.loads(files("whyshape").joinpath(f"schemas/{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"] == {"const": data["schema"]}
    jsonschema.validate(data, schema)


@pytest.mark.parametrize(
    "words",
    [
        ["costs"],
        ["costs", "--count", "torch", "--autocast", "bfloat16"],
        ["fit", "--memory", "1GB"],
        ["fit", "--memory", "1KB"],
        ["fit", "Conv2d(3, 8, 3)", "--input", "N,3,H,W", "--memory", "1MB"],
        ["field"],
        ["field", "Conv2d(1, 1, 3) > AdaptiveAvgPool2d(1) > Flatten > Linear(1, 2)", "2", "--input", "1,1,8,8"],
        ["field", "--cell", "3"],
        ["field", "conv.maxpool_2", "--cell", "1,2"],
        ["compare", "ReLU", "ReLU", "--input", "1,4"],
        ["compare", "Linear(4, 2)", "Linear(4, 3) > ReLU", "--input", "1,4"],
    ],
)
def test_commands_print_what_the_schema_says(words, capsys):
    main([*words, "--json"])
    fits(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("ask", ["memory", "costs", "parameters", "field"])
def test_answers_as_json(ask, told):
    answer = {
        "memory": lambda: told.memory(), "costs": lambda: told.costs, "parameters": lambda: told.parameters,
        "field": lambda: told.receptive_field("4"),
    }[ask]()  # fmt: skip
    fits(json.loads(answer.to_json()))


def test_what_nobody_knows_is_null_in_json():
    """An operator that keeps nobody knows what, and a lazy parameter."""
    graph = read(Unknown(), (2, 3))._replace(state=(State("weight", None), State("bias", (2,))))
    for answer in (memory(graph), parameters(graph)):
        fits(answer.to_dict())
    assert parameters(graph).to_dict()["rows"][0]["count"] is None


def test_a_schema_refuses_what_is_missing(told):
    data = told.memory().to_dict()
    del data["training"]
    with pytest.raises(jsonschema.ValidationError):
        fits(data)


class Unknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return torch.xlogy(self.fc(x), self.fc(x))


def test_memory_prints_itself(told):
    """Each line says what its field holds, in readable units: four bytes a number, eight an index of a maximum."""
    found = told.memory()
    lines = [line.rsplit("  ", 1) for line in str(found).splitlines()]
    assert [(head.strip(), text.strip()) for head, text in lines[4:9]] == [
        ("weights", "85.3 KiB"), ("buffers", "0 B"), ("gradients", "85.3 KiB"), ("optimizer state", "170.6 KiB"),
        ("kept for the backward pass", "51.4 KiB"),
    ]  # fmt: skip
    assert found.activations.value == 4 * (784 + 5760 + 1440 + 1280 + 320 + 50) + 8 * (1440 + 320)
    peaks = [f"{n.value / 1024:.1f} KiB" for n in (found.inference, found.training)]
    assert [text.strip() for _, text in lines[9:]] == peaks and len(lines) == 11


def test_memory_says_at_least_where_something_is_unknown():
    found = memory(read(Unknown(), (2, 3)))
    assert found.activations.missing == ("xlogy",)
    line = next(line for line in str(found).splitlines() if line.startswith("kept for the backward pass"))
    assert line.split(None, 5)[5] == "at least 24 B" and str(found).endswith("Not counted: xlogy.")


def test_operations_and_parameters_print_themselves(told):
    """The columns add up to the totals that are printed."""
    work = [line.split() for line in str(told.costs).splitlines()]
    assert ["3", "conv2d", "320,000", "1,280"] in work and ["macs", "480,500", "multiply-adds"] in [line[:3] for line in work]
    held = [line.split("  ") for line in str(told.parameters).splitlines()]
    assert "20 kernels * (10 * 5 * 5)" in [cell.strip() for line in held for cell in line]
    assert ["parameters", "21,840"] in [[cell.strip() for cell in line if cell.strip()] for line in held]


@pytest.mark.parametrize(
    "model, shape, layer, text",
    [
        (THREAD, (1, 1, 28, 28), "4", "sees 16x16 places, in steps of 4, from 0"),
        ("Conv2d(1, 1, (3, 5), stride=(1, 2), padding=1)", (1, 1, 9, 9), "0", "sees 3x5 places, in steps of 1 x 2, from -1"),
        ("Conv1d(1, 1, 3, dilation=2)", (1, 1, 9), "0", "sees 5 places, in steps of 1, from 0"),
        ("AdaptiveAvgPool2d(1)", (1, 1, 9, 9), "0", "sees the whole input"),
    ],
)
def test_receptive_fields_print_themselves(model, shape, layer, text):
    assert str(explain(model, shape).receptive_field(layer)) == text


def test_a_receptive_field_is_still_asked_by_axis(told):
    found = told.receptive_field("4")
    assert list(found) == [2, 3] and (found[2].size, found[2].stride) == (16, 4)


def test_tables_of_an_explanation(told, tmp_path):
    """Data frame, CSV and LaTeX hold the same sums."""
    assert told.to_pandas()["operations"].sum() == 480500
    rows = list(csv.DictReader(io.StringIO(told.to_csv(str(tmp_path / "costs.csv"), count="torch"))))
    assert sum(int(row["operations"]) for row in rows) == 2 * 480500
    assert (tmp_path / "costs.csv").read_text() == told.to_csv(count="torch")
    assert told.latex().startswith(r"\section*{") and r"10x24x24 $\to$ 10x12x12" in told.latex()


def test_an_amount_in_words():
    assert [Amount(1024).words(), Amount(5, ("nms",)).words(), Amount(None, ("nms",)).words()] == ["1,024", "at least 5", "unknown"]
