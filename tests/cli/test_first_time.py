"""What somebody new meets first: models that print or leave, shells that read arrows, files and options that mean nothing."""

from __future__ import annotations

import io
import json
import sys

import pytest

from whyshape.cli import main, names, parser

NETS = """
import sys
from torch import nn

class Prints(nn.Linear):
    def __init__(self):
        print("built")
        super().__init__(3, 4)

    def forward(self, x):
        print("shape", x.shape)
        return super().forward(x)

class Leaves(nn.Linear):
    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        sys.exit("bye")

class Never(nn.Module):
    def __init__(self):
        sys.exit(7)
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "script.py").write_text("import sys\nsys.exit(5)\n")
    (tmp_path / "broken.py").write_text("class Net(: pass")
    (tmp_path / "empty.py").write_text("")
    monkeypatch.chdir(tmp_path)


CASES = [
    # (words, exit code, the whole sentence)
    (["explain", "script.py:Net", "--input", "1"], 3, "whyshape: script.py could not be imported: its code calls sys.exit(5); what only a script does belongs under if __name__ == '__main__':"),
    (["explain", "nets.py:Never", "--input", "1"], 3, "whyshape: nets.py:Never could not be built: its code calls sys.exit(7)"),
    (["explain", "nets.py:Leaves", "--input", "1,3"], 3, "whyshape: the model's own code ended the program by sys.exit('bye')"),
    (["explain", "nets.py"], 2, "whyshape: nets.py is a file; name the model in it: nets.py:Prints or :Leaves or :Never"),
    (["explain", "broken.py"], 2, "whyshape: broken.py is a file; name the model in it: broken.py:Name"),
    (["explain", "empty.py:"], 2, "whyshape: empty.py is a file; name the model in it: empty.py:Name"),
    (["explain", "gone.py"], 2, "whyshape: there is no file gone.py"),
    (["explain", "nets.py:Prints", "--input", f"{2**62},28"], 2, f"built\nwhyshape: an input of {2**62}x28 has more bytes than PyTorch can count, 2^63 - 1"),
    (["why", "24-"], 2, 'whyshape: the shell read the > after 24- and wrote to a file; put a step in quotes: whyshape why "24->12"'),
    (["solve", "28", "-"], 2, 'whyshape solve: the shell reads > as "write to a file"; put what holds an arrow in quotes, as "28 -> 14"; see whyshape solve --help'),
    (["explain", "--bref"], 2, "whyshape explain: there is no option '--bref', did you mean --brief; see whyshape explain --help"),
    (["explain", "--zzz"], 2, "whyshape explain: there is no option '--zzz'; see whyshape explain --help"),
    (["explain", "a", "b"], 2, "whyshape explain: 'b' is one word too many; put words with blanks in quotes; see whyshape explain --help"),
    (["explain", "--depth", "-3"], 2, "whyshape explain: argument --depth: a whole number from 1 up is wanted, '-3' arrived; see whyshape explain --help"),
    (["explain", "--depth", "0"], 2, "whyshape explain: argument --depth: a whole number from 1 up is wanted, '0' arrived; see whyshape explain --help"),
    (["explain", "-o", "net.png"], 2, "whyshape: explain does not write .png files; whyshape figure does"),
    (["costs", "-o", "net.html"], 2, "whyshape: costs does not write .html files; whyshape report does"),
    (["layer", "LSTM(10, 20) > Linear(20, 5)", "--input", "5,3,10"], 2, "whyshape: LSTM(10, 20) gives 3 tensors, Linear(20, 5) takes one: such layers are joined in a forward, not in a line"),
]  # fmt: skip


@pytest.mark.parametrize("words, code, sentence", CASES, ids=[" ".join(c[0]) for c in CASES])
def test_one_sentence_more(nets, capsys, words, code, sentence):
    """The whole text of the message, and nothing on stdout."""
    assert main(words) == code
    said = capsys.readouterr()
    assert (said.err.strip(), said.out) == (sentence, "")


@pytest.mark.parametrize("command", ["explain", "accepts", "diagnose", "costs"])
def test_what_a_model_prints_is_not_the_answer(nets, capsys, command):
    """stdout is JSON and nothing else; what the model printed stands on stderr."""
    assert main([command, "nets.py:Prints", "--input", "N,3" if command == "accepts" else "2,3", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["schema"].startswith("whyshape.")
    assert "built" in said.err and "shape torch.Size([" in said.err
    assert sys.stdout is not sys.stderr


def test_several_results_of_one_layer(capsys):
    """An LSTM gives its output and two states, which is explained without a framework."""
    assert main(["layer", "LSTM(10, 20, 2)", "--input", "5,3,10", "--json"]) == 0
    assert [o["shape"] for o in json.loads(capsys.readouterr().out)["outputs"]] == [[5, 3, 20], [2, 3, 20], [2, 3, 20]]


def test_a_screen_that_is_closed(monkeypatch):
    """`>&-`: nobody reads, nothing is said, and that is no defect."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["why", "320"]) == 0


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def test_a_disk_that_is_full(tmp_path, monkeypatch, capsys):
    """`> /dev/full`: one sentence, and Python has nothing left to try again."""
    with open(tmp_path / "out", "w") as file:
        stream = Full()
        stream.fileno = file.fileno  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["why", "320"]) == 2
    assert capsys.readouterr().err == "whyshape: the answer cannot be written: No space left on device\n"


@pytest.mark.parametrize("name", names())
def test_help_is_true_of_its_command(name, capsys):
    """TARGET is told where there is one, the default mode is the one that is used, and 80 columns hold what is not the options' own."""
    about = parser(name).of(name)
    text = about.format_help()
    assert ("TARGET is file.py:Name" in text) <= about.takes("target", "a")
    for action in about._actions:
        if action.dest == "mode" and "default" in (action.help or ""):
            assert action.help.endswith(f"(default: {about.get_default('mode')})")


def test_fit_for_running_keeps_nothing(capsys):
    """What is kept for the backward pass is a matter of training."""
    assert main(["fit", "--memory", "1GiB"]) == 0
    assert "These layers keep most:" in capsys.readouterr().out
    assert main(["fit", "--memory", "1GiB", "--inference"]) == 0
    said = capsys.readouterr().out
    assert "keep" not in said and "The largest batch is 33,618." in said


def test_a_size_that_fits_with_some_batches(tmp_path, monkeypatch, capsys):
    """`view(-1, 320)` takes 32 x 32 in batches of 16: neither "fits" nor "does not fit", and 32 x 32 is not its own nearest."""
    (tmp_path / "cut.py").write_text(
        "from torch import nn\nclass Cut(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(320, 5)\n"
        "    def forward(self, x):\n        return self.fc(x.view(-1, 320))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["accepts", "cut.py:Cut", "--input", "N,20,H,W", "--for", "5x5"]) == 1
    out = capsys.readouterr().out
    assert "H=5, W=5 fits only with N multiples of 16.\n" in out
    assert "an input of 5x5" not in out


def test_the_answer_needs_no_framework_where_only_changes_do(monkeypatch, capsys):
    """Without PyTorch `--for` still answers, and says what it left out."""
    from whyshape.readers import target

    def gone(*_):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(target, "load", gone)
    assert main(["accepts", "--for", "32x32"]) == 1
    said = capsys.readouterr()
    assert said.out.endswith("H=32, W=32 does not fit.\nchanges, each run again:\n  an input of 31x31, the nearest that fits\n")
    assert said.err == "note: with torch installed, changes of the network are tried too\n"


def test_numbers_are_never_cut(monkeypatch, capsys):
    """On a narrow screen words give way; a number without its head is another number."""
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["costs"]) == 0
    out = capsys.readouterr().out
    assert "144,000" in out and "operations" in out and "...ons" not in out
    assert all(line.split()[3:5] == ["16,050", "16,000"] for line in out.splitlines() if line.startswith("fc.fc1 "))


def test_a_tree_in_ascii(monkeypatch):
    """A console without these characters draws the lines with its own."""

    class Ascii(io.TextIOWrapper):
        pass

    held = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Ascii(held, encoding="ascii"))
    assert main(["summary"]) == 0
    assert b"+-Conv2d: 1-1" in held.getvalue() and b"?" not in held.getvalue()


@pytest.mark.parametrize("word, code, says", [
    ("maxpool_2", 0, "conv.maxpool_2, cell 1, 2\nIt reads rows 4 to 19, of 28.\nIt reads columns 8 to 23, of 28."),
    ("maxpol_2", 2, "whyshape: there is no layer 'maxpol_2'; did you mean maxpool_2 or maxpool_1?"),
    ("zzz", 2, "whyshape: there is no layer 'zzz'"),
])  # fmt: skip
def test_the_end_of_a_path_is_enough(capsys, word, code, says):
    """A layer of the thread's network by its last name; a slip of the pen is answered with what is near."""
    assert main(["field", word, "--cell", "1,2"]) == code
    said = capsys.readouterr()
    assert (said.err if code else said.out).strip() == says


def test_ceil_mode_is_true_or_false(capsys):
    """As Python writes it, or as the numbers it is."""
    answers = []
    for values in ("true,false", "0,1", "True"):
        assert main(["solve", "28 -> 14", "--op", "pool", "--ceil-mode", values, "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out)["total"])
    assert answers[0] == answers[1] > answers[2] > 0


def test_a_graph_written_down_is_a_target(tmp_path, capsys):
    """As docs/files.md says: the JSON of a graph is asked as the model was."""
    from whyshape import explain
    from whyshape.graph.json import to_json

    (tmp_path / "net.json").write_text(json.dumps(to_json(explain("Conv2d(1, 10, 5) > Flatten", (1, 1, 28, 28)).graph)))
    assert main(["why", str(tmp_path / "net.json"), "5760"]) == 0
    assert capsys.readouterr().out.startswith("5760 = 10 * 24 * 24.")
