"""The formulas behind a mismatch: what one run found serves the next, and a demand of a few numbers says what the whole says."""

from __future__ import annotations

import gc

import pytest
from torch import nn

from whyshape.analyses.diagnose import diagnose
from whyshape.analyses.diagnose.case import Case
from whyshape.analyses.diagnose.trail import Compiled, Trail
from whyshape.readers.torch.trial import Patient
from whyshape.sizes import Cond, leaf, scaled


def two_places():
    """A network with a norm and a head of other widths: its first case, and the one behind it."""
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.BatchNorm2d(9), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(100, 10)
    )
    patient = Patient(net.eval(), (2, 3, 12, 12))
    first = Case(patient, patient.run())
    first.trail.demand, first.trail.size(first.call_inputs[0], 2)  # asked, so that they are known
    edits = ({"layer": "3", "attr": "num_features", "value": 16},)
    return first, Case(patient, patient.run(edits), edits, first)


def test_the_next_trail_takes_over_what_is_the_same():
    """Nothing is asked twice, and every size has the formula a fresh trail finds."""
    first, then = two_places()
    taken = then.trail
    assert set(first.trail.known) <= set(taken.known) and taken.asked
    fresh = Trail(then.graph, then.call_inputs)
    for tensor, axis in list(taken.known):
        assert repr(taken.size(tensor, axis)) == repr(fresh.size(tensor, axis))
    assert str(taken.demand) == str(fresh.demand)


def test_nothing_is_taken_over_from_other_inputs():
    """Another picture: no formula of the first run is believed."""
    first, _ = two_places()
    trial = first.patient.run(({"input": "resize", "hw": (20, 20)},))
    assert not Trail(trial.graph, [], first.trail).known


def test_sizes_behind_the_change_are_asked_again():
    """The layer whose argument changed, and all behind it, have formulas of their own."""
    first, _ = two_places()
    edits = ({"layer": "2", "attr": "out_channels", "value": 9},)
    then = Case(first.patient, first.patient.run(edits), edits, first)
    conv = next(n for n in then.graph.nodes if n.path == "2")
    assert conv.index not in then.trail.asked
    assert then.trail.size(conv.outputs[0], 1) == 9


@pytest.mark.parametrize("height, kernel", [(28, 5), (30, 3), (5, 5), (64, 7)])
def test_a_demand_as_a_function(height, kernel):
    """Both sides as functions of the numbers that vary: what plain arithmetic gives for any other values."""

    def sides(h, k, c):
        places = scaled(2 * ((h - k) // 2 + 1), 0.5)
        return c * places * places, 20 * (c - 1)

    h, k, c = leaf(28, "height", by="input"), leaf(5, "kernel_size"), leaf(20, "channels")
    compiled = Compiled(Cond("==", *sides(h, k, c)))
    assert compiled.sides([id(h)], [id(k)])(height, kernel) == sides(height, kernel, 20)
    assert compiled.sides([id(c)])(height) == sides(28, 5, height)
    assert compiled.sides()() == sides(28, 5, 20)


def test_the_collector_runs_again_afterwards():
    """Paused while changes are tried; whether it ran before decides whether it runs after."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 6))
    diagnose(net, (2, 3))
    assert gc.isenabled()
    gc.disable()
    try:
        diagnose(net, (2, 3))
        assert not gc.isenabled()
    finally:
        gc.enable()
