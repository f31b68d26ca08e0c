"""Where answers go, and in which form: the screen or a file; text, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import contextlib
import os
import sys

from whyshape.errors import WhyshapeError

ENDINGS = {".json": "json", ".md": "markdown", ".csv": "csv", ".tex": "latex"}
# What an answer in words cannot be written into, and the command that writes it.
ELSEWHERE = {".html": "report", ".svg": "figure", ".pdf": "figure", ".png": "figure", ".gif": "animate", ".mp4": "animate"}


def by_ending(options) -> None:
    """Where no option says the form of the answer, the ending of the file it goes to does."""
    path = getattr(options, "output", None) or ""
    ending = os.path.splitext(path)[1].lower()
    form = ENDINGS.get(ending)
    if not hasattr(options, "markdown") or any(getattr(options, known, False) for known in ENDINGS.values()):
        return
    if ending in ELSEWHERE:
        raise WhyshapeError(f"{options.command} does not write {ending} files; whyshape {ELSEWHERE[ending]} does")
    if form is None:
        return
    if not hasattr(options, form):
        forms = ", ".join(ending for ending, known in ENDINGS.items() if hasattr(options, known))
        raise WhyshapeError(f"{options.command} does not write {ending} files; it writes {forms}, and text into any other file")
    setattr(options, form, True)


_APART: list = []  # stdout, while what models print goes elsewhere


@contextlib.contextmanager
def answers_alone():
    """What the model's own code prints goes to stderr, so that stdout holds the answer and nothing else."""
    _APART.append(sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _APART.pop()


def stdout():
    """Where answers go."""
    return _APART[-1] if _APART else sys.stdout


def say(text: str, end: str = "\n") -> None:
    """Print a part of the answer, in ASCII where the console knows no more."""
    stream = stdout()
    if stream is None:  # closed before we began: nobody reads
        return
    try:
        try:
            stream.write(text + end)
        except UnicodeEncodeError:
            from whyshape.writers.plain import ascii_only

            stream.write(ascii_only(text) + end)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # or Python tries again when it ends
        raise WhyshapeError(f"the answer cannot be written: {error.strerror}") from None


def write(text: str, options, end="\n") -> None:
    """Print the answer, or write it to the file that was asked for."""
    path = getattr(options, "output", None)
    if not path:
        say(text, end)
        return
    from whyshape.writers.pictures import put

    put(path, (text + end).encode())
    print(f"written: {path}", file=sys.stderr)


def write_text(text: str, options) -> None:
    """Print text, coloured where the screen can and it is wanted."""
    from whyshape.writers.text import colour, wants_colour

    if not getattr(options, "output", None) and wants_colour(options.color, stdout()):
        text = colour(text)
    write(text, options)


def show(found, options) -> None:
    """Print an answer that tells a story: as JSON, Markdown or LaTeX where that is wanted, else as text."""
    if options.json:
        write_json(found.to_dict(), options)
    elif options.markdown:
        from whyshape.writers.markdown import write as markdown

        write(markdown(found.story()), options)
    elif getattr(options, "latex", False):
        from whyshape.writers.latex import write as latex

        write(latex(found.story()), options)
    else:
        write_text(str(found), options)


def show_lines(text: str, data: dict, options, wrap: bool = True) -> None:
    """Print an answer that is lines of text: in a block of their own in Markdown, on the screen as long as it is wide (or, ``wrap=False``, as they are)."""
    if options.json:
        write_json(data, options)
    elif options.markdown:
        from whyshape.story import Code
        from whyshape.writers.markdown import write as markdown

        write(markdown([Code(text, "")]), options)
    else:
        from whyshape.writers.plain import safe
        from whyshape.writers.text import wrapped

        write_text("\n".join(part for line in text.split("\n") for part in (wrapped(safe(line)) if wrap else [line])), options)


def write_json(data: dict, options) -> None:
    """Print data as JSON."""
    import json

    write(json.dumps(data, indent=2, allow_nan=False, default=str), options)
