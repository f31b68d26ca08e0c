"""The tracer: the model's own `forward` runs, and every operator with a rule is answered by the rule.

Under a `TorchFunctionMode` each call arrives here before PyTorch's kernels see it. The rule computes the sizes, an empty
meta tensor of those sizes goes back, and the call is remembered. No number is computed, no weight is read, nothing is
drawn at random. `Executing` (execute.py) lets PyTorch compute the results as well.
"""

from __future__ import annotations

import sys

import torch
from torch.overrides import TorchFunctionMode

from whyshape.errors import DoesNotFit
from whyshape.readers.torch.lying import lying
from whyshape.readers.torch.names import FACTS, LAID, SIZE_GETTERS, VALUES, Entry, entry_of
from whyshape.readers.torch.open import opened
from whyshape.readers.torch.record import CHANGED, GIVEN, MADE, NeedsValues, RawCall, Stop
from whyshape.readers.torch.stopped import HOME, OWN
from whyshape.readers.torch.values import META, Difference, dtype_of, first_sentence, first_tensor, row_by_row, stand_ins, tensors_in, text
from whyshape.readers.torch.values import packed as in_one
from whyshape.rules import Made
from whyshape.rules.base import Unexplained, in_our_words
from whyshape.rules.inplace import put_into
from whyshape.sizes import INPUT, Asked, Leaf, beside, plain, product

Tensor = torch.Tensor
# Files of PyTorch, and one of ours, that stand between the line that calls an operator and us: the line is what is remembered.
_BETWEEN = frozenset(
    f.__file__ for f in (torch.nn.functional, torch.functional, torch.overrides, torch._jit_internal, torch._tensor, beside)
)
# A rule that cannot tell, or stumbles over an argument nobody can serve: PyTorch has the word.
STUMBLES = (Unexplained, TypeError, AttributeError, LookupError, ValueError, ArithmeticError)
_SIZE_GETTERS = (Tensor.shape.__get__, Tensor.size, Tensor.__len__, Tensor.numel, Tensor.nelement, torch.numel)
# How deep we are in transforms of torch.func (vmap, grad, jacrev): a number, or None outside. Inside, a tensor shows the sizes of one
# sample and hides the axis of the others, so that no rule may answer.
transformed = torch._C._functorch.maybe_current_level

_NO_WORDS: dict = {}  # one for all calls without keywords; nobody writes into it


class Tracer(TorchFunctionMode):
    """Follows one run of a model in this thread."""

    execute = False  # whether PyTorch computes every result as well
    ended = False  # whether the forward came to its end

    def __init__(self, paths: dict[int, str], closed: frozenset[str] = frozenset()):
        super().__init__()
        entry_of(None)  # the table is made before anybody is watched
        self.paths = paths
        self.closed = {i for i, path in paths.items() if path in closed}  # modules that PyTorch runs as one, unseen
        self.calls: list[tuple] = []  # RawCall fields
        self.scopes: list[list] = []  # ModuleRun fields, in the order the calls began
        self.grad = not torch.is_grad_enabled()  # only the model's own no_grad counts
        self.scope: list | None = None  # the module call we are in
        self.kinds: dict[type, str] = {}  # of the classes of modules met: how they differ from others (scope.py)
        self.refused: tuple | None = None
        self.refusals: list[int] = []  # how many calls stood before each; more than one where the model caught them
        self.broke_in: list | None = None  # the innermost module call an exception came out of
        self.error: Exception | None = None  # what a check of PyTorch's modules raised
        self.doubted = False  # what stopped the run may be our doing: PyTorch with real numbers must be asked
        self.hidden: list | None = None  # the module call in which a transform of torch.func ran, unseen
        self.remembered = 0  # sizes handed out with their history
        self.looked = ""  # what the model's own code asked of how a tensor lies
        self.reads: dict[int, Tensor] = {}
        self.differences: list[Difference] = []
        self.checked = 0
        self.blanks: dict[tuple, Tensor] = {}  # an empty tensor of each shape and dtype
        self.handlers: dict = {}
        for getter in _SIZE_GETTERS:
            self.handlers[getter] = self.size_getter(getter)
        size, numel = self.handlers[Tensor.size], self.handlers[Tensor.numel]
        self.handlers[Tensor.nbytes.__get__] = lambda args, *rest: numel(args, *rest) * args[0].element_size()
        self.handlers[Tensor.is_same_size] = lambda args, *rest: size(args[:1], *rest) == size(args[1:2], *rest)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if transformed() is not None:
            return self.inside(func, args, kwargs or _NO_WORDS)
        handler = self.handlers.get(func) or self.handlers.setdefault(func, self.handler(func))
        frame = sys._getframe(1)
        while frame.f_code.co_filename in _BETWEEN:
            frame = frame.f_back
        return handler(args, kwargs or _NO_WORDS, frame)

    def handler(self, func):
        """How calls of this function are answered."""
        entry = entry_of(func)
        if entry is not None:
            if entry.in_place:
                return self.in_place(func, entry)
            if entry.rule.view:
                return self.view(func, entry)
            by_rule = self.by_rule(func, entry)
            return self.seen_before(entry.op, by_rule) if entry.rule.words()[1:3] == ("weight", "bias") else by_rule
        name = getattr(func, "__name__", "")
        if name in VALUES:
            return self.values(func)
        if name == "__get__" or name == "__set__":
            return self.attribute(func)
        if name in FACTS:
            return self.laid(func) if name in LAID else lambda args, kwargs, frame: func(*args, **plain(kwargs))
        body = None if self.execute else opened(func)
        if body is not None:  # a function written in Python: its own calls are followed instead

            def follow(args, kwargs, frame):
                with self:
                    return body(*args, **kwargs)

            return follow
        return self.measured(func, "no rule explains it")

    # -- calls a rule answers ------------------------------------------------------------------------------------------

    def by_rule(self, func, entry: Entry):
        """The rule's sizes, and an empty tensor of them."""
        op, rule, shape_of = entry.op, entry.rule, entry.rule.shape
        calls, blank, grad = self.calls, self.blank, torch.is_grad_enabled
        lies = lying(op)
        strides_of, flag = lies.strides, lies.flag

        def answer(args, kwargs, frame):
            if args and type(args[0]) is list:  # the model may go on filling its list, as DenseNet does
                args = (args[0].copy(), *args[1:])
            if kwargs and ("axis" in kwargs or "keepdims" in kwargs):
                kwargs = in_our_words(kwargs)
            try:
                made = shape_of(*plain(args), **plain(kwargs)) if self.remembered else shape_of(*args, **kwargs)
            except DoesNotFit as refusal:
                raise self.refuse(refusal, op, args, kwargs, frame) from None
            except STUMBLES:
                return self.measured(func, f"the rule for {op} does not cover this form")(args, kwargs, frame)
            how, kind = MADE, type(made)
            if kind is list or made is None:
                first = first_tensor((args, kwargs))
                laid = lies.of_each(args, kwargs, first)
                out, how = self.make(made, first, laid), GIVEN if laid else MADE
                if kind is list:
                    out = rule.pack(out, func) if hasattr(rule, "pack") else in_one(func, out)
            else:
                first = args[0] if args else None
                if not isinstance(first, Tensor):
                    first = first_tensor((args, kwargs))
                shape, dtype = (made.shape, dtype_of(made.dtype, first)) if kind is Made else (made, first.dtype)
                if (kwargs and kwargs.get("inplace") is True) or (flag is not None and len(args) > flag and args[flag] is True):
                    out, how = first, CHANGED
                elif strides := strides_of(args, kwargs, first, shape):
                    out, how = torch.empty_strided(shape, strides, dtype=dtype, device=META), GIVEN
                else:
                    out = blank(shape, dtype)
            calls.append((op, args, kwargs, out, self.scope, frame.f_code, frame.f_lasti, "", how, grad() or self.grad))
            if kwargs and "out" in kwargs and kwargs["out"] is not None:
                return kwargs["out"]
            return out

        return answer

    def seen_before(self, op: str, by_rule):
        """Calls of an input, a weight and a bias: networks ask the same of their layers again and again, and what came of it is kept."""
        calls, grad, known = self.calls, torch.is_grad_enabled, {}

        def answer(args, kwargs, frame):
            if kwargs or self.remembered or len(args) < 3:
                return by_rule(args, kwargs, frame)
            x, weight, bias = args[:3]
            try:
                if not (row_by_row(x) and row_by_row(weight)):
                    return by_rule(args, kwargs, frame)
                question = (x.shape, x.dtype, weight.shape, weight.dtype, bias is None or (bias.shape, bias.dtype), args[3:])
                empty = known.get(question)
            except (TypeError, AttributeError):  # a list cannot be looked up, and what is no tensor has no shape
                return by_rule(args, kwargs, frame)
            if empty is None:
                out = by_rule(args, kwargs, frame)
                if calls and calls[-1][3] is out and calls[-1][8] == MADE:  # the rule answered
                    known[question] = out.data
                return out
            out = empty.data
            calls.append((op, args, kwargs, out, self.scope, frame.f_code, frame.f_lasti, "", MADE, grad() or self.grad))
            return out

        return answer

    def make(self, made, first, lays=None):
        """Empty tensors for what a rule made, nested as it nests them; None where it makes none. ``lays``: the strides of a shape."""
        if made is None:
            return None
        if type(made) is list:
            return tuple([self.make(m, first, lays) for m in made])
        shape, dtype = made if type(made) is Made else (made, None)
        if lays:
            return torch.empty_strided(shape, lays(shape), dtype=dtype_of(dtype, first), device=META)
        return self.blank(shape, dtype_of(dtype, first))

    def blank(self, shape, dtype) -> Tensor:
        """A new empty tensor, laid out row by row; another by the side of one that is there is made many times as fast."""
        made = self.blanks.get((shape, dtype))
        if made is None:
            made = self.blanks[shape, dtype] = torch.empty(shape, dtype=dtype, device=META)
        return made.data

    def view(self, func, entry: Entry):
        """Sizes by the rule; the tensor by PyTorch, which keeps the true strides: whether a later `view` may run depends on them."""
        op, shape_of = entry.op, entry.rule.shape

        def answer(args, kwargs, frame):
            if self.remembered:
                given, named = plain(args), plain(kwargs)
            else:
                given, named = args, kwargs
            try:
                if op in ("reshape", "flatten") and not args[0].is_contiguous():
                    out = self.laid_out(args[0], shape_of(*given, **named))
                else:
                    out = func(*given, **named)
            except DoesNotFit as refusal:
                raise self.refuse(refusal, op, args, kwargs, frame) from None
            except (RuntimeError, IndexError, ValueError) as error:
                try:
                    shape_of(*given, **named)
                except DoesNotFit as refusal:
                    raise self.refuse(refusal, op, args, kwargs, frame, str(error)) from None
                except STUMBLES as why:
                    return self.measured(func, str(why))(args, kwargs, frame)
                raise self.refuse(DoesNotFit(first_sentence(error)), op, args, kwargs, frame, str(error)) from None
            self.remember(op, args, kwargs, out, frame, "", CHANGED if out is args[0] else GIVEN)
            return out

        return answer

    def laid_out(self, tensor, shape):
        """A view where the memory allows one, else new memory: as `reshape` does."""
        try:
            return tensor.view(shape)
        except RuntimeError:
            return self.make(shape, tensor)

    def in_place(self, func, entry: Entry):
        """The first argument is changed: its sizes must hold the result."""
        op, shape_of = entry.op, entry.rule.shape

        def answer(args, kwargs, frame):
            try:
                made = shape_of(*plain(args), **plain(kwargs)) if self.remembered else shape_of(*args, **kwargs)
                shape = made.shape if type(made) is Made else made if isinstance(made, tuple) else None
                if shape is not None and shape != args[0].shape and op != "Tensor.__setitem__":
                    raise DoesNotFit(
                        f"the result has shape {text(shape)} and cannot be put into {text(args[0].shape)}",
                        wanted=list(args[0].shape), arrived=list(shape),
                    )  # fmt: skip
                if type(made) is Made:
                    put_into(made, args[0])
            except DoesNotFit as refusal:
                raise self.refuse(refusal, op, args, kwargs, frame) from None
            except STUMBLES:
                pass_on = self.measured(func, f"the rule for {op} does not cover this form")
                return pass_on(args, kwargs, frame)
            self.remember(op, args, kwargs, args[0], frame, "", CHANGED)
            return args[0]

        return answer

    # -- calls PyTorch answers -----------------------------------------------------------------------------------------

    def measured(self, func, why: str):
        """No rule: PyTorch runs it on empty meta tensors, and the node says so."""
        name = getattr(func, "__name__", str(func))

        def answer(args, kwargs, frame):
            given, named = plain(args), plain(kwargs)
            if not self.execute:
                given, named = stand_ins(given), stand_ins(named)
            try:
                out = func(*given, **named)
            except NotImplementedError as error:
                raise NeedsValues(f"{name} has no meta form: {first_sentence(error)}") from None
            except (RuntimeError, IndexError, ValueError, TypeError) as error:
                if not self.execute and ("item()" in str(error) or "meta tensor" in str(error).lower() or "data-dependent" in str(error)):
                    raise NeedsValues(f"{name} reads values: {first_sentence(error)}") from None
                self.doubted = not self.execute  # meta tensors are refused where real ones are not
                raise self.refuse(DoesNotFit(first_sentence(error)), name, args, kwargs, frame, str(error)) from error
            if any(True for _ in tensors_in(out)):
                self.remember(name, args, kwargs, out, frame, why, GIVEN)
            return out

        return answer

    # -- facts, sizes, values ------------------------------------------------------------------------------------------

    def size_getter(self, getter):
        """Sizes go out as ints that remember the tensor and the axis they come from."""

        def axis(tensor, i, n):
            return Asked(n, "leaf", (), Leaf("axis", INPUT, ("axis", tensor, i)))

        def answer(args, kwargs, frame):
            tensor = args[0]
            self.remembered += 1
            shape = getter(tensor) if getter is _SIZE_GETTERS[0] else Tensor.shape.__get__(tensor)
            name = getter.__name__
            if name == "__len__":
                return len(tensor) if not shape else axis(tensor, 0, shape[0])
            if name in ("numel", "nelement"):
                return product([axis(tensor, i, n) for i, n in enumerate(shape)])
            if name == "size" and (len(args) > 1 or kwargs.get("dim") is not None):
                i = int(args[1] if len(args) > 1 else kwargs["dim"])
                n = getter(tensor, i)
                return axis(tensor, i % len(shape), n)
            return torch.Size([axis(tensor, i, n) for i, n in enumerate(shape)])

        return answer

    def attribute(self, func):
        """`x.device`, `x.dtype`, `x.data`: PyTorch's own answer; a tensor among them is the same tensor by another name."""

        def answer(args, kwargs, frame):
            out = func(*args, **kwargs)
            if isinstance(out, Tensor) and out is not args[0] and args and isinstance(args[0], Tensor):
                self.remember("alias", (args[0],), {}, out, frame, "", GIVEN)
            return out

        return answer

    def laid(self, func):
        """How a tensor lies in memory: PyTorch's own layers may ask, but where the model's code does, what follows is not known."""

        def answer(args, kwargs, frame):
            if not frame.f_code.co_filename.startswith((HOME, OWN)) and not isinstance(args[0], torch.nn.Parameter):
                self.looked = self.looked or func.__name__
            return func(*args, **plain(kwargs))

        return answer

    def values(self, func):
        """The numbers of a real tensor can be read; a stand-in has none, and the trace must start again on real ones."""

        def answer(args, kwargs, frame):
            if any(t.is_meta for t in tensors_in((args, kwargs))):
                raise NeedsValues(f"{func.__name__} reads the numbers of a tensor")
            return func(*plain(args), **plain(kwargs))

        return answer

    def remember(self, op, args, kwargs, out, frame, why: str, how: int) -> None:
        """Keep a call as it happened."""
        self.calls.append((op, args, kwargs, out, self.scope, frame.f_code, frame.f_lasti, why, how, torch.is_grad_enabled() or self.grad))

    def inside(self, func, args, kwargs):
        """A call inside a transform of torch.func is PyTorch's own: the module that asked for the transform is then run as one."""
        if not self.execute:
            raise NeedsValues("a transform of torch.func hides an axis of the tensors inside it")
        self.hidden, self.doubted = self.scope, True
        try:
            return func(*args, **kwargs)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            raise self.refuse(DoesNotFit(first_sentence(error)), "torch.func", (), {}, sys._getframe(2), str(error)) from error

    def unseen(self, module, run, args, kwargs, frame, why: str):
        """A module whose inside cannot be followed: PyTorch runs it with real numbers, and it stands as one call that was measured."""
        if not self.execute:
            raise NeedsValues(f"{type(module).__name__} is {why}")
        with torch._C.DisableTorchFunction():
            out = run(module, *plain(args), **plain(kwargs))
        self.remember(type(module).__name__, args, kwargs, out, frame, why, GIVEN)
        return out

    # -- where we are --------------------------------------------------------------------------------------------------

    def refuse(self, refusal: DoesNotFit, op, args, kwargs, frame, message: str = "") -> Stop:
        """Remember what could not be done and where; the first refusal stands."""
        self.refusals.append(len(self.calls))
        if self.refused is None:
            self.refused = (refusal, RawCall(op, args, kwargs, None, self.scope, frame.f_code, frame.f_lasti, "", GIVEN, True), message)
        return Stop(message or refusal.sentence)

    def refuse_in_module(self, error: Exception, code, lasti: int) -> None:
        """A check of PyTorch's own modules objected (`BatchNorm2d` counts axes before it calls an operator): a refusal all the same."""
        module = self.broke_in[0]  # type: ignore[index]
        call = RawCall(type(module).__name__, (), {}, None, self.broke_in, code, lasti, "", GIVEN, True)
        self.refused, self.error = (DoesNotFit(first_sentence(error)), call, str(error)), error

    @property
    def went_on(self) -> bool:
        """Whether the model caught a refusal itself, and asked for more."""
        return bool(self.refusals) and (self.ended or len(self.refusals) > 1 or len(self.calls) > self.refusals[0])

    def path(self) -> str:
        """The path of the module being called."""
        return self.paths.get(id(self.scope[0]), "") if self.scope else ""


__all__ = ["META", "SIZE_GETTERS", "NeedsValues", "Stop", "Tracer"]
