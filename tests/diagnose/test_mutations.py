"""Zoo models with one thing changed: the change is undone, or something equivalent found, among the first three fixes."""

from __future__ import annotations

import pytest
from mutations import NETS, mutations, undone

from whyshape.analyses.diagnose import diagnose

QUICK = ("alexnet", "vgg11", "resnet18", "squeezenet1_1", "mobilenet_v3_small")


def places(count, seed, nets):
    for mutation in mutations(count, seed, nets):
        found = diagnose(mutation.model, mutation.shape)
        place = undone(mutation, [f for p in found.problems[:1] for f in p.fixes[:3]])
        yield mutation.name, place


def test_mutations_of_small_networks():
    """40 seeded mutations: at least nine in ten among the first three."""
    missed = [name for name, place in places(40, 1, QUICK) if place is None]
    assert len(missed) <= 4, missed


@pytest.mark.full
def test_mutations_of_the_zoo():
    """500 seeded mutations over sixteen networks: at least nine in ten among the first three."""
    missed = [name for name, place in places(500, 0, NETS) if place is None]
    assert len(missed) <= 50, missed
