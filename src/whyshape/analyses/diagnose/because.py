"""The chain of sizes behind a mismatch, back to the choices and inputs that caused it."""

from __future__ import annotations

from whyshape.analyses.diagnose.case import Case
from whyshape.analyses.diagnose.problem import Link


def because(case: Case) -> tuple[Link, ...]:
    return ()
