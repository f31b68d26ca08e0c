"""What whyshape raises: one sentence each, with its numbers as fields for programs."""


class WhyshapeError(Exception):
    """The question cannot be answered as asked (exit code 2)."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        """What a notebook prints where nobody catches it: the sentence, without the frames of our code."""
        said = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(self))
        return [f"{type(self).__name__}: {said}"]


class ModelError(WhyshapeError):
    """The model could not be built or run for a reason that is not a shape (exit code 3)."""

    exit_code = 3


class DoesNotFit(WhyshapeError):
    """An operator's demand is not met by the sizes that arrive.

    ``numbers`` holds what the sentence names: usually ``wanted`` and ``arrived``.
    """

    exit_code = 1

    def __init__(self, sentence: str, **numbers):
        super().__init__(sentence)
        self.sentence = sentence
        self.numbers = numbers
