"""Text, Markdown and JSON: widths, consoles, and names that are strangers' text."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import OrderedDict
from importlib.resources import files

import jsonschema
import pytest
import torch

from whyshape import explain
from whyshape.readers.notation import THREAD
from whyshape.writers.plain import safe

HOSTILE = ["a\x1b[31mred", "b\r\nspoof", "c\u202eltr", "d<script>alert(1)</script>", "e`|*_[x](y)", "f\x00\x07", "g$\\input{x}$", "h" * 300]


@pytest.fixture(scope="module")
def answer():
    return explain(THREAD, (1, 1, 28, 28))


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_text_keeps_to_the_width(answer, width):
    """No line is longer than the screen."""
    assert max(map(len, answer.text(width=width).splitlines())) <= width


@pytest.mark.parametrize("level", ["brief", "default", "full"])
def test_text_is_ascii(answer, level):
    """Everything of ours can be shown by any console."""
    assert answer.text(level).isascii()
    assert answer.markdown(level).isascii()


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_strangers_names_do_no_harm(name):
    """Control, bidi and escape characters of a module's name never reach the terminal or the Markdown."""
    net = torch.nn.Sequential()
    net.add_module(name, torch.nn.Conv2d(1, 2, 3))
    told = explain(net, (1, 1, 8, 8))
    for text in (told.text(), told.text("full"), told.markdown(), str(told.why(2))):
        assert safe(text) == text and "\x1b" not in text and "\r" not in text
    assert "<script>" not in told.markdown()
    assert json.loads(told.to_json())["layers"][0]["path"] == name


@pytest.mark.parametrize("shape", [(1, 1, 28, 28), ("N", 1, "H", "W"), (16, 1, 32, 32)])
def test_json_fits_its_schema(shape):
    """What is printed is what the published schema says, free axes and problems too."""
    schema = json.loads(files("whyshape").joinpath("schemas/explanation.v1.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(explain(THREAD, shape).to_json())
    jsonschema.validate(data, schema)
    assert (data["problem"] is None) == (shape != (16, 1, 32, 32))


def test_an_answer_fits_its_schema(answer):
    """The answer of `why` as data."""
    schema = json.loads(files("whyshape").joinpath("schemas/answer.v1.json").read_text("utf-8"))
    jsonschema.validate(json.loads(answer.why(320).to_json()), schema)


def test_free_axes_in_json():
    """A free axis stands as its letter or expression, with `at` its value."""
    data = explain(THREAD, ("N", 1, "H", "W")).to_dict()
    assert data["inputs"][0]["shape"] == ["N", 1, "H", "W"] and data["inputs"][0]["at"] == [1, 1, 28, 28]
    pool = next(layer for layer in data["layers"] if layer["path"] == "conv.maxpool_2")
    assert pool["outputs"][0]["shape"] == ["N", 20, "floor((H - 12)/4)", "floor((W - 12)/4)"]
    flat = next(layer for layer in data["layers"] if layer["path"] == "flatten")
    assert flat["outputs"][0]["shape"] == ["N", "20*floor((H - 12)/4)*floor((W - 12)/4)"]


def test_colours_only_where_wanted(answer, monkeypatch):
    """NO_COLOR and pipes get plain text; colour adds nothing but colour."""
    import re

    from whyshape.writers.text import colour, wants_colour

    class Screen:
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour("auto", Screen()) and not wants_colour("never", Screen()) and not wants_colour("auto", object())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour("auto", Screen()) and wants_colour("always", object())
    text = answer.text()
    assert re.sub(r"\x1b\[[0-9;]*m", "", colour(text)) == text != colour(text)


def test_latex_has_no_empty_list():
    """LaTeX refuses a description without an item; cards of layers that change nothing have none."""
    text = explain(THREAD, (1, 1, 28, 28)).latex()
    assert "relu" in text and "\\begin{description}\n\\end{description}" not in text
    assert text.count("\\begin{description}") == text.count("\\end{description}") > 3


def test_latex_compiles(tmp_path):
    """In a plain article with booktabs and amsmath."""
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("needs pdflatex")
    body = explain(THREAD, (1, 1, 28, 28)).latex("full")
    (tmp_path / "x.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,amsmath}\\begin{document}\n" + body + "\n\\end{document}", "utf-8"
    )
    done = subprocess.run([latex, "-halt-on-error", "-interaction=nonstopmode", "x.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, [line for line in done.stdout.splitlines() if line.startswith("!")]


def test_alike_blocks_with_a_name_before_their_number():
    """Blocks named as a ViT names them that are alike stand in one row, with the parameters of all."""
    named = [(f"layer_{i}", torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())) for i in range(40)]
    text = explain(torch.nn.Sequential(OrderedDict(named)), (1, 4)).text()
    (row,) = [line for line in text.splitlines() if "layer_1..38" in line]
    assert " 760 " in row  # 38 * (4*4 + 4)
