"""What every question gives as JSON fits its published schema, and every schema refuses a missing key."""

from __future__ import annotations

import json
from importlib.resources import files

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
    assert len(found) >= 18
    for file in found:
        data = json.loads(file.read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(data)
        assert data["title"] == f"whyshape.{file.name.removesuffix('.json')}"
