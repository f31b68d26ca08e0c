"""Asking one node again: what the rule says, and what it cannot tell."""

from whyshape.graph import Builder, Problem, Ref
from whyshape.graph.derive import derive


def test_a_rule_that_cannot_tell_derives_nothing():
    """How often each row is repeated stands in a tensor: a call that was refused there has no formula, and asking is no error."""
    net = Builder("repeated")
    x, times = net.input((4, 5)), net.input((2,), dtype="int64")
    refused = Problem("", {}, "repeat_interleave", args=(Ref(x.index), Ref(times.index)), kwargs={"dim": 0})
    told = Problem("", {}, "repeat_interleave", args=(Ref(x.index), 3), kwargs={"dim": 0})
    graph = net.graph(x)
    assert derive(graph, refused) is None
    assert derive(graph, told).shapes == ((12, 5),)
