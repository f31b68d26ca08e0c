"""What is wrong with a file is said with the file's name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from whyshape.errors import WhyshapeError


def naming(read: Callable[..., Any]) -> Callable[..., Any]:
    """A reader of a file whose refusals, "This is not JSON: ...", begin with the file's name; content without a name stays "this"."""

    @wraps(read)
    def reader(source, *args, **kwargs):
        try:
            return read(source, *args, **kwargs)
        except WhyshapeError as error:
            said = str(error)
            if not isinstance(source, (str, Path)) or not said.startswith("This "):
                raise
            name = repr(str(source)[-200:])
            raise WhyshapeError(f"{name} {said[5:]}" if said.startswith("This is ") else f"{name}: {said}") from None

    return reader
