"""The catalogue of families is true, and only saves time: without it everything is found too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from whyshape.rules import LAYERS, RULES, base, shelf


def test_the_catalogue_is_true():
    """It is what `python -m whyshape.rules.shelf` writes."""
    assert (Path(shelf.HERE) / "catalogue.py").read_text("utf-8") == shelf.text()


def test_one_layer_loads_few_families():
    """Explaining a convolution leaves most families where they are."""
    code = (
        "import sys, whyshape; str(whyshape.layer('Conv2d(1, 10, 5)', (1, 28, 28))); "
        "print(len([m for m in sys.modules if m.startswith('whyshape.rules.')]))"
    )
    loaded = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert loaded < len(shelf.families()) // 2


def test_unknown_names_and_questions():
    """A name nobody has is not found; a question nobody asks cannot be answered."""
    assert RULES.get("no_such_operator") is None and "no_such_operator" not in RULES
    with pytest.raises(KeyError):
        LAYERS["NoSuchLayer"]
    with pytest.raises(TypeError, match="'colour' is no question"):
        base.told("colour", "blue", "relu")


def test_without_the_catalogue(monkeypatch, tmp_path):
    """A file that is missing costs time, not answers."""
    code = "import whyshape.rules.shelf as s; s._catalogue['rules'] = {}; from whyshape.rules import RULES; print(RULES['conv2d'].names[0])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "conv2d"
