"""What the README shows is what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from whyshape.cli import main, names

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
SHOWN = re.findall(r"^\$ whyshape (.*)\n((?:(?!\$ |```).*\n)*)", README, re.M)


def test_something_is_shown():
    """The examples were found: explain and why."""
    assert [words for words, _ in SHOWN] == ["explain", "why 320"]


@pytest.mark.parametrize("words, text", SHOWN, ids=[words for words, _ in SHOWN])
def test_examples_are_real(words, text, capsys, monkeypatch):
    """Line by line, up to the dots where the README stops."""
    monkeypatch.setenv("COLUMNS", "100")
    assert main(words.split()) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    lines = [line.rstrip() for line in text.splitlines()]
    lines = lines[: lines.index("...")] if "..." in lines else lines
    assert printed[: len(lines)] == lines


def test_every_command_named_there_exists():
    """No command is promised that is not there."""
    promised = set()
    for line in re.findall(r"^whyshape ([a-z|, ]+)", README, re.M):
        promised |= {word for word in re.split(r"[|, ]+", line.split("  ")[0].split(" net")[0]) if word}
    assert promised - set(names()) - {"torchvision", "train", "the"} == set()
    assert len(promised & set(names())) >= 15


def test_pictures_are_there():
    """Every picture the README shows lies in the repository."""
    found = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert found and [f for f in found if not (Path(__file__).parent.parent / f).is_file()] == []
