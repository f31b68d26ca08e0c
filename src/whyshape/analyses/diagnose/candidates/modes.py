"""What training asks of a batch: more than one value for each channel."""

from __future__ import annotations

from collections.abc import Iterator

from whyshape.analyses.diagnose.case import Case, Offer

TWO = {"batch": "at least 2 (drop_last=True)"}


def offers(case: Case) -> Iterator[Offer]:
    rows = case.inputs[0].shape[:1] if case.inputs else ()
    one_value = bool(case.reading and case.reading.kind == "one_value") or "more than one value" in case.problem.sentence
    if rows == (1,):
        yield Offer((TWO,), 1.0 if one_value else 2.2, "a batch of at least 2: DataLoader(..., drop_last=True)")
    training = any(m.training for m in case.graph.modules if m.path == case.problem.path)
    if training and (one_value or rows == (1,)):
        yield Offer(({"mode": "eval"},), 1.2 if one_value else 3.0, "model.eval(): the running statistics are used, no batch is needed")


__all__ = ["offers"]
