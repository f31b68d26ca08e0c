"""A tracer under which PyTorch computes every result, and each rule is compared with it.

That is how a trace is verified, and how a model that reads values is followed on real numbers.
"""

from __future__ import annotations

from whyshape.errors import DoesNotFit
from whyshape.readers.torch.names import Entry, entry_of
from whyshape.readers.torch.record import CHANGED, GIVEN
from whyshape.readers.torch.tracer import STUMBLES, Tracer
from whyshape.readers.torch.values import Difference, first_sentence, shapes_of, stand_ins, tensors_in
from whyshape.sizes import plain


class Executing(Tracer):
    """Follows one run of a model in this thread, on what PyTorch computes."""

    execute = True

    def handler(self, func):
        """How calls of this function are answered."""
        entry = entry_of(func)
        return super().handler(func) if entry is None else self.compared(func, entry)

    def compared(self, func, entry: Entry):
        """PyTorch runs it; the rule is asked as well, and any difference is kept."""

        def answer(args, kwargs, frame):
            given, named = plain(args), plain(kwargs)
            refusal = made = None
            why = ""
            try:
                made = entry.rule.shape(*given, **named)
            except DoesNotFit as no:
                refusal = no
            except STUMBLES:
                why = f"the rule for {entry.op} does not cover this form"
            try:
                out = _run(func, given, named)
            except (RuntimeError, IndexError, ValueError, TypeError) as error:
                if refusal is None and not why:
                    self.differences.append(Difference(entry.op, self.path(), shapes_of(made), first_sentence(error)))
                raise self.refuse(refusal or DoesNotFit(first_sentence(error)), entry.op, args, kwargs, frame, str(error)) from error
            if refusal is not None:
                self.differences.append(Difference(entry.op, self.path(), refusal.sentence, [tuple(t.shape) for t in tensors_in(out)]))
                why = "PyTorch ran it although the rule refuses"
            elif made is not None and not entry.in_place:
                told = [tuple(t.shape) for t in tensors_in(out)]
                self.checked += len(told)
                if told != shapes_of(made):
                    self.differences.append(Difference(entry.op, self.path(), shapes_of(made), told))
            changed = entry.in_place and bool(args) and (out is None or out is args[0])
            if out is None and changed:  # x[i] = y gives nothing back
                out = args[0]
            self.remember(entry.op, args, kwargs, out, frame, why, CHANGED if changed else GIVEN)
            return out

        return answer


def _run(func, args, kwargs):
    """PyTorch's own result. What the model makes on the CPU while its input is a stand-in (`torch.arange`, say) becomes a stand-in too."""
    try:
        return func(*args, **kwargs)
    except RuntimeError:
        if len({t.is_meta for t in tensors_in((args, kwargs))}) < 2:
            raise
        return func(*stand_ins(args), **stand_ins(kwargs))


__all__ = ["Executing"]
