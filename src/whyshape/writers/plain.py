"""Text that can do no harm on a screen: names from a model are strangers' text."""

from __future__ import annotations

import re

# The lines of a tree, for consoles that know only ASCII.
DRAWN = str.maketrans({"├": "+", "└": "+", "│": "|", "─": "-", "═": "=", "\u00d7": "x"})

# Control characters (all but line feed), bidirectional overrides, and line separators.
_HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]|[\ud800-\udfff]")


def safe(text: str) -> str:
    """The text with everything that could steer a terminal shown as its number.

    >>> safe("conv\\x1b[31m")
    'conv\\\\x1b[31m'
    """
    return _HARMFUL.sub(lambda m: f"\\x{ord(m.group()):02x}" if ord(m.group()) < 256 else f"\\u{ord(m.group()):04x}", text)


def one_line(text: str) -> str:
    """The same on a single line, for a name inside a sentence or a table."""
    return safe(text).replace("\n", "\\n")


def ascii_only(text: str) -> str:
    """For consoles that cannot show the rest: lines of a tree as they can be drawn, other characters as ``?``.

    >>> ascii_only("├─a → b")
    '+-a ? b'
    """
    return text.translate(DRAWN).encode("ascii", "replace").decode("ascii")
