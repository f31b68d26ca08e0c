"""Sixty common mistakes: what is proposed first is what people change, and every fix that claims to run does."""

from __future__ import annotations

import pytest
import torch
from cases_code import CODE
from cases_inputs import INPUTS
from mistakes import same

from whyshape.analyses.diagnose import diagnose
from whyshape.readers.torch.edit import CannotApply, Edits

MISTAKES = {**INPUTS, **CODE}


def broken(name):
    torch.manual_seed(0)
    return MISTAKES[name].broken()


@pytest.fixture(scope="module")
def found():
    kept = {}

    def of(name):
        if name not in kept:
            model, inputs = broken(name)
            kept[name] = diagnose(model, input_data=inputs)
        return kept[name]

    return of


@pytest.mark.parametrize("name", MISTAKES)
def test_the_mistake_fails(name):
    """The pair really fails in PyTorch, so that there is something to find."""
    model, inputs = broken(name)
    with pytest.raises(Exception):  # noqa: B017  (PyTorch's own refusals have no common type)
        model(*inputs)


@pytest.mark.parametrize("name", MISTAKES)
def test_what_people_change_is_among_the_first_three(name, found):
    """One of the first three fixes is one that people make, and the first is none that is known to be wrong."""
    fixes = [f.to_dict() for p in found(name).problems for f in p.fixes]
    assert any(same(f, w) for f in fixes[:3] for w in MISTAKES[name].fixes), [f["says"] for f in fixes[:3]]
    assert not any(same(fixes[0], w) for w in MISTAKES[name].wrong)


def test_mostly_it_is_the_first(found):
    """Of all mistakes, nine in ten have the right change in the first place."""
    first = [
        n for n in MISTAKES if any(same(f.to_dict(), w) for p in found(n).problems[:1] for f in p.fixes[:1] for w in MISTAKES[n].fixes)
    ]
    assert len(first) >= 0.9 * len(MISTAKES), sorted(set(MISTAKES) - set(first))


@pytest.mark.parametrize("name", MISTAKES)
def test_verified_fixes_run_on_real_numbers(name, found):
    """Each fix that says "verified" runs in plain PyTorch, on the user's numbers, and keeps the batch."""
    fixes = [f for p in found(name).problems for f in p.fixes if f.verified]
    assert fixes
    for fix in fixes[:6]:
        model, inputs = broken(name)
        edits = Edits(model, list(inputs), real=True)
        edits.apply(fix.edits)
        with torch.no_grad():
            edits.model(*edits.args)


def test_an_edit_without_meaning_is_refused():
    """No such layer, no such argument, no such type: said, not passed over."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 4))
    for edit in (
        {"layer": "7", "attr": "in_features", "value": 1},
        {"layer": "0", "attr": "colour", "value": 1},
        {"insert": "NoLayer", "before": "0", "args": {}},
        {},
    ):
        with pytest.raises(CannotApply):
            Edits(model, []).apply([edit])


def test_edits_are_taken_back():
    """After a run with edits the copy is what it was, layer for layer."""
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(9, 2))
    before = [(p, id(m), dict(vars(m))) for p, m in model.named_modules()]
    edits = Edits(model, [torch.zeros(1, 1, 5, 5)])
    edits.apply(
        [
            {"layer": "0", "attr": "padding", "value": 1},
            {"insert": "Flatten", "before": "2", "args": {}},
            {"input": "unsqueeze", "dim": 0},
            {"mode": "eval"},
        ]
    )
    assert edits.model is model and model[0].padding == (1, 1) and edits.args[0].dim() == 5
    edits.take_back()
    assert [(p, id(m), dict(vars(m))) for p, m in model.named_modules()] == before and edits.args[0].dim() == 4
