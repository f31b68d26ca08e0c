"""Every function and layer of PyTorch has a rule, or a reason why not."""

from __future__ import annotations

import re

import pytest
from without_rule import FUNCTIONS, MODULES, PLACES, bare, layers, reason

from whyshape.rules import LAYERS


@pytest.mark.parametrize("place", PLACES)
def test_functions(place):
    """No function is left out without a word."""
    assert [n for n in bare(place) if reason(n, FUNCTIONS) is None] == []


def test_layers():
    """No layer is left out without a word, and none that has a form stands among the reasons."""
    assert [n for n in layers() if n not in LAYERS and reason(n, MODULES) is None] == []
    assert [n for n in layers() if n in LAYERS and reason(n, MODULES)] == []


def test_reasons_are_needed():
    """Each reason is somebody's: a pattern that no name needs any more goes."""
    left = [n for place in PLACES for n in bare(place)]
    assert [p for p in FUNCTIONS if not any(re.fullmatch(p, n) for n in left)] == []
    assert [p for p in MODULES if not any(re.fullmatch(p, n) for n in layers())] == []
