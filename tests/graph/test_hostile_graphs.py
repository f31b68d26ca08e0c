"""Graphs in JSON that mean harm: a graph or one sentence, before anything large is made of them."""

import copy
import json

import pytest

from whyshape.errors import WhyshapeError
from whyshape.graph import Builder, Graph
from whyshape.graph.json import to_json
from whyshape.readers.jsongraph import read

HEAD = b'{"schema":"whyshape.graph.v1","name":"n","sizes":['


def sound() -> dict:
    net = Builder("sound")
    x = net.layer("Conv2d", "conv", net.input((1, 3, 8, 8), name="x"), args=(3, 4, 3))
    x = net.call("flatten", net.call("relu", x), 1)
    return to_json(net.graph(net.layer("Linear", "fc", x, args=(144, 2))))


def changed(**words) -> bytes:
    return json.dumps({**sound(), **words}).encode()


def squares(times: int) -> list:
    return [{"op": "*", "args": [10**18, 10**18], "value": 10**36}] + [
        {"op": "*", "args": [{"size": i}, {"size": i}], "value": 10 ** (36 * 2 ** (i + 1))} for i in range(times)]  # fmt: skip


HOSTILE = {
    "ten million lists": (HEAD + b"[]," * 10**7 + b"0]}", "would take more than 640 MiB"),
    "six million objects": (HEAD + b"{}," * 6_500_000 + b"0]}", "would take more than 640 MiB"),
    "more than 64 MiB": (b" " * (64 * 2**20 + 1), "may have 67108864 bytes"),
    "lists a million deep": (b"[" * 10**6, "nested too deeply"),
    "objects a million deep": (b'{"a":' * 10**6, "nested too deeply"),
    "a million nodes that are none": (changed(nodes=[{}] * 10**6), "is damaged"),
    "a million digits": (HEAD + b"9" * 10**6 + b"]}", "This is not JSON"),
    "a size read before it is made": (changed(sizes=[{"op": "+", "args": [{"size": 0}, 1], "value": 1}]), "is damaged"),
    "sizes that square": (changed(sizes=squares(5)), "256 bits"),
    "not a number": (json.dumps(sound()).replace("[1, 3, 8, 8]", "[1, 3, NaN, 8]").encode(), "whole numbers"),
    "without end": (json.dumps(sound()).replace("[1, 3, 8, 8]", "[1, 3, Infinity, 8]").encode(), "whole numbers"),
    "text for a size": (json.dumps(sound()).replace("[1, 3, 8, 8]", '[1, 3, "8", 8]').encode(), "whole numbers"),
    "another coding": (json.dumps(sound()).encode("utf-16") + b"\xff", "This is not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_graphs_are_refused_in_one_sentence(case):
    """By their size, their depth, the room their values would take, or by what they claim."""
    content, said = HOSTILE[case]
    with pytest.raises(WhyshapeError) as caught:
        read(content)
    assert said in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_call_that_reads_what_it_makes():
    """A cycle: the rules are asked again in order, and what is claimed is not what they make."""
    data = sound()
    data["nodes"][0]["args"]["tuple"][0] = {"ref": data["nodes"][-1]["outputs"]["tuple"][0]}
    with pytest.raises(WhyshapeError):
        read(json.dumps(data).encode())


def places(value, path=()):
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


ODD = [None, True, -1, 0, 10**30, 1.5, float("nan"), "x", [], {}, [[]], {"ref": 99}, {"ref": 0}, {"size": 99}, {"tuple": 5}, {"dict": [1]}]


def test_any_value_anywhere():
    """Every value of a sound graph replaced by every odd one: a graph, or a sentence."""
    data, refused = sound(), 0
    for path in list(places(data)):
        for odd in ODD:
            made = copy.deepcopy(data)
            inner = made
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            try:
                assert isinstance(read(json.dumps(made).encode()), Graph)
            except WhyshapeError as error:
                refused += 1
                assert "\n" not in str(error)
    assert refused > 1000


def test_a_long_sound_graph_is_read():
    """The bounds leave room for what people have: by its bytes and values, a graph of 100,000 calls passes."""
    from whyshape.readers.jsongraph import COSTS, LARGEST, ROOM

    net = Builder("long")
    x = net.input((1, 4, 8, 8))
    for i in range(200):
        x = net.call("relu", net.layer("Conv2d", f"blocks.{i}.conv", x, args=(4, 4, 3), kwargs={"padding": 1}))
    text = json.dumps(to_json(net.graph(x)), separators=(",", ":")).encode()
    assert len(read(text).nodes) == 400
    assert len(text) * 250 < LARGEST
    assert sum(cost * text.count(mark) for mark, cost in COSTS.items()) * 250 < ROOM
