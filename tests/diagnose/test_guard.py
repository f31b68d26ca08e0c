"""The diagnosis on the program people already have; the program stays what it was."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import textwrap

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whyshape
from whyshape.analyses.diagnose import diagnose
from whyshape.watch import guard, load_ipython_extension, unload_ipython_extension

NET = nn.Sequential(
    nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(320, 50)
)


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(8, 8),
            nn.Conv2d(10, 20, 3, groups=3),
        )


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Attends()


def loader():
    from torch.utils.data import DataLoader

    next(iter(DataLoader([torch.rand(3, 20 + i, 20) for i in range(4)], batch_size=4)))


# (what the program does, the kind of exception, the layer named, the first fix)
ESCAPES = {
    "forward": (lambda: NET(torch.rand(16, 1, 32, 32)), RuntimeError, "7", {"input": "resize", "hw": (28, 28)}),
    "constructor": (Outer, ValueError, "inner.body.1", {"layer": "inner.body.1", "attr": "groups", "value": 2}),
    "heads": (lambda: nn.MultiheadAttention(64, 7), AssertionError, None, {"layer": "", "attr": "num_heads", "value": 8}),
    "functional loss": (lambda: F.cross_entropy(torch.rand(8, 5), torch.zeros(8, 1, dtype=torch.long)), RuntimeError, None, {"target": "squeeze", "dim": 1}),
    "loss": (lambda: nn.BCEWithLogitsLoss()(torch.rand(8, 1), torch.rand(8)), ValueError, None, {"target": "unsqueeze", "dim": 1}),
    "state": (lambda: nn.Sequential(nn.Linear(3, 4)).load_state_dict(nn.Sequential(nn.Linear(3, 5)).state_dict()), RuntimeError, None,
              {"state_dict": "drop", "keys": ["0.weight", "0.bias"]}),
    "collate": (loader, RuntimeError, None, {"input": "resize", "hw": (20, 20), "arg": "all"}),
    "keywords": (lambda: nn.MultiheadAttention(16, 4)(query=torch.rand(3, 5, 16), key=torch.rand(3, 7, 16), value=torch.rand(3, 7, 16)), RuntimeError, None,
                 {"layer": "", "attr": "batch_first", "value": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES)
def test_what_escapes_is_diagnosed(name):
    """Errors of forward, of a constructor, of a loss, of a checkpoint and of a batch put together are met."""
    run, kind, layer, first = ESCAPES[name]
    with pytest.raises(kind) as caught, guard() as watched:
        run()
    problem = watched.diagnosis.problems[0]
    assert problem.where["layer"] == layer
    assert problem.where["file"].endswith("test_guard.py") or name == "collate"
    assert {k: v for k, v in problem.fixes[0].edits[0].items() if k in first} == first
    assert caught.value.__notes__ == [str(watched.diagnosis)]


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("a wrong word"), ZeroDivisionError()])
def test_what_is_no_matter_of_sizes_is_left_alone(error):
    """No note, no diagnosis, the same exception."""
    with pytest.raises(type(error)) as caught, guard() as watched:
        raise error
    assert caught.value is error and watched.diagnosis is None and not hasattr(error, "__notes__")


def test_exits_and_interrupts_pass_through():
    """SystemExit keeps its code."""
    with pytest.raises(SystemExit) as caught, guard():
        sys.exit(7)
    assert caught.value.code == 7


def test_a_sentence_of_the_model_itself_is_found():
    """A reason that is no shape is said in one sentence, exit code 3."""

    class Refuses(nn.Module):
        def forward(self, x):
            raise KeyError("no such word")

    found = diagnose(Refuses(), (1, 3))
    assert found.exit_code == 3 and found.problems[0].kind == "other"
    assert "stops for a reason that is no shape" in str(found)


def digest(model):
    state = [(k, v.data_ptr(), v.clone(), v._version) for k, v in model.state_dict(keep_vars=True).items()]
    modules = [(p, id(m), m.training, sorted(map(str, vars(m))), len(m._forward_hooks)) for p, m in model.named_modules()]
    return state, modules, torch.get_rng_state(), random.getstate(), torch.is_grad_enabled()


@pytest.mark.parametrize("shape", [(16, 1, 32, 32), (16, 3, 28, 28), (1, 28, 28), (16, 28, 28, 1), (16, 1, 28, 28)])
def test_everything_stays_untouched(shape):
    """Model, inputs, dice and modes are the same before and after a diagnosis, whatever was tried."""
    x = torch.rand(*shape)
    kept = x.clone()
    before = digest(NET)
    diagnose(NET, input_data=(x,))
    after = digest(NET)
    assert before[1:2] + before[3:] == after[1:2] + after[3:]
    assert torch.equal(before[2], after[2])
    assert all(a[:2] == b[:2] and torch.equal(a[2], b[2]) and a[3] == b[3] for a, b in zip(before[0], after[0]))
    assert torch.equal(x, kept) and x._version == 0


def test_untouched_where_real_numbers_are_needed():
    """Also where the model is followed on real numbers: running statistics and dice stay."""

    class Reads(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.fc = nn.BatchNorm1d(4), nn.Linear(5, 2)

        def forward(self, x):
            x = self.norm(x)
            return self.fc(x * x.sum().item())

    model, x = Reads().train(), torch.rand(8, 4)
    before = digest(model)
    found = diagnose(model, input_data=(x,))
    after = digest(model)
    assert found.problems[0].fixes[0].edits == ({"layer": "fc", "attr": "in_features", "value": 4},)
    assert torch.equal(before[2], after[2]) and all(torch.equal(a[2], b[2]) for a, b in zip(before[0], after[0]))


def test_guard_does_nothing_until_something_fails(monkeypatch):
    """Where nothing fails no tracer is loaded, no model copied: entering and leaving is all."""
    monkeypatch.setattr("whyshape.watch.diagnosis_of_error", lambda error: pytest.fail("asked although nothing failed"))
    with guard() as watched:
        NET(torch.rand(1, 1, 28, 28))
    assert watched.diagnosis is None


def test_the_package_names_it():
    """`whyshape.guard` is the guard, the second time too."""
    assert whyshape.guard is guard and whyshape.guard is guard


SCRIPT = """
import sys, torch
from torch import nn
print("args", sys.argv[1:])
net = nn.Sequential(nn.Conv2d(1, 10, 5), nn.Flatten(), nn.Linear(320, 50))
{last}
"""


def ran(tmp_path, last, *args):
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT).format(last=last))
    return subprocess.run([sys.executable, "-m", "whyshape", "run", str(script), *args], capture_output=True, text=True, timeout=120)


def test_run_keeps_output_arguments_and_exit_code(tmp_path):
    """The traceback as Python prints it, the diagnosis under it, exit code 1."""
    done = ran(tmp_path, "net(torch.rand(16, 1, 28, 28))", "--epochs", "3")
    assert done.stdout == "args ['--epochs', '3']\n"
    assert done.returncode == 1
    assert "Traceback (most recent call last):\n  File" in done.stderr and "runpy" not in done.stderr
    assert "mat1 and mat2 shapes cannot be multiplied (16x5760 and 320x50)" in done.stderr
    assert "either Linear 2: in_features = 5760, not 320 (new weights, train again)" in done.stderr


@pytest.mark.parametrize("last, code", [("sys.exit(5)", 5), ("pass", 0)])
def test_run_of_a_program_that_ends_otherwise(tmp_path, last, code):
    """An exit keeps its code, and says nothing more."""
    done = ran(tmp_path, last)
    assert (done.returncode, done.stderr) == (code, "")


def test_ipython_hook():
    """Under a cell's traceback its diagnosis; taken out again without a trace."""

    class Events:
        def __init__(self):
            self.kept = []

        def register(self, name, function):
            self.kept.append((name, function))

        def unregister(self, name, function):
            self.kept.remove((name, function))

    shell = type("Shell", (), {"events": Events()})()
    load_ipython_extension(shell)
    assert [n for n, _ in shell.events.kept] == ["post_run_cell"]
    try:
        NET(torch.rand(16, 1, 32, 32))
    except RuntimeError as error:
        result = type("Result", (), {"error_in_exec": error})()
    from contextlib import redirect_stderr
    from io import StringIO

    with redirect_stderr(StringIO()) as told:
        shell.events.kept[0][1](result)
    assert "320 features are wanted on the last axis, 500 arrive" in told.getvalue()
    unload_ipython_extension(shell)
    assert shell.events.kept == []


NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
for cell in (
    "%load_ext whyshape",
    "import torch\\nnet = torch.nn.Linear(320, 50)",
    "x = torch.zeros(16, 500)\\nnet(x)",
    "1 / 0",
    "%reload_ext whyshape",
    "class Net(torch.nn.Module):\\n    def forward(self, x):\\n        return torch.cat([x, x.mT], 0)\\nNet()(torch.zeros(2, 3, 4))",
    "%unload_ext whyshape",
    "net(torch.zeros(16, 502))",
):
    shell.run_cell(cell)
"""


def test_a_shell_of_ipython(tmp_path):
    """In a real shell: under the cell that fails, with the cell's own line; once, also when loaded again; not after it is unloaded."""
    pytest.importorskip("IPython")
    script = tmp_path / "shell.py"
    script.write_text(NOTEBOOK)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, env={**os.environ, "IPYTHONDIR": str(tmp_path)}
    )
    told = re.findall(r"^(<ipython-input-\d+-\w+>:\d+|\S+): (.*)", done.stderr, re.M)
    assert [said for _, said in told if "arrive" in said] == ["320 features are wanted on the last axis, 500 arrive."]
    assert told[0][0].startswith("<ipython-input-") and told[0][0].endswith(":2")
    assert "502" not in done.stderr and "ZeroDivision" not in done.stderr


THREE = """\
1. 0 (Conv2d): 3 channels are wanted, 1 arrives.
  because
    1 is axis 1 of the input input
    3 is chosen: in_channels of 0
"""


def test_three_mistakes_are_three_problems():
    """After a mismatch the trace goes on as if repaired."""
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(9), nn.ReLU(), nn.Flatten(), nn.Linear(100, 10)).eval()
    found = diagnose(net, (2, 1, 12, 12))
    assert [p.where["layer"] for p in found.problems] == ["0", "1", "4"]
    assert all(p.fixes[0].verified for p in found.problems)
    assert str(found).startswith(THREE)
    assert found.problems[0].fixes[0].edits == (
        {"input": "expand_channels", "to": 3}, {"layer": "1", "attr": "num_features", "value": 8}, {"layer": "4", "attr": "in_features", "value": 800},
    )  # fmt: skip


def test_names_from_the_model_cannot_write_to_the_terminal():
    """A layer's name with an escape in it is shown, not obeyed."""
    net = nn.Sequential()
    net.add_module("\x1b[2J\u202eevil", nn.Linear(3, 4))
    text = str(diagnose(net, (2, 5)))
    assert "\x1b" not in text and "\u202e" not in text and "\\x1b[2J" in text


def test_json_has_the_promised_words():
    """Schema, where, wanted, arrived, because, fixes, verified, cost."""
    import json

    data = json.loads(diagnose(NET, (16, 1, 32, 32)).to_json())
    assert data["schema"] == "whyshape.diagnosis.v1"
    problem = data["problems"][0]
    assert (problem["where"]["layer"], problem["where"]["op"], problem["wanted"], problem["arrived"]) == ("7", "linear", 320, 500)
    assert problem["because"][0]["says"] == "500 = 20*5*5 in 6"
    assert {"says", "cost", "verified"} <= set(problem["fixes"][0])


THREADED = """
import threading, torch
net = torch.nn.Linear(320, 50)
worker = threading.Thread(target=lambda: net(torch.zeros(16, 500)))
worker.start(); worker.join()
print("goes on")
"""


def test_run_tells_what_ended_a_thread(tmp_path):
    """The thread's traceback has the diagnosis under it; the program goes on and ends as it would."""
    script = tmp_path / "threaded.py"
    script.write_text(THREADED)
    done = subprocess.run([sys.executable, "-m", "whyshape", "run", str(script)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.strip() == "goes on"
    assert "Exception in thread" in done.stderr and "in_features = 500, not 320" in done.stderr


def test_an_error_brought_from_a_worker_is_told_by_its_own_words():
    """A DataLoader's worker wraps the error in its traceback: the line that speaks of sizes is the sentence."""
    message = "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n  File x\nRuntimeError: "
    said = "stack expects each tensor to be equal size, but got [1, 28, 28] at entry 0 and [1, 28, 29] at entry 1"
    with pytest.raises(RuntimeError), guard() as watched:
        raise RuntimeError(message + said + "\n")
    assert watched.diagnosis.problems[0].sentence == f"RuntimeError: {said}"


def test_rows_are_not_invented_for_a_loss():
    """Four predictions and five targets: no fix cuts or pads the batch."""
    with pytest.raises(ValueError), guard() as watched:
        nn.CrossEntropyLoss()(torch.rand(4, 3), torch.rand(5, 3))
    assert watched.diagnosis.problems[0].fixes == ()
