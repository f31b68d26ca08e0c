"""`annotate`: each comment is what PyTorch gives at that line, and nothing but comments changes in a file."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import stat
import sys

import pytest
import torch
from annotate_sources import EVERY_WAY, THREAD, THREAD_ANNOTATED

from whyshape.analyses.annotate import annotate
from whyshape.cli import main
from whyshape.errors import WhyshapeError

SHAPE = ["--input", "1,1,28,28"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the user's, and no module of an earlier test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [n for n, m in sys.modules.items() if str(tmp_path) in str(getattr(m, "__file__", ""))]:
        del sys.modules[name]


@pytest.fixture
def thread(folder):
    (folder / "net.py").write_text(THREAD)
    return folder / "net.py"


def imported(path, name="user_net"):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def gives(path, target="Net", size=(1, 1, 28, 28)):
    return annotate(f"{path}:{target}", size).files[0].gives


def test_the_threads_network(thread):
    """What is printed is the class that ran, each line with what it gives; the user's comment stays."""
    answer = annotate("net.py:Net", (16, 1, 28, 28))
    assert str(answer) == THREAD_ANNOTATED.rstrip("\n")
    assert answer.text == {str(thread): THREAD[: THREAD.index("class")] + THREAD_ANNOTATED}
    assert answer.notes == ["sizes are written without the batch of 16 that every tensor has in front"]
    assert (answer.stale, answer.checked, answer.problem) == ([], 0, None)


def test_pytorchs_own_hooks_agree(thread):
    """Forward hooks on real numbers measure, line by line, the sizes that the comments say."""
    net, measured = imported(thread).Net().eval(), {}

    def hook(module, args, out):
        frame = sys._getframe()
        while frame.f_code.co_filename != str(thread):
            frame = frame.f_back
        measured[frame.f_lineno] = "x".join(map(str, out.shape[1:]))

    for module in net.children():
        module.register_forward_hook(hook)
    net(torch.zeros(2, 1, 28, 28))
    said = gives(thread)
    assert len(measured) == 6
    assert {row: said[row] for row in measured} == measured


def test_every_way_a_line_can_give_something(folder):
    """Tuples, loops, helpers, `with`, `finally`, exceptions, continuations: what stands behind a line is what it bound, or nothing."""
    path = folder / "net.py"
    path.write_text(re.sub(r"  # = .*", "", EVERY_WAY))
    wanted = {row: found[1] for row, line in enumerate(EVERY_WAY.split("\n"), 1) if (found := re.search(r"# = (.*)", line))}
    wanted = {row: text for row, text in wanted.items() if text != "nothing"}
    answer = annotate("net.py:Net", (2, 3, 8, 8))
    assert answer.files[0].gives == wanted and len(wanted) > 25
    assert answer.text[str(path)] == EVERY_WAY.replace("  # = nothing", "").replace("# = ", "# -> ")


def test_what_lines_bind_on_real_numbers(folder):
    """The same file run by PyTorch alone on real numbers, each name looked at where the next line begins: equal sizes."""
    path = folder / "net.py"
    path.write_text(re.sub(r"  # = .*", "", EVERY_WAY))
    net = imported(path).Net()
    rows = path.read_text().split("\n")
    alone = re.compile(r"\s+([a-z]) (?:=|\+=) [^\\;]*[^\\;(]$")  # one name bound by one statement on one row
    single = {row: found[1] for row, line in enumerate(rows, 1) if (found := alone.match(line))}
    seen: dict[int, list[str]] = {}

    def tracing(frame, event, arg):
        if frame.f_code.co_filename != str(path) or frame.f_code.co_name.startswith("<"):
            return None
        before = [0]

        def step(frame, event, arg):
            if event == "exception":
                before[0] = 0
            elif event == "line":
                value = frame.f_locals.get(single.get(before[0], ""))
                if isinstance(value, torch.Tensor):
                    seen.setdefault(before[0], []).append("x".join(map(str, value.shape[1:])))
                before[0] = frame.f_lineno
            return step

        return step

    was = sys.gettrace()
    sys.settrace(tracing)
    try:
        net(torch.zeros(2, 3, 8, 8))
    finally:
        sys.settrace(was)
    said = gives(path, size=(2, 3, 8, 8))
    measured = {row: "; ".join(dict.fromkeys(found)) for row, found in seen.items()}
    assert len(measured) > 8
    assert {row: said[row] for row in measured} == measured


@pytest.mark.parametrize("lines, told", [
    (["x = x.flatten()", "return x.sum()"], {5: "12", 6: "one number"}),
    (["x = x * 2", "return x.sum(1)"], {5: "4x3", 6: "4"}),
    (["w = x.new_zeros(2, 3)", "return x @ w.T"], {5: "2x3", 6: "4x2"}),
])  # fmt: skip
def test_a_tensor_without_the_batch_makes_all_sizes_whole(folder, lines, told):
    """Sizes leave the batch out only where all tensors have it and something behind it; else all are whole, and that is said."""
    body = "".join(f"        {line}\n" for line in lines)
    (folder / "net.py").write_text(f"from torch import nn\n\nclass Net(nn.Module):\n    def forward(self, x):\n{body}")
    answer = annotate("net.py:Net", (4, 3))
    assert answer.files[0].gives == told
    assert answer.notes == ["not every tensor has the batch in front, so sizes are written whole"]


# -- writing -----------------------------------------------------------------------------------------------------------


def test_writing_twice_changes_nothing(thread, capsys):
    """The second `--write` finds all there; the program is the same as before."""
    assert main(["annotate", "net.py:Net", *SHAPE, "--write"]) == 0
    once = thread.read_bytes()
    assert capsys.readouterr().err.endswith(f"written: {thread}\n")
    assert once.decode() == THREAD[: THREAD.index("class")] + THREAD_ANNOTATED
    assert main(["annotate", "net.py:Net", *SHAPE, "--write"]) == 0
    assert capsys.readouterr().err.endswith("nothing to write: every comment is there already\n")
    assert thread.read_bytes() == once
    assert ast.dump(ast.parse(once)) == ast.dump(ast.parse(THREAD))


def test_only_ours_are_replaced(thread):
    """After the network changes, our comments follow; the user's stay, and where ours were taken out the file is as it was."""
    annotate("net.py:Net", (1, 1, 28, 28)).write()
    thread.write_text(thread.read_text().replace("Conv2d(10, 20, 5)", "Conv2d(10, 20, 5, padding=2)").replace("Linear(320", "Linear(720"))
    answer = annotate("net.py:Net", (1, 1, 28, 28))
    assert [(s.line, s.says, s.true, s.ours) for s in answer.stale] == [
        (17, "20x8x8", "20x12x12", True),
        (18, "20x4x4", "20x6x6", True),
        (19, "320", "720", True),
    ]
    answer.write()
    after = thread.read_text()
    assert "x = self.pool(x)  # half  # -> 10x12x12\n" in after and after.count("# -> ") == 7
    assert re.sub(r"  # -> .*", "", after) == THREAD.replace("20, 5)", "20, 5, padding=2)").replace("Linear(320", "Linear(720")


@pytest.mark.parametrize("name, change", [
    ("line ends of Windows", lambda b: b.replace(b"\n", b"\r\n")),
    ("a byte order mark", lambda b: b"\xef\xbb\xbf" + b),
    ("latin-1", lambda b: b"# -*- coding: latin-1 -*-\n# gr\xf6\xdfe\n" + b),
    ("no end of the last line", lambda b: b.rstrip(b"\n")),
    ("tabs and a form feed", lambda b: b.replace(b"    ", b"\t").replace(b"\n\n\n", b"\n\n\x0c\n")),
    ("letters of many bytes", lambda b: b.replace(b"# half", "# die Hälfte 🙂\u2028  ".encode())),
])  # fmt: skip
def test_nothing_else_changes(thread, name, change):
    """Taking our comments out again gives every byte of the file as it was."""
    before = change(THREAD.encode())
    thread.write_bytes(before)
    thread.chmod(0o640)
    assert annotate("net.py:Net", (1, 1, 28, 28)).write() == [str(thread)]
    after = thread.read_bytes()
    assert after.count(b"# -> ") == 7
    assert re.sub(rb"  # -> [0-9x]+", b"", after) == before
    assert stat.S_IMODE(thread.stat().st_mode) == 0o640
    assert set(os.listdir(thread.parent)) <= {"net.py", "__pycache__"}
    assert annotate("net.py:Net", (1, 1, 28, 28)).write() == []


def test_a_line_that_would_be_too_wide_stays(thread):
    """Over 120 columns no comment is put, and it is said."""
    wide = "x = self.conv1(x)  # " + "w" * 80
    thread.write_text(THREAD.replace("x = self.conv1(x)", wide))
    answer = annotate("net.py:Net", (1, 1, 28, 28))
    assert wide + "\n" in answer.text[str(thread)]
    assert answer.notes[1:] == [f"{thread}, line 15: without its comment, 10x24x24; with it the line would have 124 columns"]
    thread.write_text(THREAD.replace("x = self.conv1(x)", wide[:-4]))
    assert f"{wide[:-4]}  # -> 10x24x24\n" in annotate("net.py:Net", (1, 1, 28, 28)).text[str(thread)]


def test_files_of_the_same_folder(folder):
    """What the model's file imports from its own folder is annotated too; PyTorch's own files never are."""
    (folder / "parts.py").write_text(
        "from torch import nn\n\nclass Part(nn.Module):\n    def forward(self, x):\n        x = x + 1\n        return x\n"
    )
    (folder / "net.py").write_text(
        "from torch import nn\nfrom parts import Part\n\nclass Net(nn.Sequential):\n    def __init__(self):\n        super().__init__(nn.Linear(3, 4), Part())\n"
        "\n    def forward(self, x):\n        return super().forward(x)\n"
    )
    answer = annotate("net.py:Net", (1, 3))
    assert {os.path.basename(file.path): file.gives for file in answer.files} == {"net.py": {9: "4"}, "parts.py": {5: "4", 6: "4"}}
    assert str(answer).startswith("# net.py\nclass Net") and "\n\n\n# parts.py\nclass Part(nn.Module):\n" in str(answer)


# -- checking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("comment, true", [
    ("# 20x4x4", True), ("# 1x20x4x4", True), ("# 20x4x5", False), ("# 20 x 4 x 4", True), ("# 20\u00d75\u00d74", False),
    ("# (N, 20, 4, 4)", True), ("# (N, 20, 5, 4)", False), ("# [B, 20, 4, 4]", True), ("# [B, 20, 4]", False),
    ("# (N, C, H, H)", True), ("# (N, N, H, W)", False), ("# (N, C, H)", True), ("# (N, C)", False), ("# (20, 4, 4)", True),
    ("# out: [B, 20, 4, 4]", True), ("# x.shape = (1, 10, 4, 4)", False), ("# torch.Size([1, 20, 4, 4])", True),
    ("# torch.Size([16, 20, 4, 4])", False), ("# -> (N, 20, 4, 4)", True), ("# (-1, 20, 4, 4)", True), ("# (?, 10, ?, ?)", False),
    ("# (N, 20, 8, 8) -> (N, 20, 4, 4)", True), ("# (N, 20, 8, 8) -> (N, 20, 2, 2)", False), ("# shape: (N, 20, 8, 8)", False),
    ("# (batch, 20, 4, 4)", True), ("# (batch, 20, side, other)", True), ("#[B,20,4,5]", False),
])  # fmt: skip
def test_comments_written_by_hand(thread, capsys, comment, true):
    """A letter stands for any size, the same one each time; `--check` says which comments are not true, and exits 1."""
    thread.write_text(THREAD.replace("x = self.pool(x)\n        x = x.view", f"x = self.pool(x)  {comment}\n        x = x.view"))
    text = comment.rpartition("> ")[2].rpartition(": ")[2].rpartition("= ")[2].lstrip("# ")
    assert main(["annotate", "net.py:Net", *SHAPE, "--check"]) == (0 if true else 1)
    lines = [] if true else [f"{thread}, line 18: the comment says {text}, the line gives 20x4x4"]
    assert capsys.readouterr().out.splitlines() == [*lines, f"1 comment checked, {0 if true else 1} not true"]
    assert comment + "\n" in annotate("net.py:Net", (1, 1, 28, 28)).text[str(thread)]  # kept as it is, with none of ours beside it


@pytest.mark.parametrize("comment", [
    "# 3x3", "# (3, 3)", "# (0, 2, 3, 1)", "# (mean, std)", "# half of it", "# 2x", "# [x for x in y]", "# (N, C, H/2, W/2)", "# x", "#",
    "# ()", "# (a, b, c, d)", "# 20", "# noqa: E501", "# type: ignore[assignment]", "# (N, 20, 9, 9) maps", "# -> then flatten",
])  # fmt: skip
def test_other_comments_are_no_shapes(thread, comment):
    """A kernel, an order of axes, names, prose: not read as a shape, kept, and ours stands behind."""
    thread.write_text(THREAD.replace("x = self.pool(x)  # half", f"x = self.pool(x)  {comment}"))
    answer = annotate("net.py:Net", (1, 1, 28, 28))
    assert answer.checked == 0
    assert f"        x = self.pool(x)  {comment}  # -> 10x12x12\n" in answer.text[str(thread)]


def test_check_of_our_own(thread, capsys):
    """True after writing; at another input every line that differs is listed, and the file is not touched."""
    annotate("net.py:Net", (1, 1, 28, 28)).write()
    before = thread.read_bytes()
    assert main(["annotate", "net.py:Net", "--input", "64,1,28,28", "--check"]) == 0
    assert capsys.readouterr().out == "7 comments checked, 0 not true\n"
    assert main(["annotate", "net.py:Net", "--input", "1,1,29,30", "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{thread}, line 15: the comment says 10x24x24, the line gives 10x25x26",
        f"{thread}, line 16: the comment says 10x12x12, the line gives 10x12x13",
        f"{thread}, line 17: the comment says 20x8x8, the line gives 20x8x9",
        "7 comments checked, 3 not true",
    ]
    assert thread.read_bytes() == before


def test_a_comment_of_ours_where_nothing_is_given_any_more(thread):
    """A line that gives no tensor now loses our comment; one that did not run keeps it, for nothing is known."""
    text = THREAD.replace(
        "        x = x.view(x.size(0), -1)\n",
        "        n = x.size(0)  # -> 320\n        if n > 5:\n            x = x * 2  # -> 77\n        x = x.view(n, -1)\n",
    )
    thread.write_text(text)
    answer = annotate("net.py:Net", (1, 1, 28, 28))
    assert [str(stale) for stale in answer.stale] == [f"{thread}, line 19: the comment says 320, the line gives no tensor"]
    assert "        n = x.size(0)\n        if n > 5:\n            x = x * 2  # -> 77\n" in answer.text[str(thread)]


def test_a_mismatch_annotates_what_ran(thread, capsys):
    """Up to the line that stops every comment is there; exit 1, and the sentence of the mismatch."""
    assert main(["annotate", "net.py:Net", "--input", "1,1,32,32"]) == 1
    said = capsys.readouterr()
    assert "x = x.view(x.size(0), -1)  # -> 500\n        x = self.fc1(x)\n        return self.fc2(x)\n" in said.out
    assert "line 20: the model stops here: 320 features are wanted on the last axis, 500 arrive\n" in said.err


def test_json(thread, capsys):
    """Schema whyshape.annotation.v1: lines, stale comments, notes."""
    thread.write_text(THREAD.replace("# half", "# (N, 10, 13, 13)"))
    assert main(["annotate", "net.py:Net", *SHAPE, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "whyshape.annotation.v1"
    assert data["inputs"] == [[1, 1, 28, 28]] and data["batch"] == 1 and data["problem"] is None
    assert data["files"][0]["lines"][0] == {"line": 15, "gives": "10x24x24"}
    assert data["stale"] == [{"file": str(thread), "line": 16, "says": "(N, 10, 13, 13)", "true": "10x12x12", "ours": False}]


# -- what cannot be done -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words, code, sentence", [
    ([], 2, "annotate needs your own code: whyshape annotate file.py:Net --input 1,1,28,28"),
    (["Conv2d(1, 10, 5)", *SHAPE], 2, "annotate writes into Python code, and Conv2d(1, 10, 5) has none; name a model as file.py:Net"),
    (["net.onnx", *SHAPE], 2, "annotate writes into Python code, and net.onnx has none; name a model as file.py:Net"),
    (["net.py:Net", "--input", "1,1,H,W"], 2, "a comment holds numbers: give a number for H, W"),
    (["net.py:Net"], 2, "an input is needed: try --input 1,1,224,224 (its first convolution takes 1 channel)"),
    (["nope.py:Net", *SHAPE], 2, "there is no file nope.py"),
    (["other.py:net", *SHAPE], 2, f"annotate works on your own files; the code of Sequential is from {torch.nn.modules.container.__file__}"),
    (["net.py:Net", "--input", "3,3,3"], 1, None),
    (["broken.py:Net", *SHAPE], 3, None),
])  # fmt: skip
def test_bad_input(thread, capsys, words, code, sentence):
    """One sentence, the exit code of the contract, nothing on stdout."""
    (thread.parent / "other.py").write_text("from torch import nn\nnet = nn.Sequential(nn.Flatten())\n")
    (thread.parent / "broken.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x.nothing\n"
    )
    assert main(["annotate", *words]) == code
    said = capsys.readouterr()
    if sentence:
        assert (said.err, said.out) == (f"whyshape: {sentence}\n", "")
    assert "Traceback" not in said.err


def test_a_link_is_refused(thread, capsys):
    """What a link points at is not ours to guess; nothing is written."""
    (thread.parent / "link.py").symlink_to(thread)
    assert main(["annotate", "link.py:Net", *SHAPE, "--write"]) == 2
    assert capsys.readouterr().err == f"whyshape: {thread.parent / 'link.py'} is a link; name the file itself\n"
    assert thread.read_text() == THREAD


def test_a_file_changed_since(thread):
    """The lines that ran must be the lines of the file: changed after the import, or between reading and writing, it is refused."""
    net = imported(thread).Net()
    thread.write_text(THREAD.replace("    def forward", "    # new\n    def forward"))
    with pytest.raises(WhyshapeError) as told:
        annotate(net, (1, 1, 28, 28))
    assert str(told.value) == f"{thread} is not what ran: forward was changed after it was imported; start Python anew"
    thread.write_text(THREAD)
    answer = annotate(net, (1, 1, 28, 28))
    thread.write_text(THREAD + "\n")
    with pytest.raises(WhyshapeError) as told:
        answer.write()
    assert str(told.value) == f"{thread} was changed while it was being annotated; nothing was written"
    assert thread.read_text() == THREAD + "\n"


def test_old_line_ends_are_refused(thread):
    """A carriage return alone ends a line for Python and not for most tools: refused."""
    thread.write_bytes(THREAD.encode().replace(b"# half\n", b"\r"))
    with pytest.raises(WhyshapeError) as told:
        annotate("net.py:Net", (1, 1, 28, 28))
    assert str(told.value) == f"{thread} ends a line with a carriage return alone; annotate knows lines that end in \\n or \\r\\n"


def test_the_users_own_trace_function_is_put_back(thread):
    """A debugger or a coverage tool that was watching watches on, after a failure too."""

    def mine(frame, event, arg):
        return None

    was = sys.gettrace()
    sys.settrace(mine)
    try:
        annotate("net.py:Net", (1, 1, 28, 28))
        assert sys.gettrace() is mine
        (thread.parent / "broken.py").write_text(
            "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x.no\n"
        )
        with pytest.raises(WhyshapeError):
            annotate("broken.py:Net", (1, 1))
        assert sys.gettrace() is mine
    finally:
        sys.settrace(was)
