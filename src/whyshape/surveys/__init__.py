"""Many models asked the same questions, one row each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from whyshape.analyses.amount import Amount
from whyshape.errors import WhyshapeError
from whyshape.surveys.names import expand
from whyshape.surveys.row import COLUMNS, Field, row, unknown
from whyshape.surveys.where import TEXTS, Where

SCHEMA = "whyshape.survey.v1"
SHOWN = ("name", "params", "macs", "output", "operators", "field", "input", "problem")


class Survey(NamedTuple):
    """The rows that fit, in order. Prints itself as a table."""

    rows: tuple[dict[str, Any], ...]
    columns: tuple[str, ...]
    asked: int
    where: str = ""
    sort: str = ""
    undecided: tuple[dict[str, Any], ...] = ()  # rows of which it is not known whether they fit

    def __str__(self):
        from whyshape.writers.text import write

        return write(self.story())

    def markdown(self) -> str:
        """The table in Markdown."""
        from whyshape.writers.markdown import write

        return write(self.story())

    def story(self) -> list:
        """The survey as display blocks."""
        from whyshape.story import Sentence, Table

        shown = [c for c in self.columns if c != "problem"]  # a sentence: told below, whole
        right = tuple(i for i, c in enumerate(shown) if c not in TEXTS)
        table = Table(tuple(shown), tuple(tuple(cell(r[c]) for c in shown) for r in self.rows), right)
        problems = [Sentence(f"{r['name']}: {r['problem']}", "problem") for r in self.rows if r["problem"]]
        return [table, *problems, *(Sentence(note, "note") for note in self.notes)]

    @property
    def notes(self) -> list[str]:
        """What the reader should know of the rows."""
        told = []
        if self.where:
            told.append(f"{len(self.rows)} of {self.asked} models fit: {self.where}.")
        if self.undecided:
            names = ", ".join(r["name"] for r in self.undecided[:5]) + (", ..." if len(self.undecided) > 5 else "")
            told.append(f"{len(self.undecided)} could not be decided, for a number is not known: {names}.")
        if "field" in self.columns and any(isinstance(r["field"], Field) and r["field"].whole and not r["field"].all for r in self.rows):
            told.append("field: with * some path, as a gate, sees all of the input besides.")
        guessed = sum(r["source"].startswith("a guess") for r in self.rows)
        if guessed:
            told.append(f"The input of {guessed} was guessed from the first layer; --input says it.")
        return told

    def csv(self) -> str:
        """The table as CSV, numbers bare; what is not known is empty."""
        from whyshape.writers.csv import write

        return write(self.columns, ([_bare(r[c]) for c in self.columns] for r in self.rows))

    def to_dict(self) -> dict:
        """As data: schema ``whyshape.survey.v1``."""
        return {
            "schema": SCHEMA,
            "asked": self.asked,
            "where": self.where or None,
            "sort": self.sort or None,
            "columns": list(self.columns),
            "rows": [{c: _data(r[c]) for c in self.columns} for r in self.rows],
            "undecided": [r["name"] for r in self.undecided],
            "notes": self.notes,
        }

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)


def survey(
    models, where: str | None = None, sort: str | None = None, columns=None, input_size=None, dtypes=None, mode: str = "eval"
) -> Survey:
    """Many models in one table.

    ``models``: targets as for `explain`; a file or package alone (``"torchvision.models"``) is all its models, a pattern
    (``"torchvision.models:resnet*"``) those named so; live modules, or a dict of them by name. ``where``: a condition on the columns;
    ``sort``: a column, with ``-`` in front for the largest first. ``input_size``: one shape for all; else each model's own, see ``source``.
    A model that cannot be built or run is a row with its ``problem``.

    >>> print(survey({"thread": "Conv2d(1, 10, 5) > MaxPool2d(2)", "wide": "Conv2d(1, 20, 5)"}, where="params < 300"))
    name    params     macs    output  operators  field      input
    --------------------------------------------------------------
    thread     260  144,000  10x12x12          2      6  1x1x28x28
    1 of 2 models fit: params < 300.
    """
    shown = _columns(columns)
    condition = Where(where, tuple(COLUMNS)) if where else None
    by, falling = _sorting(sort)
    asked = expand(models)
    if not asked:
        raise WhyshapeError("nothing is asked about: name a model, a file or a package, as torchvision.models")
    wanted = {*shown, *(condition.names if condition else ()), *([by] if by else ())}
    rows = [row(one, wanted, input_size, dtypes, mode) for one in asked]
    told = [True if condition is None else condition(r) for r in rows]
    kept = [r for r, fits in zip(rows, told) if fits]
    if by:
        known = sorted((r for r in kept if not unknown(r[by])), key=lambda r: _key(r[by]), reverse=falling)
        kept = [*known, *(r for r in kept if unknown(r[by]))]
    return Survey(tuple(kept), shown, len(rows), where or "", sort or "", tuple(r for r, fits in zip(rows, told) if fits is None))


def _columns(columns) -> tuple[str, ...]:
    names = tuple(SHOWN if columns is None else [c.strip() for c in columns.split(",")] if isinstance(columns, str) else columns)
    for name in names:
        if name not in COLUMNS:
            raise WhyshapeError(f"there is no column {name!r}; columns are {', '.join(COLUMNS)}")
    return names


def _sorting(sort: str | None) -> tuple[str, bool]:
    by = (sort or "").removeprefix("-")
    if by and by not in COLUMNS:
        raise WhyshapeError(f"there is no column {by!r} to sort by; columns are {', '.join(COLUMNS)}")
    return by, (sort or "").startswith("-")


def _key(value):
    return int(value.value) if isinstance(value, Amount) else value


def cell(value) -> str:
    """A cell in words: separators, "at least", and a dash for what is not known."""
    if isinstance(value, str):
        return value
    if unknown(value):
        return "-"
    if isinstance(value, Amount):
        return f"{'at least ' if value.missing else ''}{int(value.value):,}"  # type: ignore[arg-type]
    if isinstance(value, Field) and value.all:
        return "all"
    return f"{int(value):,}{'*' if isinstance(value, Field) and value.whole else ''}"


def _bare(value) -> str | int | None:
    if isinstance(value, str):
        return value
    return None if unknown(value) else cell(value) if isinstance(value, Amount) and value.missing else int(_key(value))


def _data(value: Any):
    if isinstance(value, Amount):
        return value.to_dict()
    return {"value": int(value), "whole": value.whole, "all": value.all} if isinstance(value, Field) else value


__all__: Sequence[str] = ["COLUMNS", "SHOWN", "Survey", "survey"]
