"""What a diagnosis says, as data: problems, the chain of sizes behind each, and fixes that were tried."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from whyshape.analyses.hazards.base import Hazard

SCHEMA = "whyshape.diagnosis.v1"
OLD, NEW = "old weights load", "new weights, train again"


class Fix(NamedTuple):
    """One change, or several that belong together, in the vocabulary of DESIGN.md."""

    edits: tuple[dict, ...]
    says: str  # the change in words
    cost: str = ""  # OLD or NEW
    verified: bool = False  # the changed model ran to its end, and the batch came out as it went in
    rank: float = 0.0  # smaller is better; decides the order, means nothing else
    built: bool = False  # the whole model was built with it; of a constructor that raised, which had no inputs to run on

    def to_dict(self) -> dict:
        data = dict(self.edits[0]) if len(self.edits) == 1 else {"all": [dict(e) for e in self.edits]}
        return {**data, "says": self.says, "cost": self.cost, "verified": self.verified, **({"built": True} if self.built else {})}


class Link(NamedTuple):
    """One size in the chain behind a mismatch: the number, its formula, and who decided it."""

    value: int
    formula: str  # with the numbers put in: "20*5*5"
    by: str  # chosen, calculated, input
    where: str  # the layer or input it stands at
    says: str

    def to_dict(self) -> dict:
        return self._asdict()


class Finding(NamedTuple):
    """One place where sizes do not fit (named `problems` in a diagnosis)."""

    where: dict  # layer, type, file, line, op
    sentence: str
    wanted: Any
    arrived: Any
    because: tuple[Link, ...] = ()
    fixes: tuple[Fix, ...] = ()
    kind: str = "shape"  # "shape", or "other": nothing a change of shape repairs
    message: str = ""  # what PyTorch says
    tried: bool = True  # changes were tried; not where the call that failed cannot be made again
    doubt: str = ""  # why fixes of a constructor could not be tried on the whole model

    def to_dict(self) -> dict:
        return {
            "where": self.where, "sentence": self.sentence, "wanted": self.wanted, "arrived": self.arrived,
            "because": [link.to_dict() for link in self.because], "fixes": [f.to_dict() for f in self.fixes],
            "kind": self.kind, "message": self.message, **({"doubt": self.doubt} if self.doubt else {}),
        }  # fmt: skip


class Diagnosis(NamedTuple):
    """Why a model fails on its inputs, and the changes that make it run; an empty one says that it runs."""

    model: str
    problems: tuple[Finding, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    ran: bool = True
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the model runs on these inputs as it is."""
        return not self.problems

    @property
    def wrong(self) -> bool:
        """Whether it runs and something is wrong all the same: rows of the batch mixed, say."""
        return any(h.severity == "error" for h in self.hazards)

    @property
    def exit_code(self) -> int:
        """0: it runs; 1: sizes do not fit, or it runs and something is wrong for certain; 3: it fails for a reason that is no shape."""
        if not self.problems:
            return int(self.wrong)
        return 3 if all(p.kind == "other" for p in self.problems) else 1

    def to_dict(self) -> dict:
        return {
            "schema": SCHEMA, "model": self.model, "fits": self.fits, "problems": [p.to_dict() for p in self.problems],
            "hazards": [h.to_dict() for h in self.hazards], "notes": list(self.notes),
        }  # fmt: skip

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), default=str)

    def __str__(self) -> str:
        from whyshape.analyses.diagnose.text import written

        return written(self)


__all__ = ["NEW", "OLD", "SCHEMA", "Diagnosis", "Finding", "Fix", "Hazard", "Link"]
