"""What every question gives as JSON fits its published schema, and every schema refuses a missing key."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import torch
from torch import nn

import whyshape
from whyshape.lab.network import ThreadNet

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        x = torch.relu(x)
        return self.fc(x)
"""


def schema(name: str) -> dict:
    return json.loads(files("whyshape").joinpath(f"schemas/{name}.v1.json").read_text("utf-8"))


def annotated(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    from whyshape.readers.target import load

    return whyshape.annotate(load(f"{tmp_path / 'net.py'}:Net"), input_size=(3, 4))


ANSWERS = {
    "diagnosis": [
        lambda _: whyshape.diagnose(ThreadNet(), input_size=(16, 1, 32, 32)),
        lambda _: whyshape.diagnose(ThreadNet(), input_size=(16, 1, 28, 28)),
        lambda _: whyshape.diagnose(nn.Linear(4, 2), input_data=(torch.zeros(3, 5),)),
    ],
    "survey": [lambda _: whyshape.survey(["Conv2d(1, 10, 5)", "no_such_package:net"])],
    "annotation": [annotated],
    "summary": [
        lambda _: whyshape.summary(ThreadNet(), (1, 1, 28, 28), verbose=0),
        lambda _: whyshape.summary(nn.Linear(4, 2), verbose=0),
    ],
    "value": [
        lambda _: whyshape.lab.value(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)), "0", (0, 0, 0), torch.ones(1, 1, 4, 4)),
        lambda _: whyshape.lab.value(nn.Sequential(nn.MaxPool2d(2), nn.ReLU()), "0", (0, 0, 0), torch.ones(1, 1, 4, 4)),
    ],
}
CASES = [(name, i) for name, answers in ANSWERS.items() for i in range(len(answers))]


@pytest.mark.parametrize("name, i", CASES)
def test_answers_fit_their_schema(tmp_path, name, i):
    """The data is what the schema says; without any required key it is refused."""
    data = json.loads(ANSWERS[name][i](tmp_path).to_json())
    jsonschema.validate(data, schema(name))
    for key in schema(name)["required"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({k: v for k, v in data.items() if k != key}, schema(name))


def test_every_schema_is_a_schema():
    """Draft 2020-12, titled by its own name."""
    found = [f for f in files("whyshape").joinpath("schemas").iterdir() if f.name.endswith(".json")]
    assert len(found) >= 20
    for file in found:
        data = json.loads(file.read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(data)
        assert data["title"] == f"whyshape.{file.name.removesuffix('.json')}"


def test_every_answer_has_a_schema():
    """What the sources call by a schema's name is published, but for what pages and folders of ours hold among themselves."""
    sources = [path.read_text("utf-8") for path in Path(whyshape.__file__).parent.rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"whyshape\.([a-z]+)\.v1", text)}
    published = {f.name.removesuffix(".v1.json") for f in files("whyshape").joinpath("schemas").iterdir() if f.name.endswith(".json")}
    assert named - published == {"play", "report", "trained"} and published <= named
