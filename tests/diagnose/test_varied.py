"""The first fixes are different ideas, where another idea is about as likely."""

from __future__ import annotations

from whyshape.analyses.diagnose.lines import RESIZE
from whyshape.analyses.diagnose.problem import OLD, Fix
from whyshape.analyses.diagnose.run import NEARLY, varied


def fix(rank, *edits):
    return Fix(edits, "", OLD, True, rank)


SMALL, LARGE = {"input": "resize", "hw": (96, 96)}, {"input": "resize", "hw": (128, 128)}
LEFT, RIGHT = ({"forward": f"{s}: ...", "at": "net.py:3", "old": "a + b", "new": f"{RESIZE}({s}) + b"} for s in "ab")
HEADS = {"layer": "fc", "attr": "in_features", "value": 5}


def test_two_sizes_are_one_idea():
    """Another size of the picture stands behind what changes the model, though it is a little likelier."""
    assert [f.edits for f in varied([fix(1.0, SMALL), fix(1.7, LARGE), fix(2.0, HEADS)])] == [(SMALL,), (HEADS,), (LARGE,)]


def test_a_much_less_likely_idea_waits():
    """What is far less likely does not come forward for being new."""
    assert [f.edits for f in varied([fix(1.0, SMALL), fix(1.7, LARGE), fix(1.8 + NEARLY, HEADS)])] == [(SMALL,), (LARGE,), (HEADS,)]


def test_either_side_resized_is_one_idea():
    """Which of the two sides is resized is a detail; several edits are another idea than one of them."""
    given = [fix(1.0, LEFT), fix(1.1, RIGHT), fix(1.2, SMALL), fix(1.3, SMALL, HEADS)]
    assert [f.edits for f in varied(given)] == [(LEFT,), (SMALL,), (SMALL, HEADS), (RIGHT,)]


def test_the_first_stays_first_and_none_is_lost():
    given = [fix(0.5 + i / 10, {"layer": "", "attr": "heads", "value": i}) for i in range(4)]
    assert varied(given) == given and varied([]) == []
