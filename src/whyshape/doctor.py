"""`diagnose`: a model and its inputs, to why it fails and the changes that make it run."""

from __future__ import annotations

from whyshape.analyses.diagnose import Diagnosis, diagnosis_of


def diagnose(model, input_size=None, input_data=None, dtypes=None, mode: str = "same") -> Diagnosis:
    """Why a model fails on these inputs, where, and changes that were tried on a copy and make it run.

    ``input_size``: one shape or several, with the batch; ``input_data``: tensors; a loss's target may be the last of them.
    ``mode``: "eval", "train", or "same" (as the model is). The model and the inputs stay as they are.

    >>> import torch
    >>> d = diagnose(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(320, 50)), (16, 20, 5, 5))
    >>> d.problems[0].fixes[0].says
    'Linear 1: in_features = 500, not 320'
    """
    from whyshape.readers.torch.trial import Patient

    return diagnosis_of(Patient(model, input_size, input_data, dtypes, mode))


__all__ = ["diagnose"]
