"""TARGET: what a command is asked about.

``file.py:Name``, ``file.py:make(depth=3)``, ``package.module:factory``, ``model.onnx``, ``model.keras``, ``graph.json``, or a network in
notation. Importing a ``.py`` or package target runs its code, as Python does.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys

from whyshape.errors import ModelError, WhyshapeError
from whyshape.readers import notation

FILES = (".onnx", ".keras", ".json")


def kind_of(target: str) -> str:
    """What a target names: ``notation``, ``onnx``, ``keras``, ``json`` or ``python``.

    >>> kind_of("net.py:Net"), kind_of("model.onnx"), kind_of("Conv2d(1, 10, 5) > ReLU")
    ('python', 'onnx', 'notation')
    """
    ending = os.path.splitext(target)[1].lower()
    if ending in FILES:
        return ending[1:]
    return "notation" if notation.looks_like(target) else "python"


def is_file(target) -> bool:
    """Whether a target names a file that describes a network: ``.onnx``, ``.keras`` or ``.json``.

    >>> is_file("model.onnx"), is_file("net.py:Net"), is_file(None)
    (True, False, False)
    """
    return isinstance(target, str) and kind_of(target) not in ("python", "notation")


def load(target: str | None, real: bool = False):
    """The `torch.nn.Module` a target names; none means the thread's network. Built on the meta device where the model allows it.

    ``real``: with the numbers its own constructor gives it, as who wants values needs. Raises `WhyshapeError` where it has none.
    """
    if target is None:
        from whyshape.lab.network import ThreadNet

        return ThreadNet()
    kind = kind_of(target)
    if kind == "notation":
        from whyshape.readers.torch.written import as_module, on_meta

        return as_module(target) if real else on_meta(target)
    if kind != "python":
        raise WhyshapeError(f"{target} is no PyTorch model; this command needs one, as file.py:Net or package.module:factory")
    factory, call = _resolve(target)
    model = _build(factory, call, target, real)
    if real and any(t.is_meta for t in (*model.parameters(), *model.buffers())):
        raise WhyshapeError(f"{target} lies on the meta device and holds no numbers; a model with numbers is wanted here")
    return model


def _resolve(target: str):
    place, colon, name = target.partition(":")
    if os.name == "nt" and len(place) == 1 and colon:  # a drive letter
        place, colon, name = target[:2] + target[2:].partition(":")[0], *target[2:].partition(":")[1:]
    if not name and place.endswith(".py"):
        raise WhyshapeError(f"{place} is a file; name the model in it: {place}:{_models_of(place)}")
    if not colon or not name:
        raise WhyshapeError(f"{target!r} names no model; write file.py:Net, package.module:factory, model.onnx, or Conv2d(1, 10, 5) > ReLU")
    call = _call(name, target)
    module = module_of(place, target)
    found = module
    for part in call[0].split("."):
        if not hasattr(found, part):
            raise WhyshapeError(f"{place} has no {part!r}{_near(part, found)}")
        found = getattr(found, part)
    return found, call


def _models_of(place: str) -> str:
    """The classes and functions at the top of a file, read without running it: what may be meant."""
    try:
        with open(place, "rb") as file:
            body = ast.parse(file.read(2**20)).body
    except OSError:
        raise WhyshapeError(f"there is no file {place}") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "Name"
    classes = [part.name for part in body if isinstance(part, ast.ClassDef) and part.name[0] != "_"]
    found = classes or [part.name for part in body if isinstance(part, ast.FunctionDef) and part.name[0] != "_"]
    return " or :".join([*found[:4], *(["..."] if len(found) > 4 else [])]) or "Name"


def _near(name, module) -> str:
    import difflib

    near = difflib.get_close_matches(name, [n for n in dir(module) if not n.startswith("_")], 3)
    return f"; it has {', '.join(near)}" if near else ""


def _call(text: str, target: str):
    """The name, and the arguments where some are written."""
    try:
        tree = ast.parse(text, mode="eval").body
        if not isinstance(tree, ast.Call):
            ast.parse(text.replace(".", "_"), mode="eval")
            return text, None, None
        if any(k.arg is None for k in tree.keywords):
            raise ValueError
        name = ast.unparse(tree.func)
        return name, [ast.literal_eval(a) for a in tree.args], {k.arg: ast.literal_eval(k.value) for k in tree.keywords}
    except (SyntaxError, ValueError, RecursionError):
        raise WhyshapeError(f"{target!r} cannot be read; write it as file.py:make(depth=3), with plain values") from None


def module_of(place: str, target: str):
    """The module a file or a package name stands for; importing it runs its code. ``target`` is named in what goes wrong."""
    if place.endswith(".py"):
        if not os.path.isfile(place):
            raise WhyshapeError(f"{place} is a directory, not a file" if os.path.isdir(place) else f"there is no file {place}")
        name = "whyshape_target_" + "".join(c if c.isalnum() else "_" for c in os.path.splitext(os.path.basename(place))[0])
        spec = importlib.util.spec_from_file_location(name, place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        sys.path.insert(0, os.path.dirname(os.path.abspath(place)))
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            sys.modules.pop(name, None)
            raise ModelError(f"{place} could not be imported: {_told(error)}{_script(error)}") from error
        finally:
            sys.path.pop(0)
        return module
    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` does: packages of the folder one stands in
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and place.startswith(error.name):
            raise WhyshapeError(f"there is no module {place!r}; write a file as {place}.py:Net, or install the package") from None
        raise ModelError(f"{place} could not be imported: {_told(error)}") from error
    except (Exception, SystemExit) as error:
        raise ModelError(f"{place} could not be imported: {_told(error)}") from error


def _build(factory, call, target: str, real: bool):
    import torch

    name, args, kwargs = call
    if isinstance(factory, torch.nn.Module):
        return factory
    if not callable(factory):
        raise WhyshapeError(f"{target} is of type {type(factory).__name__}; a model, its class, or a function that makes one is wanted")
    _needs_nothing(factory, name, args, kwargs, target)
    make = lambda: factory(*(args or ()), **(kwargs or {}))
    model = None
    if not real:
        try:
            with torch.device("meta"):
                model = make()
            if isinstance(model, torch.nn.Module):
                return model
        except (Exception, SystemExit):  # not every constructor runs on the meta device (some read values): build it as the user would
            model = None
    try:
        model = make() if model is None else model
    except (Exception, SystemExit) as error:
        raise ModelError(f"{target} could not be built: {_told(error)}") from error
    if not isinstance(model, torch.nn.Module):
        raise WhyshapeError(f"{target} gives something of type {type(model).__name__}; a torch.nn.Module is wanted")
    return model


def _needs_nothing(factory, name, args, kwargs, target):
    import inspect

    try:
        inspect.signature(factory).bind(*(args or ()), **(kwargs or {}))
    except TypeError as error:
        arguments = [
            str(p)
            for p in inspect.signature(factory).parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        raise WhyshapeError(
            f"{target}: {error}; write the arguments with the target, as {target.partition('(')[0]}({', '.join(f'{a}=...' for a in arguments)})"
        ) from None
    except ValueError:
        return  # a built-in without a signature: calling it will tell


def _script(error) -> str:
    return "; what only a script does belongs under if __name__ == '__main__':" if isinstance(error, SystemExit) else ""


def _told(error) -> str:
    if isinstance(error, SystemExit):
        return f"its code calls sys.exit({error.code!r})"
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
