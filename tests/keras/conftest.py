"""What the tests of Keras share: its torch backend, chosen before its first import, and the warnings that are not ours."""

import importlib.util
import os
import warnings
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
THERE = all(map(importlib.util.find_spec, ("keras", "h5py")))
if THERE:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("keras")  # its import warns about numpy's own future
collect_ignore_glob = [] if THERE else ["test_*.py"]

NOT_OURS = (
    "ignore:__array__ implementation:DeprecationWarning",  # Keras' own, on its torch backend
    "ignore:The structure of `inputs`:UserWarning",  # Keras' own, of a single input in a list
    "ignore:Using padding='same' with even kernel:UserWarning",  # PyTorch's, about speed
    "ignore:enable_nested_tensor is True:UserWarning",  # PyTorch's, about speed
)


def pytest_collection_modifyitems(items):
    """The filters, on every test of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for told in NOT_OURS:
                item.add_marker(pytest.mark.filterwarnings(told))
