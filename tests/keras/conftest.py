"""Keras runs on the torch backend here: the choice must stand before its first import."""

import importlib.util
import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    if importlib.util.find_spec("keras"):  # where it is not installed, each file is skipped
        importlib.import_module("keras")  # its import warns about numpy's own future
