"""From a patient to its diagnosis: every problem on the way, as if the one before had been repaired."""

from __future__ import annotations

from whyshape.analyses.diagnose.because import because
from whyshape.analyses.diagnose.case import Case
from whyshape.analyses.diagnose.problem import Diagnosis, Finding
from whyshape.analyses.diagnose.reading import about_shapes
from whyshape.analyses.diagnose.search import WORK, solve
from whyshape.graph import Graph

SHOWN = 6  # fixes of one problem


def diagnosis_of(patient, work: int = WORK) -> Diagnosis:
    """What stops the patient, why, and the changes that were tried and make it run."""
    trial = patient.run()
    if trial.ran and patient.has_numbers() and reads_tables(trial.graph):
        patient.use_real_numbers()  # whether a row number is in its table, only the numbers tell
        trial = patient.run()
    if trial.ran:
        return Diagnosis(patient.name, notes=trial.graph.notes)
    problems: list[Finding] = []
    case = Case(patient, trial)
    while len(problems) < 5:
        solved = solve(case, work=work // (1 + len(problems)))
        problems.append(finding(case, tuple(solved.fixes[:SHOWN])))
        if solved.next is None:
            break
        case = solved.next[1]
    return Diagnosis(patient.name, tuple(problems), notes=trial.graph.notes, ran=False)


def finding(case: Case, fixes) -> Finding:
    p = case.problem
    other = p.kind == "other" and not fixes and not about_shapes(p.message or p.sentence)
    where = {"layer": p.path or None, "type": p.type, "file": p.file, "line": p.line, "op": p.op}
    return Finding(where, p.sentence, case.wanted, case.arrived, because(case), fixes, "other" if other else "shape", p.message)


def reads_tables(graph: Graph) -> bool:
    """Whether an operator looks whole numbers up in something else: a number may name a row that is not there."""
    floating = lambda i: not graph.tensors[i].dtype.startswith(("int", "uint", "bool"))
    return any(any(floating(i) for i in n.inputs) and any(not floating(i) and graph.tensors[i].shape for i in n.inputs) for n in graph.nodes)


__all__ = ["diagnosis_of"]
