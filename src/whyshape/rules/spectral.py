"""Waves: Fourier transforms, and short ones along a signal."""

from __future__ import annotations

from whyshape.rules.base import Made, Rule, axes_at_least, axes_of, rule
from whyshape.rules.dtypes import category, complex_of, default_float, real_of, result_type
from whyshape.sizes import need


class _Transform(Rule):
    title = "Fourier transform"
    whole = True


def _lengths(x, s, dim):
    """The axes transformed and how many numbers of each: ``s``, or all there are. Without axes, ``s`` names the last ones."""
    if dim is None:
        axes = tuple(range(len(x))) if s is None else tuple(range(len(x) - len(s), len(x)))
        need(s is None or len(s) <= len(x), "{arrived:sizes are} given for {wanted:axes}", arrived=len(s or ()), wanted=len(x))
    else:
        axes = axes_of(dim, len(x)) if dim != () else ()
    sizes = list(s) if s is not None else [-1] * len(axes)
    need(len(sizes) == len(axes), "{arrived:sizes are} given for {wanted:axes}", arrived=len(sizes), wanted=len(axes))
    return axes, [None if type(n) is int and n == -1 else n for n in sizes]


def transformed(x, s, dim, last):
    """The sizes after a transform; ``last`` makes the size of the last axis from its own and the one asked for."""
    axes, sizes = _lengths(x, s, dim)
    if axes or last is not full:
        axes_at_least(1, axes and x)
    out = list(x)
    for i, (axis, n) in enumerate(zip(axes, sizes)):
        numbers = out[axis] if n is None else n
        need(numbers >= 1, "at least one number is wanted along axis {axis}, {arrived:arrive}", axis=axis, arrived=numbers, wanted=1)
        out[axis] = last(out[axis], n) if i == len(axes) - 1 else out[axis] if n is None else n
        need(out[axis] >= 1, "at least one number is wanted along axis {axis}, {arrived:are} left", axis=axis, arrived=out[axis], wanted=1)
    return tuple(out)


def full(have, n):
    """As many frequencies as numbers."""
    return have if n is None else n


def half(have, n):
    """Real numbers: the second half of the frequencies mirrors the first.

    >>> half(400, None)
    201
    """
    return (have if n is None else n) // 2 + 1


def doubled(have, n):
    """Back from half the frequencies to real numbers.

    >>> doubled(201, None)
    400
    """
    return 2 * (have - 1) if n is None else n


def _one(last, to):
    def shape(input, n=None, dim=-1, norm=None, *, out=None):
        if n is not None:
            need(n >= 1, "at least one number is wanted, {arrived} was chosen", arrived=n, wanted=1)
        return Made(transformed(input.shape, None if n is None else (n,), (dim,), last), to(input.dtype))

    return staticmethod(shape)


def _two(last, to):
    def shape(input, s=None, dim=(-2, -1), norm=None, *, out=None):
        return Made(transformed(input.shape, s, dim, last), to(input.dtype))

    return staticmethod(shape)


def _many(last, to):
    def shape(input, s=None, dim=None, norm=None, *, out=None):
        return Made(transformed(input.shape, s, dim, last), to(input.dtype))

    return staticmethod(shape)


def _real(dtype):
    return real_of(default_float(dtype))


FAMILIES = {
    "Complex": ("fft ifft", "fft2 ifft2", "fftn ifftn", full, complex_of, "Numbers to frequencies, or back; both complex."),
    "Half": ("rfft ihfft", "rfft2 ihfft2", "rfftn ihfftn", half, complex_of, "Real numbers to the first half of their frequencies."),
    "Back": ("irfft hfft", "irfft2 hfft2", "irfftn hfftn", doubled, _real, "Half of the frequencies back to real numbers."),
}


def _family(word, names, shape, count, text):
    cls = type(f"{word}{count}", (_Transform,), {"__doc__": text, "shape": shape, "__module__": __name__})
    return rule(*[f"torch.fft.{n}" for n in names.split()])(cls)


for _word, (_single, _pair, _several, _last, _to, _text) in FAMILIES.items():
    _family(_word, _single, _one(_last, _to), "1", _text)
    _family(_word, _pair, _two(_last, _to), "2", _text)
    _family(_word, _several, _many(_last, _to), "N", _text)


@rule("torch.fft.fftshift", "torch.fft.ifftshift")
class Shift(Rule):
    """Frequency zero moved to the middle, or back."""

    title = "shift"

    @staticmethod
    def shape(input, dim=None):
        axes_at_least(1, input.shape)
        if dim is not None and dim != ():
            axes_of(dim, len(input.shape))
        return input.shape


@rule("stft")
class STFT(_Transform):
    """A Fourier transform of every ``n_fft`` numbers, each ``hop_length`` further: frequencies by frames."""

    title = "short-time Fourier transform"

    @staticmethod
    def shape(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect", normalized=False, onesided=None,
              return_complex=None, align_to_window=None):  # fmt: skip
        x = input.shape
        need(len(x) in (1, 2), "one signal or a batch of them is wanted, {arrived:axes arrive}", arrived=len(x), wanted=1)
        hop = n_fft // 4 if hop_length is None else hop_length
        length = n_fft if win_length is None else win_length
        need(hop > 0, "hop_length of at least 1 is wanted, {arrived} was chosen", arrived=hop, wanted=1)
        need(0 < length <= n_fft, "win_length {arrived} must not be larger than n_fft {wanted}", arrived=length, wanted=n_fft)
        if window is not None:
            need(
                window.shape[0] == length,
                "a window of {wanted:numbers} is wanted, {arrived:arrive}",
                wanted=length,
                arrived=window.shape[0],
            )
        signal = x[-1]
        if center:
            pad = n_fft // 2
            if pad_mode == "reflect":
                need(pad < signal, "reflect padding {arrived} must be smaller than the signal of {wanted}", arrived=pad, wanted=signal)
            signal = signal + 2 * pad
        need(n_fft <= signal, "windows of {wanted:numbers} do not fit into {arrived}", wanted=n_fft, arrived=signal)
        dtype = input.dtype if window is None else result_type([input, window])
        complex_signal = category(input.dtype) == 3 or (window is not None and category(window.dtype) == 3)
        one = not complex_signal if onesided is None else onesided
        need(return_complex is not None or complex_signal, "return_complex must be given for a real signal", wanted=1, arrived=0)
        sizes = (*x[:-1], half(n_fft, None) if one else n_fft, (signal - n_fft) // hop + 1)
        if return_complex is False or (return_complex is None and not complex_signal):
            return Made((*sizes, 2), real_of(dtype))
        return Made(sizes, complex_of(dtype))


@rule("istft")
class ISTFT(_Transform):
    """Frames of frequencies back to a signal: windows laid over one another, ``hop_length`` apart."""

    title = "inverse short-time Fourier transform"

    @staticmethod
    def shape(input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None, length=None,
              return_complex=False):  # fmt: skip
        x = input.shape
        need(category(input.dtype) == 3, "complex frequencies are wanted", wanted="complex64", arrived=str(input.dtype))
        need(len(x) in (2, 3), "frequencies by frames are wanted, {arrived:axes arrive}", arrived=len(x), wanted=2)
        hop = n_fft // 4 if hop_length is None else hop_length
        guess = onesided is None  # then it is told by how many frequencies arrive
        one = not return_complex and not bool(x[-2] == n_fft) if guess else onesided
        rows = half(n_fft, None) if one else n_fft
        need(x[-2] == rows, "{wanted:frequencies are} wanted, {arrived:arrive}", wanted=rows, arrived=x[-2])
        whole = (x[-1] - 1) * hop + n_fft
        cut = n_fft // 2 if center else 0
        size = length if length is not None else whole - 2 * cut if center else whole
        dtype = input.dtype if window is None else result_type([input, window])
        return Made((*x[:-2], size), dtype if return_complex else real_of(dtype))


__all__ = ["doubled", "full", "half", "transformed"]
