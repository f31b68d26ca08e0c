"""A network written in one line is diagnosed as PyTorch's own layers; and what runs wrongly is a finding."""

import json

import pytest

from whyshape import WhyshapeError, diagnose
from whyshape.cli import main

MIXES = "conv 10 5 > pool 2 > conv 20 5 > pool 2 > flatten > Linear(320, 10)"


def test_fixes_of_a_line():
    """As of the same network in a class: the picture's size first, then the layer's."""
    (problem,) = diagnose(MIXES, (1, 1, 32, 32)).problems
    assert [fix.edits[0] for fix in problem.fixes[:2]] == [
        {"input": "resize", "hw": (28, 28)},
        {"layer": "5", "attr": "in_features", "value": 500},
    ]
    assert all(fix.verified for fix in problem.fixes)


def test_it_runs():
    assert diagnose(MIXES, (1, 1, 28, 28)).exit_code == 0


@pytest.mark.parametrize("line", ["LayerNorm(?) > Linear(3, 5)", "Conv2d(1, ?, 5)", "Linear(4, 2, bias='x', depth=3)"])
def test_what_cannot_be_built(line):
    with pytest.raises(WhyshapeError, match="cannot be built"):
        diagnose(line, (1, 3))


def test_what_runs_wrongly_is_a_finding(capsys):
    """Exit code 1, and nobody says that there is nothing to repair."""
    words = ["diagnose", "conv 10 5 > linear 3", "--input", "1,1,28,28"]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "but not as it should" in said and "nothing to repair" not in said and "a flatten is missing" in said
    assert main([*words, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["fits"] and [h["severity"] for h in told["hazards"]] == ["error"]
