"""What PyTorch's error messages say, in their old and new wordings: which number was wanted and which arrived.

Each entry is one way a message is worded, and what its numbers mean. The words are PyTorch's; they seldom depend on the device.
"""

from __future__ import annotations

from whyshape.analyses.diagnose.forms import N, form, numbers


@form(rf"mat1 and mat2 shapes cannot be multiplied \({N}x{N} and {N}x{N}\)", "linear")
@form(rf"size mismatch, m1: \[{N} x {N}\], m2: \[{N} x {N}\]", "linear")
@form(rf"mat1 and mat2 shapes cannot be multiplied.*?{N}[x,] ?{N}.*?{N}[x,] ?{N}", "linear")
def _(m):
    rows, arrived, wanted, out = (int(n[:18]) for n in m.groups())
    return wanted, arrived, {"rows": rows, "out": out}


@form(r"mat1 dim 1 must match mat2 dim 0", "linear")
@form(r"size mismatch, got input", "linear")
def _(m):
    return None, None, {}


@form(
    rf"Given (?:transposed=[01], )?groups={N}, weight(?: of size)? \[?([\d, ]+)\]?, (?:so )?expected input\s?\[([\d, ]+)\] to have {N} channels, but got {N} channels",
    "channels",
)
def _(m):
    return int(m[4]), int(m[5]), {"groups": int(m[1]), "weight": numbers(m[2]), "input": numbers(m[3])}


@form(rf"Expected {N}D \(unbatched\) or {N}D \(batched\) input to (\w+), but got input of size: \[([\d, ]*)\]", "rank")
def _(m):
    return int(m[2]), len(numbers(m[4])), {"op": m[3], "input": numbers(m[4])}


@form(
    rf"Expected {N}-dimensional input for {N}-dimensional weight \[?([\d, ]+)\]?, but got {N}-dimensional input of size \[([\d, ]+)\]",
    "rank",
)
def _(m):
    return int(m[1]), int(m[4]), {"weight": numbers(m[3]), "input": numbers(m[5])}


@form(rf"expected (\dD(?:,? (?:or )?\dD)*) input \(got {N}D input\)", "rank")
def _(m):
    return m[1], int(m[2]), {"ranks": numbers(m[1])}


@form(r"shape '\[([-\d, ]*)\]' is invalid for input of size (\d+)", "view")
def _(m):
    shape, size = numbers(m[1]), int(m[2][:18])
    known = 1
    for n in shape:
        known *= n if n != -1 else 1
    return known, size, {"shape": shape}


@form(rf"Sizes of tensors must match except in dimension {N}\. Expected size {N} but got size {N}(?: for tensor number {N})?", "cat")
def _(m):
    return int(m[2]), int(m[3]), {"axis": int(m[1]), "number": int(m[4] or 1)}


@form(rf"Sizes of tensors must match except in dimension {N}\. Got {N} and {N} in dimension {N}", "cat")
def _(m):
    return int(m[2]), int(m[3]), {"axis": int(m[1]), "differ": int(m[4])}


@form(rf"The size of tensor a \({N}\) must match the size of tensor b \({N}\) at non-singleton dimension {N}", "broadcast")
def _(m):
    return int(m[2]), int(m[1]), {"axis": int(m[3])}


@form(r"Calculated padded input size per channel: \(([\dx ]+)\)\. Kernel size: \(([\dx ]+)\)", "window")
def _(m):
    room, kernel = numbers(m[1].replace("x", " ")), numbers(m[2].replace("x", " "))
    short = next((i for i, (r, k) in enumerate(zip(room, kernel)) if r < k), 0)
    return kernel[short], room[short], {"input": room, "kernel": kernel}


@form(r"Given input size: \(([\dx]+)\)\. Calculated output size: \(([-\dx]+)\)", "window")
def _(m):
    return 1, min(numbers(m[2].replace("x", " "))), {"input": numbers(m[1].replace("x", " ")), "output": numbers(m[2].replace("x", " "))}


@form(rf"Expected input batch_size \({N}\) to match target batch_size \({N}\)", "batch")
def _(m):
    return int(m[1]), int(m[2]), {"rows": int(m[1]), "targets": int(m[2])}


@form(r"Expected target size [\[(]([\d, ]+)[\])], got (?:torch\.Size\()?[\[(]([\d, ]+)[\])]", "target")
def _(m):
    return numbers(m[1]), numbers(m[2]), {}


@form(
    r"Using a target size \((?:torch\.Size\()?\[?([\d, ]*)\]?\)+ that is different to the input size \((?:torch\.Size\()?\[?([\d, ]*)\]?\)+",
    "target_same",
)
def _(m):
    return numbers(m[2]), numbers(m[1]), {}


@form(r"Target size \(torch\.Size\(\[([\d, ]*)\]\)\) must be the same as input size \(torch\.Size\(\[([\d, ]*)\]\)\)", "target_same")
def _(m):
    return numbers(m[2]), numbers(m[1]), {}


@form(
    r"(?:0D or 1D target tensor expected, multi-target not supported|1D target tensor expected, multi-target not supported|multi-target not supported)",
    "target_rank",
)
def _(m):
    return 1, None, {}


@form(rf"only batches of spatial targets supported \({N}D tensors\) but got targets of (?:dimension|size)\D*{N}", "target_rank")
def _(m):
    return int(m[1]), int(m[2]), {}


@form(
    r"Given normalized_shape=\[([\d, ]+)\], expected input with shape \[\*, ([\d, ]+)\], but got input of size\s?\[([\d, ]+)\]",
    "normalized_shape",
)
def _(m):
    return numbers(m[1]), numbers(m[3]), {"input": numbers(m[3])}


@form(rf"running_mean should contain {N} elements not {N}", "features")
def _(m):
    return int(m[2]), int(m[1]), {}


@form(r"Expected more than 1 value per channel when training, got input size (?:torch\.Size\()?\[([\d, ]+)\]", "one_value")
def _(m):
    return 2, 1, {"input": numbers(m[1])}


@form(rf"input\.size\(-1\) must be equal to input_size\. Expected {N}, got {N}", "features")
@form(rf"was expecting embedding dimension of {N}, but got {N}", "features")
@form(rf"input has inconsistent input_size: got {N},? expected {N}", "features")
@form(rf"Expected hidden\[?\d?\]? ?size {N}, got {N}", "features")
def _(m):
    first, second = int(m[1]), int(m[2])
    return (second, first, {}) if "got" in m[0].split(m[1])[0][-8:] else (first, second, {})


@form(r"Expected hidden(?:\[\d\])? size \(([\d, ]+)\), got [\[(]([\d, ]+)[\])]", "state")
def _(m):
    return numbers(m[1]), numbers(m[2]), {}


@form(rf"For (un)?batched {N}-D input, hx(?: and cx)? should also be {N}-D but got \(?{N}-D", "state")
def _(m):
    return int(m[3]), int(m[4]), {}


@form(r"stack expects each tensor to be equal size, but got \[([\d, ]*)\] at entry (\d+) and \[([\d, ]*)\] at entry (\d+)", "stack")
def _(m):
    return numbers(m[1]), numbers(m[3]), {"first": int(m[2]), "other": int(m[4])}


@form(
    r"Padding size should be less than the corresponding input dimension, but got: padding \((\d+), (\d+)\) at dimension (\d+) of input \[([\d, ]+)\]",
    "padding",
)
def _(m):
    return numbers(m[4])[int(m[3])], int(m[1]), {"dim": int(m[3])}


@form(r"index out of range in self", "index")
def _(m):
    return None, None, {}


@form(r"Target (-?\d+) is out of bounds", "target_index")
def _(m):
    return None, int(m[1]), {}


@form(r"index (-?\d+) is out of bounds for (?:dimension|axis) (\d+) with size (\d+)", "index")
def _(m):
    return int(m[3]), int(m[1]), {"axis": int(m[2])}


@form(r"CUDA error: device-side assert triggered", "assert")
def _(m):
    return None, None, {}


@form(
    r"size mismatch for ([\w.]+): copying a param(?:eter)? with shape (?:torch\.Size\()?\[?([\d, ]*)\]?\)? from checkpoint, (?:where )?the shape (?:is )?in current model is (?:torch\.Size\()?\[?([\d, ]*)",
    "checkpoint",
)
def _(m):
    return numbers(m[3]), numbers(m[2]), {"key": m[1]}


@form(r"embed_dim must be divisible by num_heads|must be divisible by num_heads", "heads")
@form(r"num_channels(?: \(\d+\))? must be divisible by num_groups", "norm_groups")
@form(r"(in_channels|out_channels)(?: \(\d+\))? must be divisible by groups", "groups")
@form(r"The number of dimensions.*must match", "rank")
def _(m):
    return None, None, {}


@form(
    rf"number of dims don't match in permute|permute\(sparse_coo\): number of dimensions in the tensor input does not match.*?input\.dim\(\) = {N}.*?len\(dims\) = {N}",
    "permute",
)
def _(m):
    return (int(m[2]), int(m[1]), {}) if m[1] else (None, None, {})


@form(r"Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)", "axis")
def _(m):
    return None, int(m[3]), {"low": int(m[1]), "high": int(m[2])}


@form(r"batch1? .*?Expected size for first two dimensions of batch2 tensor to be: \[([\d, ]+)\] but got: \[([\d, ]+)\]", "bmm")
@form(r"Expected size for first two dimensions of batch2 tensor to be: \[([\d, ]+)\] but got: \[([\d, ]+)\]", "bmm")
def _(m):
    return numbers(m[1]), numbers(m[2]), {}


@form(rf"Input (?:image )?(height|width|size) \(?{N}(?:\*\d+)?\)? doesn't match model \(?{N}", "image_size")
def _(m):
    return int(m[3]), int(m[2]), {"side": m[1]}


@form(rf"Wrong image (height|width|size).*?{N}.*?{N}", "image_size")
def _(m):
    return int(m[2]), int(m[3]), {"side": m[1]}
