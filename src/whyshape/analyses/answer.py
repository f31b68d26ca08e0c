"""An answer of `why`: sentences for a reader, reasons with their chains for a program."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """One place where the number stands, and why it is what it is there."""

    where: str  # "conv.conv_1.out_channels"
    value: int
    by: str  # chosen, calculated, input, task, learned, measured
    typed: bool
    sentence: str
    chain: tuple[dict, ...] = ()  # {value, by, typed, from, formula, executed}


class Answer(NamedTuple):
    """The reasons, told: the first word answers."""

    question: str
    sentences: tuple[str, ...]
    reasons: tuple[Reason, ...] = ()
    elsewhere: tuple[str, ...] = ()  # the same in the other framework's words

    def __str__(self):
        from whyshape.writers.text import write

        return write(self.story())

    def story(self) -> list:
        """The answer as display blocks."""
        from whyshape.story import Sentence

        return [Sentence(s) for s in (*self.sentences, *self.elsewhere)]

    def to_dict(self) -> dict:
        """As data: schema ``whyshape.answer.v1``."""
        return {
            "schema": "whyshape.answer.v1",
            "question": self.question,
            "answer": " ".join(self.sentences),
            "reasons": [{**r._asdict(), "chain": list(r.chain)} for r in self.reasons],
            "elsewhere": list(self.elsewhere),
        }

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        import json

        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)
