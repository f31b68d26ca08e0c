"""Where words and options may stand."""

from __future__ import annotations

import argparse

import pytest

from whyshape.cli import main, names, parser
from whyshape.cli.options import Parser


def command(name: str) -> Parser:
    """The parser of one command."""
    (commands,) = (a for a in parser(name)._actions if isinstance(a, argparse._SubParsersAction))
    return commands.choices[name]


def optional_words(name: str) -> list[argparse.Action]:
    return [a for a in command(name)._get_positional_actions() if a.nargs in ("?", "*")]


@pytest.mark.parametrize("name", [n for n in names() if optional_words(n)])
def test_a_target_may_stand_after_options(name):
    """An optional TARGET arrives wherever the options stand: before it, behind it, and between it and the words before it."""
    actions = command(name)._actions
    value = lambda action: action.choices[0] if action.choices else "x"
    words = [value(a) for a in actions if not a.option_strings and a.nargs is None]
    options = ["--traceback", *(w for a in actions if a.option_strings and a.required for w in (a.option_strings[0], value(a)))]
    last = optional_words(name)[-1]
    wanted = "net.py:Net" if last.nargs == "?" else ["net.py:Net"]
    for argv in ([*options, *words, "net.py:Net"], [*words, *options, "net.py:Net"], [*words, "net.py:Net", *options]):
        given = parser(name).parse_args([name, *argv])
        assert getattr(given, last.dest) == wanted
        assert given.traceback


@pytest.mark.parametrize("argv, words", [
    (["why", "net.py:Net", "--json", "320"], ["net.py:Net", "320"]),
    (["why", "--mine", "4", "--", "-1"], ["-1"]),
    (["why"], []),
])  # fmt: skip
def test_words_keep_their_order(argv, words):
    """Words on both sides of an option are one row; behind ``--`` a word may begin with a dash."""
    assert parser("why").parse_args(argv).words == words


def test_a_scripts_own_options_stay_its_own():
    """`whyshape run` hands on everything behind the script."""
    given = parser("run").parse_args(["run", "train.py", "--epochs", "3", "data"])
    assert (given.script, given.args) == ("train.py", ["--epochs", "3", "data"])


@pytest.mark.parametrize(
    "command, ending, begins",
    [
        ("explain", ".json", '{\n  "schema": "whyshape.explanation.v1"'),
        ("explain", ".md", "# "),
        ("explain", ".tex", "\\section*{"),
        ("explain", ".txt", "the thread's network\n"),
        ("costs", ".csv", "layer,"),
        ("costs", ".JSON", '{\n  "schema": "whyshape.costs.v1"'),
    ],
)
def test_the_files_ending_says_the_form(command, ending, begins, tmp_path):
    """Where no option says it: JSON in a .json file, and text where the ending says nothing."""
    path = tmp_path / f"answer{ending}"
    assert main([command, "-o", str(path)]) == 0
    assert path.read_text("utf-8").startswith(begins)


def test_an_ending_nobody_writes_is_refused(tmp_path, capsys):
    path = tmp_path / "answer.csv"
    assert main(["why", "320", "-o", str(path)]) == 2 and not path.exists()
    assert "why does not write .csv files; it writes .json, .md, and text into any other file" in capsys.readouterr().err


def test_an_option_goes_before_an_ending(tmp_path):
    path = tmp_path / "answer.txt"
    assert main(["explain", "--json", "-o", str(path)]) == 0 and path.read_text("utf-8").startswith("{")


@pytest.mark.parametrize("words, schema, begins", [
    (["diagnose"], "diagnosis", "runs on these inputs"),
    (["accepts"], "accepts", "H and W 28..31"),
    (["solve", "28 -> 14"], "solve", "Conv2d"),
    (["summary"], "summary", "===="),
    (["field"], "field", "# Which part"),
    (["why", "320"], "answer", "320 = "),
])  # fmt: skip
def test_every_answer_has_every_form_it_offers(words, schema, begins, capsys):
    """Markdown is Markdown, lines of text in a block of their own; JSON is set in as everywhere."""
    assert main([*words, "--markdown"]) == 0
    said = capsys.readouterr().out
    assert begins in said and (said.startswith("```\n") == (said.rstrip().endswith("```"))) and (said.startswith(("```", "#", "320")))
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("{\n  ") and (schema == "summary" or f'"whyshape.{schema}.v1"' in said.splitlines()[1])


def test_a_long_finding_is_wrapped(capsys, monkeypatch):
    """No line of a diagnosis runs off the screen."""
    monkeypatch.setenv("COLUMNS", "70")
    assert main(["diagnose", "--input", "16,3,32,32"]) == 1
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 70


@pytest.mark.parametrize("words", [["figure", "arch"], ["figure", "rf"], ["animate", "conv_1"]], ids=" ".join)
def test_a_picture_in_words_is_wrapped(words, capsys, tmp_path):
    """What is said of a picture keeps to the screen too."""
    assert main([*words, "-o", str(tmp_path / "x.svg")]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


@pytest.mark.parametrize("name", names())
def test_help_keeps_to_the_screen(name, capsys):
    """Descriptions and what stands under the options too; every option says what it does."""
    assert main([name, "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100
    assert [a.dest for a in command(name)._actions if not a.help] == []


def test_only_what_is_missing_is_asked_for(capsys):
    """A script's own arguments are never missing."""
    assert main(["run"]) == 2
    assert capsys.readouterr().err == "whyshape run: the following arguments are required: SCRIPT; see whyshape run --help\n"


def test_the_mode_is_no_option_where_nobody_reads_it():
    """`translate` writes the network as it is in eval."""
    assert not command("translate").takes("mode") and command("explain").takes("mode")


def test_networks_in_notation_are_run_too(capsys, tmp_path):
    """`compare --run` draws the same numbers for both; a graph alone has nothing to run, and says so."""
    assert main(["compare", "ReLU > MaxPool2d(2)", "MaxPool2d(2) > ReLU", "--input", "1,1,8,8", "--run"]) == 0
    assert "The same network: run on the same random numbers, the largest difference is 0" in capsys.readouterr().out
    from whyshape import explain
    from whyshape.readers.jsongraph import write

    write(explain("ReLU", (1, 4)).graph, tmp_path / "net.json")
    assert main(["compare", str(tmp_path / "net.json"), "ReLU", "--input", "1,4", "--run"]) == 2
    assert "A graph without its model cannot be run; give the PyTorch model, or the .onnx or .keras file." in capsys.readouterr().err
