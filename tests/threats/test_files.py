"""Files that mean harm: one sentence, quickly, in bounded memory, with nothing run and nothing else opened."""

import json
import random
import re
import resource
import struct
import subprocess
import sys
import time
import zipfile
from itertools import pairwise

import pytest

from whyshape.errors import WhyshapeError
from whyshape.graph import Graph
from whyshape.readers import keras as keras_files
from whyshape.readers import onnx as onnx_files
from whyshape.readers.safetensors import Stored, header

SECONDS = 2.0
ROOM = 200 * 2**20  # bytes that reading a bomb may take


# A few lines of protobuf, so that files can be made that no library would write.


def varint(n: int) -> bytes:
    n &= 2**64 - 1
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def part(number: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def count(number: int, n: int) -> bytes:
    return varint(number << 3) + varint(n)


def typed(name, *dims, elem=1) -> bytes:
    shape = b"".join(part(1, count(1, d) if isinstance(d, int) else part(2, d)) for d in dims)
    return part(1, name) + part(2, part(1, count(1, elem) + part(2, shape)))


def node(op, inputs, outputs, *attributes, domain="") -> bytes:
    body = b"".join(part(1, i) for i in inputs) + b"".join(part(2, o) for o in outputs) + part(4, op)
    return body + b"".join(part(5, a) for a in attributes) + (part(7, domain) if domain else b"")


def graph(nodes, inputs=(), outputs=(), constants=()) -> bytes:
    body = b"".join(part(1, n) for n in nodes) + b"".join(part(11, i) for i in inputs)
    return body + b"".join(part(12, o) for o in outputs) + b"".join(part(5, c) for c in constants)


def model(held: bytes, *functions: bytes) -> bytes:
    return count(1, 8) + part(7, held) + part(8, part(1, "") + count(2, 17)) + b"".join(part(25, f) for f in functions)


def integers(name, values, dims=None) -> bytes:
    return (
        b"".join(count(1, d) for d in dims or [len(values)])
        + count(2, 7)
        + part(8, name)
        + part(9, struct.pack(f"<{len(values)}q", *values))
    )


X, Y = typed("x", 2, 3), part(1, "y")


def chain(op, times, first="c", constants=()) -> bytes:
    """The same operator on its own result, over and over."""
    names = [first, *[f"v{i}" for i in range(times - 1)], "y"]
    return model(graph([node(op, [a, a], [b]) for a, b in pairwise(names)], [X], [Y], constants))


def deep_ifs(depth) -> bytes:
    """A branch in a branch in a branch."""
    inner = graph([node("Relu", ["x"], ["y"])], (), [Y])
    for _ in range(depth):
        inner = graph([node("If", ["x"], ["y"], part(1, "then_branch") + part(6, inner) + count(20, 5))], (), [Y])
    return model(graph([], [X]) + inner)


def function(name, *nodes) -> bytes:
    return (
        part(1, name)
        + part(10, "own")
        + part(4, "a")
        + part(5, "b")
        + b"".join(part(7, n) for n in nodes)
        + part(9, part(1, "") + count(2, 17))
    )


def doubling_functions(levels) -> bytes:
    made = [function("f0", node("Relu", ["a"], ["b"]))]
    for i in range(1, levels):
        made.append(function(f"f{i}", node(f"f{i - 1}", ["a"], ["m"], domain="own"), node(f"f{i - 1}", ["m"], ["b"], domain="own")))
    return model(graph([node(f"f{levels - 1}", ["x"], ["y"], domain="own")], [X], [Y]), *made)


ENDLESS = function("again", node("again", ["a"], ["b"], domain="own"))
BODY = graph([node("Identity", ["g"], ["h"]), node("Concat", ["v", "v"], ["w"], part(1, "axis") + count(3, 0) + count(20, 2))],
             [part(1, "t"), part(1, "g"), part(1, "v")], [part(1, "h"), part(1, "w")])  # fmt: skip
LOOP = node("Loop", ["m", "", "x"], ["y"], part(1, "body") + part(6, BODY) + count(20, 5))
OUTSIDE = count(1, 4) + count(2, 1) + part(8, "w") + count(14, 1) + part(13, part(1, "location") + part(2, "../../../etc/passwd"))

HOSTILE = {
    "empty": (b"", "it is empty|it holds no graph"),
    "text": (b"hello, I am no model at all", "damaged"),
    "a length beyond the end": (varint(7 << 3 | 2) + varint(2**40), "a part is longer than the file"),
    "a number without end": (b"\x08" + b"\xff" * 40, "a number runs past its end"),
    "a million nodes": (model(part(1, node("Relu", ["x"], ["x"])) * 1_000_000), "more than 200,000 nodes"),
    "graphs nested 300 deep": (deep_ifs(300), "nests graphs deeper than 24"),
    "a cycle": (model(graph([node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"])], [X], [part(1, "b")])), "'b' is read, and nothing before"),
    "a function that calls itself": (model(graph([node("again", ["x"], ["y"], domain="own")], [X], [Y]), ENDLESS), "deeper than 24, or without"),
    "functions that double": (doubling_functions(24), "makes more than"),
    "huge sizes": (model(graph([node("Relu", ["x"], ["y"])], [typed("x", 2**62, 2**62)], [Y])), "larger than any machine can hold"),
    "a name of a megabyte": (model(graph([node("R" * 2**20, ["x"], ["y"])], [X], [Y])), "a name of more than 65,536 bytes"),
    "a size below zero": (model(graph([], [X], [Y], [count(1, -5) + count(2, 1) + part(8, "w")])), "a size below zero"),
    "an attribute of a million numbers": (
        model(graph([node("Relu", ["x"], ["y"], part(1, "a") + part(8, b"\x01" * 1_000_000))], [X], [Y])), "more than 100,000 numbers"),
    "a constant that lies": (
        model(graph([node("Reshape", ["x", "s"], ["y"])], [X], [Y], [count(1, 2) + count(2, 7) + part(8, "s") + part(9, b"\0" * 9)])),
        "another number of values than its sizes say"),
}  # fmt: skip
BOMBS = {  # nothing to refuse: they are answered, or left unknown, without the work they ask for
    "numbers that square": chain("Mul", 400, "c", [integers("c", [3, 5])]),
    "rows that double": chain("Concat", 60, "c", [integers("c", [1] * 64)]),
    "a loop of 2**40 turns": model(graph([LOOP], [X], [Y], [integers("m", [2**40], [])])),
    "a loop that doubles 60 times": model(graph([LOOP], [X], [Y], [integers("m", [40], [])])),
    "a range of 2**60": model(graph([node("Range", ["a", "b", "c"], ["y"])], [X], [Y],
                                    [integers("a", [0], []), integers("b", [2**60], []), integers("c", [1], [])])),
    "weights that lie outside": model(graph([node("MatMul", ["x", "w"], ["y"])], [X], [Y], [OUTSIDE])),
}  # fmt: skip


def told(read, content) -> str:
    """The sentence a file is refused with, or "" for one that is answered; either way in time and in bounded memory."""
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        said = "" if isinstance(read(content), Graph) else "no graph"
    except WhyshapeError as error:
        said = str(error)
        assert "\n" not in said and len(said) < 400
    assert time.process_time() - start < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < ROOM
    return said


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_onnx_is_refused_in_one_sentence(case, tmp_path):
    """From bytes and from a file."""
    content, wanted = HOSTILE[case]
    assert re.search(wanted, told(onnx_files.read, content)), told(onnx_files.read, content)
    path = tmp_path / "hostile.onnx"
    path.write_bytes(content)
    assert re.search(wanted, told(onnx_files.read, path))


@pytest.mark.parametrize("case", BOMBS)
def test_onnx_bombs_do_not_go_off(case):
    """Answered or unknown in time; a size larger than a machine is a sentence."""
    said = told(onnx_files.read, BOMBS[case])
    assert said == "" or "larger than any machine" in said


SOUND = model(graph([node("Reshape", ["x", "s"], ["r"]), node("Transpose", ["r"], ["t"]), node("Relu", ["t"], ["y"])], [X], [Y],
                    [integers("s", [3, -1])]))  # fmt: skip


def test_every_cut_and_many_flips_give_a_graph_or_a_sentence():
    """Nothing but our own error class comes out of a damaged file, wherever it is damaged."""
    assert told(onnx_files.read, SOUND) == ""
    for end in range(len(SOUND)):
        told(onnx_files.read, SOUND[:end])
    draw = random.Random(5)
    for _ in range(1500):
        broken = bytearray(SOUND)
        for _ in range(draw.randint(1, 4)):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        told(onnx_files.read, bytes(broken))


def test_nothing_but_the_file_is_opened(tmp_path):
    """External data, however it is written, is not looked for; no process, no socket, no import of a framework."""
    (tmp_path / "held.onnx").write_bytes(BOMBS["weights that lie outside"])
    code = (
        "import sys; from whyshape.readers.onnx import read; read(sys.argv[1])\nseen = []\n"
        "sys.addaudithook(lambda event, args: seen.append((event, str(args[0]))) if event in ('open', 'os.system', 'subprocess.Popen',"
        " 'socket.__new__', 'import', 'exec', 'compile') else None)\n"
        "g = read(sys.argv[1]); print([e for e in seen if e[1] != sys.argv[1] and e[0] != 'import'], g.problem)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "held.onnx")], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("[]")


# .keras


def archive(path, entries, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in entries.items():
            made.writestr(name, content if isinstance(content, (bytes, str)) else json.dumps(content))
    return path


def sequential(*layers, shape=(None, 8, 8, 3)):
    first = {"class_name": "InputLayer", "config": {"batch_shape": list(shape), "name": "x"}}
    return {"class_name": "Sequential", "config": {"name": "s", "layers": [first, *layers]}}


def nested(depth):
    held = sequential({"class_name": "ReLU", "config": {"name": "r"}})
    for _ in range(depth):
        held = sequential(held)
    return held


CONV = {"class_name": "Conv2D", "config": {"name": "c", "filters": 4, "kernel_size": [3, 3]}}
KERAS = {
    "no config": ({"other.json": "{}"}, "has no config.json"),
    "not JSON": ({"config.json": "{"}, "is not JSON"),
    "a list": ({"config.json": []}, "describes no model"),
    "a zip bomb": ({"config.json": b" " * (31 * 2**20)}, "that is no model's config"),
    "a large config": ({"config.json": b" " * (40 * 2**20)}, "that is no model's config"),
    "nested JSON": ({"config.json": "[" * 100_000}, "nested too deeply"),
    "models nested 100 deep": ({"config.json": nested(100)}, "nests models deeper than 24"),
    "a class of its own": ({"config.json": {"class_name": "Evil", "module": "os", "config": {"layers": []}}}, "never run|not named|no input"),
    "no layers": ({"config.json": {"class_name": "Sequential", "config": {}}}, "never run"),
    "huge sizes": ({"config.json": sequential(CONV, shape=(None, 2**62, 2**62, 3))}, "larger than any machine can hold"),
    "an input without a shape": ({"config.json": sequential(shape=("a",))}, "an input has no shape"),
    "outputs that are not there": ({"config.json": {"class_name": "Functional", "config": {
        "layers": [{"class_name": "InputLayer", "name": "x", "config": {"batch_shape": [1, 2]}, "inbound_nodes": []}],
        "input_layers": ["x", 0, 0], "output_layers": ["y", 0, 0]}}}, "an output is not there"),
    "a cycle": ({"config.json": {"class_name": "Functional", "config": {"layers": [
        {"class_name": "InputLayer", "name": "x", "config": {"batch_shape": [1, 2]}, "inbound_nodes": []},
        {"class_name": "ReLU", "name": "a", "config": {}, "inbound_nodes": [{"kwargs": {}, "args": [
            {"class_name": "__keras_tensor__", "config": {"keras_history": ["a", 0, 0]}}]}]}],
        "input_layers": ["x", 0, 0], "output_layers": ["a", 0, 0]}}}, "what goes into 'a' is not there"),
}  # fmt: skip


@pytest.mark.parametrize("case", KERAS)
def test_hostile_keras_is_refused_in_one_sentence(case, tmp_path):
    """A zip that lies, and configs that are none."""
    entries, wanted = KERAS[case]
    how = zipfile.ZIP_STORED if case == "nested JSON" else zipfile.ZIP_DEFLATED
    said = told(keras_files.read, archive(tmp_path / "hostile.keras", entries, how))
    assert re.search(wanted, said), said


def test_a_keras_file_cut_or_flipped(tmp_path):
    """Every cut and many flips of a sound file: a graph or a sentence."""
    sound = archive(tmp_path / "sound.keras", {"config.json": sequential(CONV)}).read_bytes()
    path = tmp_path / "broken.keras"
    draw = random.Random(7)
    broken = [sound[:end] for end in range(0, len(sound), 3)]
    for _ in range(300):
        flipped = bytearray(sound)
        flipped[draw.randrange(len(sound))] = draw.randrange(256)
        broken.append(bytes(flipped))
    for content in broken:
        path.write_bytes(content)
        told(keras_files.read, path)


def test_a_config_with_any_value_anywhere(tmp_path):
    """Each value of a sound config replaced by each of a list of odd ones: a graph or a sentence."""
    odd = [None, -1, 0, 2**70, 1.5, "x" * 50, [], {}, [None], [[[]]], True, float("inf")]
    sound = json.dumps(sequential(CONV, {"class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "relu"}}))
    places = list(walk(json.loads(sound)))
    for place in places:
        for value in odd:
            data = json.loads(sound)
            at = data
            for step in place[:-1]:
                at = at[step]
            at[place[-1]] = value
            told(keras_files.read, archive(tmp_path / "odd.keras", {"config.json": data}, zipfile.ZIP_STORED))


def walk(data, path=()):
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from walk(value, (*path, key))


# .safetensors


def tensors(entries, size=None, length=None) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    end = (
        max([e["data_offsets"][1] for e in entries.values() if isinstance(e, dict) and "data_offsets" in e], default=0)
        if isinstance(entries, dict)
        else 0
    )
    return struct.pack("<Q", len(text) if length is None else length) + text + b"\0" * (end if size is None else size)


def entry(shape=(2, 3), dtype="F32", offsets=(0, 24)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


SAFETENSORS = {
    "a header beyond the file": (tensors({}, length=2**60), "longer than the file"),
    "too short": (b"\0\0", "longer than the file"),
    "not JSON": (tensors(b"{"), "not JSON"),
    "nested JSON": (tensors(b"[" * 200_000), "not JSON"),
    "a list": (tensors(b"[]"), "names no tensors"),
    "a name twice": (tensors(b'{"a": 1, "a": 2}'), "a name stands twice"),
    "overlap": (tensors({"a": entry(), "b": entry(offsets=(8, 32))}), "overlap"),
    "a hole": (tensors({"a": entry(), "b": entry(offsets=(32, 56))}), "leave room between"),
    "trailing bytes": (tensors({"a": entry()}, size=30), "do not fill the file"),
    "another size": (tensors({"a": entry(shape=(2, 4))}), "another size than its shape says"),
    "below zero": (tensors({"a": entry(shape=(-1, 3))}), "is not described"),
    "a fraction": (tensors({"a": entry(shape=(1.5, 3))}), "is not described"),
    "huge": (tensors({"a": entry(shape=(2**62, 2**62))}), "larger than any file"),
    "an unknown dtype": (tensors({"a": entry(dtype="X9")}), "is not described"),
}


@pytest.mark.parametrize("case", SAFETENSORS)
def test_hostile_safetensors_are_refused(case, tmp_path):
    """The header and the file must agree."""
    content, wanted = SAFETENSORS[case]
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    start = time.process_time()
    with pytest.raises(WhyshapeError) as caught:
        header(path)
    assert wanted in str(caught.value) and time.process_time() - start < 0.5


def test_a_sound_header_is_read(tmp_path):
    """Names, dtypes, shapes; the library's own files too."""
    path = tmp_path / "sound.safetensors"
    path.write_bytes(tensors({"__metadata__": {"a": "b"}, "w": entry(), "b": entry((4,), "F16", (24, 32))}))
    assert header(path) == {"w": Stored("float32", (2, 3)), "b": Stored("float16", (4,))}
    library = pytest.importorskip("safetensors.numpy")
    numpy = pytest.importorskip("numpy")
    library.save_file({"k": numpy.zeros((3, 0, 2)), "m": numpy.ones((2,), "int64")}, str(path))
    assert header(path) == {"k": Stored("float64", (3, 0, 2)), "m": Stored("int64", (2,))}
