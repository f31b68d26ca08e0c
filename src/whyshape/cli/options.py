"""What commands have in common: a parser that refuses in one sentence, TARGET, --input and the other options several of them take."""

from __future__ import annotations

import argparse
import re
import sys

from whyshape.errors import WhyshapeError


class Parser(argparse.ArgumentParser):
    """Usage errors are one sentence and exit code 2; options stand anywhere."""

    def __init__(self, **kwargs):
        kwargs.setdefault("formatter_class", _help)
        super().__init__(**kwargs)
        self._mixing = False

    def parse_known_args(self, args=None, namespace=None):
        # Left alone, argparse gives an optional TARGET up at the first option that stands before it: `figure arch -o x.svg TARGET`.
        takes_all = any(a.nargs in (argparse.PARSER, argparse.REMAINDER) for a in self._get_positional_actions())
        if takes_all or self._mixing:  # before Python 3.12 mixing asks this method again
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False

    def parse_args(self, args=None, namespace=None):
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.of(getattr(options, "command", None)).unknown(unknown[0])
        return options

    def of(self, command: str | None) -> Parser:
        """The parser of a command, or this one where there is none."""
        menus = [a for a in self._actions if isinstance(a, argparse._SubParsersAction)]
        return menus[0].choices[command] if menus and command else self

    def takes(self, *names: str) -> bool:
        """Whether there is an argument of one of these names."""
        return any(a.dest in names for a in self._actions)

    def unknown(self, word: str) -> None:
        """Refuse a word that means nothing here."""
        import difflib

        if word == "-":
            self.error('the shell reads > as "write to a file"; put what holds an arrow in quotes, as "28 -> 14"')
        near = difflib.get_close_matches(word.partition("=")[0], self._option_string_actions, 2)
        if word.startswith("-"):
            self.error(f"there is no option {word[:60]!r}{', did you mean ' + ' or '.join(near) if near else ''}")
        self.error(f"{word[:60]!r} is one word too many; put words with blanks in quotes")

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _help(prog: str) -> argparse.HelpFormatter:
    """How help is set. Not told the width, argparse asks `shutil`, whose compressors take longer to load than all the rest of it."""
    from whyshape.writers.text import width_of_screen

    return argparse.RawDescriptionHelpFormatter(prog, width=width_of_screen() - 2)


def target(parser, nargs="?") -> None:
    """The TARGET argument."""
    parser.add_argument("target", nargs=nargs, metavar="TARGET", help="what to ask about (default: the thread's network)")


def inputs(parser, mode: str = "eval") -> None:
    """`--input`, `--dtype`, `--mode`: what the model is given; ``mode`` is the one it is asked in unless told, or empty for no such option."""
    parser.add_argument(
        "--input",
        action="append",
        metavar="SHAPE",
        help="a shape with the batch, as 1,3,224,224; letters are free axes: N,3,H,W; repeat for several inputs",
    )
    parser.add_argument("--dtype", action="append", metavar="DTYPE", help="the input's dtype, as int64; repeat for several inputs")
    if mode:
        modes(parser, mode)


def modes(parser, usual: str, who: str = "the model is") -> None:
    """`--mode`."""
    parser.add_argument(
        "--mode",
        choices=("eval", "train", "same"),
        default=usual,
        help=f"the mode {who} asked in; same is the one it is in (default: {usual})",
    )


def levels(text: str) -> int:
    """A number of levels: a whole number from 1 up."""
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise argparse.ArgumentTypeError(f"a whole number from 1 up is wanted, {text[:60]!r} arrived")
    return int(text)


def output(parser) -> None:
    """`--json`, `--markdown`, `-o`, `--color`: where and how the answer goes."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of the screen")
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colour the text (default: when the screen can)"
    )


def both(parser) -> None:
    """`--keras` or `--torch`: every size in both frameworks' order."""
    parser.add_argument(
        "--keras",
        "--torch",
        dest="both",
        action="store_true",
        help="every size in the other framework's order too: maps last for Keras, maps first for PyTorch",
    )


def training(parser) -> None:
    """`--optimizer`, `--autocast`, `--checkpoint`: how the model is trained, which decides what memory holds."""
    parser.add_argument(
        "--optimizer", default="adam", metavar="NAME", help="none, sgd, momentum, adam, adamw, rmsprop, adagrad (default: adam)"
    )
    parser.add_argument("--autocast", metavar="DTYPE", help="as under torch.autocast: bfloat16, float16, cuda:float16, cuda:bfloat16")
    parser.add_argument(
        "--checkpoint", action="append", default=[], metavar="PATH", help="a module whose activations are computed again instead of kept"
    )


def shapes(given: list[str] | None) -> list[tuple] | None:
    """The shapes of `--input`, as tuples of numbers and letters.

    >>> shapes(["N,1,28,28"])
    [('N', 1, 28, 28)]
    """
    return [shape(text) for text in given] if given else None


def shape(text: str) -> tuple:
    """One shape: numbers and letters, separated by commas or by x.

    >>> shape("1x28x28"), shape("N,3,H,W")
    ((1, 28, 28), ('N', 3, 'H', 'W'))
    """
    parts = [p.strip() for p in re.split("[,x\N{MULTIPLICATION SIGN}]", text.strip().strip("()[]"))]
    if len(parts) == 2 and not parts[1] and text.strip().endswith((",", ",)")):  # "28,", as Python writes one axis
        parts.pop()
    sizes: list = []
    for part in parts:
        if re.fullmatch(r"\d{1,30}", part):
            sizes.append(int(part))
        elif re.fullmatch(r"[A-Za-z_]\w{0,30}", part):
            if part in sizes and part in ("N", "B"):
                raise WhyshapeError(f"the shape {text!r} names {part} twice; the batch is one axis")
            sizes.append(part)
        else:
            raise WhyshapeError(
                f"{text!r} is not a shape: {part!r} is neither a whole number from 0 up nor a letter; write 1,3,224,224 or N,3,H,W"
            )
    if any(isinstance(n, int) and n > 2**63 - 1 for n in sizes):
        raise WhyshapeError(f"the shape {text!r} is beyond 2^63 - 1, the largest size PyTorch can hold")
    return tuple(sizes)


def model_of(options, torch_wanted: bool = False):
    """The target as `whyshape.api` takes it, and the input's shapes; the thread's network where none is named."""
    from whyshape.readers import notation
    from whyshape.readers import target as targets

    given = shapes(options.input)
    if options.target is None:
        given = given or [(1, 1, 28, 28)]
        if torch_wanted:
            return targets.load(None), batched(given, 4)
        return notation.THREAD, batched(given, 4)
    if targets.kind_of(options.target) == "python":
        return targets.load(options.target), given
    return options.target, given


def batched(given, rank: int):
    """Shapes with a batch: one that is an axis short gets a batch of 1, and that is said."""
    made = []
    for s in given:
        if len(s) == rank - 1:
            print(f"note: {','.join(map(str, s))} has no batch axis; a batch of 1 is put in front", file=sys.stderr)
            s = (1, *s)
        made.append(s)
    return made
