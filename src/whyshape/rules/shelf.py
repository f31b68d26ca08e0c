"""Tables whose families are fetched when a name is asked for: one layer is explained without loading the rules of all others.

`catalogue.py` says which file holds which name. It only saves time: a name it does not know makes all families load, so a new
file needs no list to be added to. ``python -m whyshape.rules.shelf`` writes it anew; a test keeps it true.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")
HERE = os.path.dirname(__file__)
NOT_FAMILIES = ("__init__", "base", "catalogue", "shelf", "takes")
_catalogue: dict[str, dict[str, str]] = {}
_all_loaded = False


def families() -> list[str]:
    """The files that hold rules, or answers of rules."""
    return sorted(f[:-3] for f in os.listdir(HERE) if f.endswith(".py") and f[:-3] not in NOT_FAMILIES)


def fetch(family: str) -> None:
    """Load one family."""
    import_module(f"whyshape.rules.{family}")


def fetch_all() -> None:
    """Load every family."""
    global _all_loaded
    if not _all_loaded:
        _all_loaded = True
        for family in families():
            fetch(family)


def catalogue() -> dict[str, dict[str, str]]:
    """For each table: which families (separated by blanks) hold a name."""
    if not _catalogue:
        try:
            from whyshape.rules.catalogue import CATALOGUE
        except ModuleNotFoundError:  # not written yet: everything is loaded when anything is asked
            CATALOGUE = {"": {}}
        for table, held in CATALOGUE.items():
            _catalogue[table] = {name: family for family, names in held.items() for name in names.split()}
    return _catalogue


def filed(table: dict[str, T]) -> Callable[..., Callable[[T], T]]:
    """A decorator that files what stands below it in ``table``, under each of its names. One string may hold several.

    >>> GREETINGS = {}
    >>> greeting = filed(GREETINGS)
    >>> @greeting("hi", "hello")
    ... def wave(): ...
    >>> list(GREETINGS)
    ['hi', 'hello']
    """

    def named(*names: str) -> Callable[[T], T]:
        def file(item: T) -> T:
            table.update(dict.fromkeys(" ".join(names).split(), item))
            return item

        return file

    return named


class Shelf(dict):
    """A dict that fetches what it is asked for; looking through all of it fetches all."""

    def __init__(self, table: str):
        super().__init__()
        self.table = table

    def __missing__(self, name):
        family = catalogue().get(self.table, {}).get(name)
        if family is not None:
            fetch(family)
            if dict.__contains__(self, name):
                return dict.__getitem__(self, name)
        fetch_all()
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        raise KeyError(name)

    def get(self, name, default: Any = None):
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name) -> bool:
        return dict.__contains__(self, name) or name in catalogue().get(self.table, {}) or self.get(name, _NOTHING) is not _NOTHING

    def holds(self, name) -> bool:
        """Whether the name is here already, nothing fetched."""
        return dict.__contains__(self, name)

    def __iter__(self):
        fetch_all()
        return dict.__iter__(self)

    def __len__(self):
        fetch_all()
        return dict.__len__(self)

    def items(self):
        fetch_all()
        return dict.items(self)

    def keys(self):
        fetch_all()
        return dict.keys(self)

    def values(self):
        fetch_all()
        return dict.values(self)


class Answers(dict):
    """What is told about operators, by question. The files that tell anything under a question are loaded when it is first asked."""

    def __init__(self):
        super().__init__()
        self.asked: set[str] = set()

    def __getitem__(self, question: str) -> dict[str, Any]:
        if question not in self.asked:
            self.asked.add(question)
            tellers = catalogue().get("told", {}).get(question)
            if tellers is None:
                fetch_all()
            else:
                for family in tellers.split(","):
                    fetch(family)
        return self.here(question)

    def here(self, question: str) -> dict[str, Any]:
        """The answers under a question that are loaded."""
        if not dict.__contains__(self, question):
            dict.__setitem__(self, question, {})
        return dict.__getitem__(self, question)


_NOTHING = object()


def written() -> dict[str, dict[str, str]]:
    """The catalogue as it should be: by table, each family with its names."""
    from whyshape.rules import base

    made: dict[str, dict[str, list[str]]] = {"rules": {}, "layers": {}, "told": {}}
    fetch_all()
    for name, rule in base.RULES.items():
        made["rules"].setdefault(rule.__module__.rpartition(".")[2], []).append(name)
    for name, layer in base.LAYERS.items():
        made["layers"].setdefault(layer.__module__.rpartition(".")[2], []).append(name)
    for question, tellers in base.TELLERS.items():
        made["told"].setdefault(",".join(sorted(tellers)), []).append(question)
    return {table: {family: " ".join(sorted(names)) for family, names in sorted(held.items())} for table, held in made.items()}


def text() -> str:
    """The catalogue as a file of Python, which is read faster than any other."""
    import json

    head = '"""Which file holds which rule; written by `python -m whyshape.rules.shelf`."""'
    return f"{head}\n\n# fmt: off\nCATALOGUE = {json.dumps(written(), indent=1)}\n"


if __name__ == "__main__":
    with open(os.path.join(HERE, "catalogue.py"), "w", encoding="utf-8") as file:
        file.write(text())
