"""Why a model fails, where, and the changes that make it work: each was tried before it is shown."""

from whyshape.analyses.diagnose.problem import Diagnosis, Finding, Fix, Hazard, Link
from whyshape.analyses.diagnose.run import diagnose, diagnosis_of

__all__ = ["Diagnosis", "Finding", "Fix", "Hazard", "Link", "diagnose", "diagnosis_of"]
