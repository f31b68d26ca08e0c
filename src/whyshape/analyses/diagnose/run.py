"""From a patient to its diagnosis: every problem on the way, as if the one before had been repaired."""

from __future__ import annotations

from math import prod

from whyshape.analyses.diagnose.because import because
from whyshape.analyses.diagnose.case import Case
from whyshape.analyses.diagnose.lines import RESIZE
from whyshape.analyses.diagnose.problem import Diagnosis, Finding, Fix
from whyshape.analyses.diagnose.reading import about_shapes
from whyshape.analyses.diagnose.search import WORK, solve
from whyshape.analyses.hazards import hazards
from whyshape.graph import Graph, collector_paused

SHOWN = 5  # fixes of one problem
LAST_RESORT, FIRM = 4.4, 2  # what ranks behind that makes it run and little more: told only where fewer than so many others are
NEARLY = 1.0  # how much likelier another form of the same idea may be than a new one that is told before it
NUMBERS = ("layer", "value", "hw", "length", "to", "shape")  # of an edit, and where they stand
PROBLEMS = 5  # places told, one behind the other
AFFORDABLE = 2 * 10**7  # numbers in weights, and in all results together, up to which a fix is also run for real


def diagnose(model, input_size=None, input_data=None, dtypes=None, mode: str = "same") -> Diagnosis:
    """Why a model fails on these inputs, where, and changes that were tried on a copy and make it run.

    ``input_size``: one shape or several, with the batch; ``input_data``: tensors; a loss's target may be the last of them.
    ``mode``: "eval", "train", or "same" (as the model is). The model and the inputs stay as they are.

    >>> import torch
    >>> found = diagnose(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(320, 50)), (16, 20, 5, 5))
    >>> found.problems[0].fixes[0].says
    'Linear 1: in_features = 500, not 320'
    """
    from whyshape.readers.torch.trial import Patient

    return diagnosis_of(Patient(model, input_size, input_data, dtypes, mode))


def diagnosis_of(patient, work: int = WORK) -> Diagnosis:
    """What stops the patient, why, and the changes that were tried and make it run."""
    with collector_paused():
        return _diagnosis_of(patient, work)


def _diagnosis_of(patient, work: int) -> Diagnosis:
    trial = patient.run()
    if trial.ran and patient.has_numbers() and reads_tables(trial.graph):
        patient.use_real_numbers()  # whether a row number is in its table, only the numbers tell
        trial = patient.run()
    if trial.ran:
        return Diagnosis(patient.name, hazards=hazards(trial.graph), notes=trial.graph.notes)
    problems: list[Finding] = []
    case = Case(patient, trial)
    solved = solve(case, work=work)
    while True:
        problems.append(finding(case, confirmed(patient, solved.fixes)))
        if solved.next is None or len(problems) == PROBLEMS:
            break
        case, solved = solved.next
    return Diagnosis(patient.name, tuple(problems), hazards(trial.graph), ran=False, notes=trial.graph.notes)


def confirmed(patient, fixes: list[Fix]) -> tuple[Fix, ...]:
    """The first fixes; where the model looks numbers up in tables, those that also run on the user's own numbers."""
    firm = [f for f in fixes if f.rank < LAST_RESORT]
    first = varied(firm if len(firm) >= FIRM else fixes)[:SHOWN]
    if not first or patient.real or not patient.has_numbers() or sum(map(prod, patient.state.values())) > AFFORDABLE:
        return tuple(first)
    trials = [patient.run(f.edits) for f in first]
    if not any(t is not None and reads_tables(t.graph) for t in trials) or any(t is not None and t.numbers > AFFORDABLE for t in trials):
        return tuple(first)
    twin = patient.with_numbers()
    runs = [twin.run(f.edits) for f in first]
    return tuple(f for f, t in zip(first, runs) if t is not None and t.ran)


def varied(fixes: list[Fix]) -> list[Fix]:
    """The best first, behind it other ideas before another form of the same one, where they are nearly as likely."""
    rest, told = list(fixes), []
    while rest:
        ideas = {idea(f) for f in told}
        best = next((f for f in rest if idea(f) not in ideas and f.rank <= rest[0].rank + NEARLY), rest[0])
        rest.remove(best)
        told.append(best)
    return told


def idea(fix: Fix) -> tuple:
    """What a fix does, whatever the number it puts in, and in which of the layers."""
    return tuple(sorted(kind(e) for e in fix.edits))


def kind(edit: dict) -> str:
    """The rest of what makes an edit the same idea as another: one side of an operation resized is as good as the other."""
    return "sizes" if RESIZE in edit.get("new", "") else repr({k: v for k, v in edit.items() if k not in NUMBERS})


def finding(case: Case, fixes) -> Finding:
    p = case.problem
    other = p.kind == "other" and not fixes and not about_shapes(p.message or p.sentence)
    where = {"layer": p.path or None, "type": p.type, "file": p.file, "line": p.line, "op": p.op}
    return Finding(where, p.sentence, case.wanted, case.arrived, because(case), fixes, "other" if other else "shape", p.message)


def reads_tables(graph: Graph) -> bool:
    """Whether an operator looks whole numbers up in something else: a number may name a row that is not there."""
    floating = lambda i: not graph.tensors[i].dtype.startswith(("int", "uint", "bool"))
    return any(
        any(floating(i) for i in n.inputs) and any(not floating(i) and graph.tensors[i].shape for i in n.inputs) for n in graph.nodes
    )


__all__ = ["diagnose", "diagnosis_of"]
