"""What is not installed is said in one sentence."""

from __future__ import annotations

import builtins

import pytest

from whyshape.cli import main


@pytest.mark.parametrize("module, package", [("torch", "torch"), ("sklearn", "scikit-learn")])
def test_a_missing_package(monkeypatch, capsys, module, package):
    """The package by the name pip knows; exit 2."""
    real = builtins.__import__

    def gone(name, *args, **kwargs):
        if name.partition(".")[0] == "whyshape" and args and args[2] and "explain" in args[2]:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", gone)
    assert main(["explain"]) == 2
    assert capsys.readouterr().err == f"whyshape: this question needs {module}, which is not installed: pip install {package}\n"
