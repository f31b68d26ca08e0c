"""`whyshape run` beside Python itself: the same output, the same words on stderr, the same end, whatever the program does."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from whyshape.watch import guard, load_ipython_extension

# What programs do at their end; none of them needs torch, so none is diagnosed.
PLAIN = {
    "exits with a code": "import sys; print('a'); sys.exit(3)",
    "exits with words": "import sys; sys.exit('bad thing')",
    "exits from an exception": "try: 1 / 0\nexcept ZeroDivisionError as e: raise SystemExit(7) from e",
    "is interrupted": "import atexit\natexit.register(print, 'bye')\nprint('a')\nraise KeyboardInterrupt",
    "has a hook of its own": "import sys\nsys.excepthook = lambda k, v, t: print('HOOK', k.__name__, t.tb_lineno)\nraise ValueError('x')",
    "is no Python": "x = (",
    "knows where it stands": "import sys, pathlib\nprint(__file__, __name__, __doc__, __spec__, sys.argv, pathlib.Path(__file__).parent, sys.path[0])",
    "takes arguments": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', type=int, required=True)\nprint(p.parse_args().n)",
    "is asked wrongly": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--epochs', type=int, required=True)\np.parse_args()",
    "raises from another": "try: 1 / 0\nexcept ZeroDivisionError as e: raise ValueError('failed') from e",
    "raises in a coroutine": "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    raise ValueError('x')\nasyncio.run(main())",
    "leaves a thread": "import pickle, threading\nmain = threading.main_thread()\nclass C: pass\ndef late():\n"
    "    main.join()\n    print(type(pickle.loads(pickle.dumps(C()))).__name__, C.__module__)\nthreading.Thread(target=late).start()",
    "starts processes": "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n"
    "    with m.get_context('spawn').Pool(1) as p: print(p.map(f, [1, 2, 3]))",
}  # fmt: skip

# Programs that a shape error ends: what is added below Python's own words.
TORCH = {
    "raises from a shape error": (
        "try: net(x)\nexcept RuntimeError as e: raise ValueError('training failed') from e",
        "in_features = 5, not 3",
    ),
    "raises in a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(1) as p: p.submit(net, x).result()",
        "in_features = 5, not 3",
    ),
    "loads with two workers": (
        "from torch.utils.data import DataLoader\nnext(iter(DataLoader([torch.zeros(3), torch.zeros(4)], 2, num_workers=2)))",
        "stack expects each tensor to be equal size, but got [3] at entry 0 and [4] at entry 1",
    ),
}


def both(tmp_path, program, *args):
    (tmp_path / "train.py").write_text(textwrap.dedent(program))
    run = lambda *how: subprocess.run([sys.executable, *how, "train.py", *args], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    return run(), run("-m", "whyshape", "run")


@pytest.mark.parametrize("name", PLAIN)
def test_a_program_ends_as_under_python(tmp_path, name):
    """Exit code (a signal is one), stdout and stderr are those of Python alone, to the letter."""
    alone, under = both(tmp_path, PLAIN[name], "--n", "4")
    assert (under.returncode, under.stdout, under.stderr) == (alone.returncode, alone.stdout, alone.stderr)


@pytest.mark.full
@pytest.mark.parametrize("name", TORCH)
def test_under_what_python_says_stands_the_diagnosis(tmp_path, name):
    """Everything Python says comes first, unchanged; the diagnosis is below it."""
    last, told = TORCH[name]
    alone, under = both(tmp_path, f"import torch\nnet, x = torch.nn.Linear(3, 4), torch.zeros(2, 5)\n{last}\n")
    assert (under.returncode, under.stdout) == (alone.returncode, alone.stdout) == (1, "")
    said = alone.stderr.rstrip()
    assert under.stderr.startswith(said) and told in under.stderr[len(said) :]


def failing():
    nn.Linear(3, 4)(torch.zeros(2, 5))


def found(watched):
    return watched.diagnosis.problems[0].fixes[0].says


@pytest.mark.parametrize("explicit", [True, False], ids=["raise from", "while handling"])
def test_a_shape_error_behind_another(explicit):
    """The exception that escapes tells of one before it."""
    with pytest.raises(ValueError) as caught, guard() as watched:
        try:
            failing()
        except RuntimeError as error:
            if explicit:
                raise ValueError("training failed") from error
            raise ValueError("training failed")  # noqa: B904 - what programs do
    assert found(watched) == "Linear: in_features = 5, not 3" and len(caught.value.__notes__) == 1


def test_what_is_hidden_stays_hidden():
    """`from None` says that the exception before has nothing to do with it."""
    with pytest.raises(ValueError), guard() as watched:
        try:
            failing()
        except RuntimeError:
            raise ValueError("no data") from None
    assert watched.diagnosis is None


def test_exceptions_that_raise_each_other_end():
    """A chain that is a ring is walked once."""
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    with pytest.raises(ValueError), guard() as watched:
        raise one
    assert watched.diagnosis is None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups of exceptions came with Python 3.11")
def test_a_member_of_a_group():
    """What ended one task of several."""
    with pytest.raises(ExceptionGroup), guard() as watched:  # noqa: F821
        try:
            failing()
        except RuntimeError as error:
            raise ExceptionGroup("tasks", [KeyError("x"), error]) from None  # noqa: F821
    assert found(watched) == "Linear: in_features = 5, not 3"


@pytest.mark.full
def test_names_of_a_compiled_module():
    """What torch.compile wraps has the names the user knows."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 2))
    with pytest.raises(Exception), guard() as watched:  # noqa: B017
        torch.compile(net, backend="eager")(torch.zeros(2, 3))
    assert watched.diagnosis.problems[0].where["layer"] == "1"


def test_a_cell_that_awaits(capsys):
    """An error raised in a coroutine of a notebook is told like any other."""
    hooks = {}

    class Events:
        register = staticmethod(hooks.__setitem__)

    class Shell:
        events = Events()

    load_ipython_extension(Shell())

    async def cell():
        failing()

    with pytest.raises(RuntimeError) as caught:
        cell().send(None)
    hooks["post_run_cell"](type("Result", (), {"error_in_exec": caught.value}))
    assert "in_features = 5, not 3" in capsys.readouterr().err
