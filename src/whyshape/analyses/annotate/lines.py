"""What every line gives, seen while it runs: after each statement of the user's own code, the shapes of what it bound.

Python tells of every line it begins. When a function goes on to its next statement, the one before is done, and the names
it binds hold what it gave. So a helper function, a tuple, a list of maps are all told as what they are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from whyshape.analyses.annotate.comments import Given
from whyshape.analyses.annotate.source import Source, Statement
from whyshape.errors import WhyshapeError

DEEPEST, MOST = 8, 64  # of what a statement gives: nesting, tensors


class Watched:
    """What was seen: for each statement that ran what its visits gave, once each; an empty tuple for a visit without a tensor."""

    def __init__(self, source_of: Callable[[str], Source | None]):
        self.source_of = source_of
        self.sources: dict[str, Source] = {}
        self.visits: dict[Statement, dict[Given, None]] = {}
        self.codes: dict[Any, Source | None] = {}
        self.failure: WhyshapeError | None = None  # a file that cannot be read: told when the model is done, which is not to blame

    def source(self, file: str) -> Source | None:
        """The source of a file, if its lines are wanted and can be read."""
        try:
            return self.source_of(file)
        except WhyshapeError as error:
            self.failure = error
            return None

    def call(self, frame, event, arg):
        """For `sys.settrace`: a function of the user's own is followed line by line, all others at full speed."""
        code = frame.f_code
        if code not in self.codes:
            source = None if code.co_name.startswith("<") else self.source(code.co_filename)
            self.codes[code] = source
            if source is not None:
                self.sources[source.path] = source
        source = self.codes[code]
        return None if source is None else _Frame(source, self)

    def seen(self, statement: Statement, values: list) -> None:
        """A statement is done, and this is what it gave."""
        self.visits.setdefault(statement, {})[shapes(values)] = None


class _Frame:
    """One function call on its way: the statement that runs now."""

    def __init__(self, source: Source, watched: Watched):
        self.source, self.watched = source, watched
        self.now: Statement | None = None
        self.returning: Statement | None = None  # a return that is done but for a `finally` or the end of a `with`

    def __call__(self, frame, event, arg):
        if event == "line":
            at = self.source.at(frame.f_lineno)
            if at is not self.now:
                self.leave(frame)
                self.now = at
        elif event == "exception":  # not done, and maybe never
            self.now = self.returning = None
        elif event == "return":
            last = self.now if self.now is not None and self.now.returns else self.returning
            if last is not None:
                self.watched.seen(last, [arg])
            else:
                self.leave(frame)
        return self

    def leave(self, frame) -> None:
        """The function goes on: what ran until now has bound its names."""
        if self.now is None:
            return
        if self.now.returns:
            self.returning = self.now
        elif self.now.targets:
            self.watched.seen(self.now, self.now.values(frame.f_locals))


def shapes(value, depth: int = 0) -> Given:
    """The shapes of all tensors in a nest of tuples, lists, dicts and dataclasses, in order."""
    if isinstance(value, sys.modules["torch"].Tensor):
        return (tuple(int(n) for n in value.shape),)
    if depth >= DEEPEST:
        return ()
    if isinstance(value, dict):
        value = value.values()
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        value = [vars(value).get(name) for name in value.__dataclass_fields__]
    elif not isinstance(value, (tuple, list)):
        return ()
    return tuple(shape for part in value for shape in shapes(part, depth + 1))[:MOST]


def watch(run: Callable[[], Any], source_of: Callable[[str], Source | None]) -> Watched:
    """Run something and see what the lines of these files give."""
    watched = Watched(source_of)
    before = sys.gettrace()
    sys.settrace(watched.call)
    try:
        run()
    finally:
        sys.settrace(before)
    if watched.failure is not None:
        raise watched.failure
    return watched


__all__ = ["Watched", "watch"]
