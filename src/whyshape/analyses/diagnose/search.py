"""Trying the offers: each alone, then together with what the next mismatch needs; the best first."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from whyshape.analyses.diagnose.candidates import offers
from whyshape.analyses.diagnose.case import Case, Offer
from whyshape.analyses.diagnose.problem import NEW, OLD, Fix
from whyshape.analyses.diagnose.rows import batch_survives, cuts_batch, mixing

ENOUGH, BEHIND = 6, 3  # fixes that run are looked for: at the first place, at those behind it
WORK = 14000  # operators followed while trying, for one place: a measure that is the same on every machine; the likeliest come first
TOTAL = 60000  # for all places together
BRANCHES = 3  # ways on to the next mismatch that are followed
FEW = 2  # fixes of one edit, where a view counts the rows: fewer, and the line with what then stops it are told too
DEEPEST = 6  # mismatches one behind the other
OTHER_ROWS = 1.0  # what it costs that a multiple or a part of the rows come out that went in
AGAIN = 0.6  # what each further edit in another place costs


class Tried(NamedTuple):
    """An offer that was made and followed: it ran, or came further than before."""

    offer: Offer
    trial: object


def tried(case: Case, limit: int, enough: int = ENOUGH) -> tuple[list[Tried], list[Tried]]:
    """The offers that make the model run, and those that bring it to another mismatch further on."""
    ran, further = [], []
    for offer in offers(case):
        if case.patient.work > min(limit, TOTAL) or len(ran) >= enough or (not ran and len(further) >= BRANCHES + 2):
            break
        if ran and case.patient.work > limit - WORK // 2 and len(ran) >= 3:
            break
        trial = case.patient.run((*case.edits, *offer.edits))
        if trial is None or swollen(case, trial) or cuts_batch(case, offer.edits):
            continue
        if trial.ran:
            if batch_survives(trial):
                ran.append(Tried(offer, trial))
        elif trial.steps > case.trial.steps or moved_on(case, trial) or unmixed(case, trial):
            further.append(Tried(offer, trial))
    return ran, further


def moved_on(case: Case, trial) -> bool:
    """Whether another layer stops the model now, after as many steps: a check in Python comes before its operator."""
    return (
        case.problem.kind == "other"
        and trial.steps == case.trial.steps
        and (trial.problem.path, trial.problem.line) != (case.problem.path, case.problem.line)
    )


def unmixed(case: Case, trial) -> bool:
    """Whether rows that were mixed on the way are whole now; what then stops the model may come before the place it stopped at."""
    return case.rows_demand is not None and not any(True for _ in mixing(trial.graph))


def recounted(case: Case) -> bool:
    """Whether a view counts the rows from numbers typed: its line is to be told, though another size of the picture hides what it does."""
    return case.rows_demand is not None or (case.reading is not None and case.reading.kind == "view")


def swollen(case: Case, trial) -> bool:
    """Whether the change makes weights nobody has room for."""
    return sum(map(prod, trial.state.values())) > 4 * sum(map(prod, case.patient.state.values())) + 10**8


class Solved(NamedTuple):
    """What was found for one place: complete fixes, and the way on to the next place."""

    fixes: list[Fix]
    next: (
        tuple[Case, Solved] | None
    )  # the next mismatch, after the likeliest repair, where no single edit ends them all; and what was found for it


def solve(case: Case, depth: int = DEEPEST, work: int = WORK) -> Solved:
    """Fixes for a case, best first. Where none of one edit does, edits are joined, one for each mismatch on the way."""
    limit = case.patient.work + work
    ran, further = tried(case, limit, ENOUGH if depth == DEEPEST else BEHIND)
    fixes = [as_fix(case, t.offer.edits, t.offer.cost, t.offer.says, t.trial) for t in ran]
    way = None
    best = min((t.offer.cost for t in ran), default=99.0)
    for tries, t in enumerate(sorted(further, key=lambda t: t.offer.cost)[:BRANCHES] if depth > 1 else ()):
        told = best <= t.offer.cost + AGAIN and (not recounted(case) or sum(f.rank <= t.offer.cost + 2 * AGAIN for f in fixes) >= FEW)
        if case.patient.work > TOTAL or told or (way is not None and (tries > 1 or case.patient.work > limit)):
            break
        then = Case(case.patient, t.trial, (*case.edits, *t.offer.edits), case)
        solved = solve(then, depth - 1, work * 2 // 3)
        alone = {repr(f.edits) for f in fixes}
        for fix in solved.fixes:
            if repr((*case.edits, *fix.edits[len(then.edits) :])) in alone:
                continue  # it runs without the first of the two as well
            fixes.append(fix._replace(rank=t.offer.cost + AGAIN + fix.rank, says=f"{t.offer.says}; then {fix.says}"))
        if solved.fixes and way is None and not ran:
            way = (then, solved)
            best = fixes[-1].rank
    return Solved(sorted(unlike(fixes), key=lambda f: f.rank), way)


def unlike(fixes: list[Fix]) -> list[Fix]:
    """One of each, whatever the order of its edits."""
    best: dict[frozenset, Fix] = {}
    for fix in fixes:
        key = frozenset(repr(sorted((k, plain(v)) for k, v in e.items())) for e in fix.edits)
        if key not in best or fix.rank < best[key].rank:
            best[key] = fix
    return list(best.values())


def plain(value):
    """An argument as one number where all its numbers are alike: 2 says what (2, 2) says."""
    return value[0] if isinstance(value, (tuple, list)) and value and all(v == value[0] for v in value) else value


def as_fix(case: Case, edits, cost: float, says: str, trial) -> Fix:
    same = trial.state == case.patient.state
    cost += OTHER_ROWS * counted_again(trial)
    return Fix((*case.edits, *edits), says, OLD if same else NEW, True, cost)


def counted_again(trial) -> bool:
    """Whether the rows of the batch come out several times over, two branches of it one below the other, or a part of them does."""
    out, given = trial.output, trial.first_input
    if not out or len(given) < 2 or min(out[0], given[0]) < 2 or out[0] == given[0]:
        return False
    return out[0] % given[0] == 0 or given[0] % out[0] == 0


__all__ = ["Solved", "solve"]
