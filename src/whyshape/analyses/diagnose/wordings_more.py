"""More wordings: kinds of numbers, things that are no tensor, other devices and versions, checks of single operators."""

from __future__ import annotations

import re

from whyshape.analyses.diagnose.forms import N, form, numbers

DTYPES = {
    "long": "int64",
    "int": "int64",
    "float": "float32",
    "half": "float16",
    "double": "float64",
    "bool": "bool",
    "byte": "uint8",
    "bfloat16": "bfloat16",
}


ON = r"(?:torch\.)?(?:cuda\.|mps\.|xpu\.)?"  # where a tensor lives, in older words


def dtype(word: str) -> str:
    """PyTorch's words for a kind of number, as `torch.dtype` names it: Long, torch.cuda.LongTensor and long int are int64."""
    found = re.search(r"bfloat16|long|half|double|float|bool|byte|int", word.lower().replace("unsigned char", "byte"))
    return DTYPES[found[0]] if found else word


@form(r"Expected tensor for argument #\d+ '\w+' to have (?:one of the following )?scalar types?:? (\w+)[\w, ]*; but got ([\w.]+)", "dtype")
@form(r"expected scalar type (\w+) but found (\w+)", "dtype")
@form(r"Expected object of (?:scalar |data ?)?type ([\w.]+) but (?:got|found) (?:scalar )?type ([\w.]+)", "dtype")
@form(rf"Input type \({ON}([\w ]+)\) and (?:weight|bias) type \({ON}(?!\1\))([\w ]+)\) should be the same", "dtype")  # else: two devices
@form(r"must have the same dtype, but got:? ([\w ]+?) (?:and|!=) ([\w ]+)", "dtype")
@form(r"to have the same dtype, but got: ([\w ]+?) != ([\w ]+)", "dtype")
def _(m):
    one, other = dtype(m[1]), dtype(m[2])
    if "same" in m[0]:  # the data comes first, the layer's weights second
        return other, one, {}
    return one, other, {}


@form(r"must be Tensor, not (\w+)", "several")
@form(r"'([\w.]*(?:tuple|dict|OrderedDict|list|Outputs?))' object has no attribute '\w+'", "several")
def _(m):
    return "Tensor", m[1], {}


# -- products, sums and joins, in other words ------------------------------------------------------------------------------


@form(rf"a and b must have same reduction dim, but got \[{N}, {N}\] X \[{N}, {N}\]", "linear")  # meta and compiled
def _(m):
    rows, arrived, wanted, out = (int(n[:18]) for n in m.groups())
    return wanted, arrived, {"rows": rows, "out": out}


@form(r"a and b must have same reduction dim", "linear")
def _(m):
    return None, None, {}


@form(rf"Expected tensor to have size {N} at dimension {N}, but got size {N} for argument #2 'batch2'", "bmm")
def _(m):
    return int(m[1]), int(m[3]), {"axis": int(m[2])}


@form(rf"batch1 and batch2 must have same number of batches, got {N} and {N}", "bmm")
def _(m):
    return int(m[1]), int(m[2]), {}


@form(rf"Attempting to broadcast a dimension of length {N} at (-?\d+)", "into")  # meta and compiled
def _(m):
    return None, int(m[1]), {"axis": int(m[2])}


@form(rf"The expanded size of the tensor \({N}\) must match the existing size \({N}\) at non-singleton dimension {N}", "into")
def _(m):
    return int(m[1]), int(m[2]), {"axis": int(m[3])}


@form(r"output with shape (?:torch\.Size\()?\[([\d, ]*)\]\)? doesn't match the broadcast shape [\[(]([\d, ]*)[\])]", "into")
@form(r"shape mismatch: value tensor of shape \[([\d, ]*)\] cannot be broadcast to indexing result of shape \[([\d, ]*)\]", "into")
def _(m):
    first, second = numbers(m[1]), numbers(m[2])
    return (first, second, {}) if m[0].startswith("output") else (second, first, {})


@form(rf"Tensors must have same number of dimensions: got {N} and {N}", "ranks")
@form(r"Index tensor must have the same number of dimensions as (?:input|self|src) tensor()()", "ranks")
def _(m):
    return (int(m[1]), int(m[2]), {}) if m[1] else (None, None, {})


@form(r"size '\[([-\d x]+)\]' is invalid for input with (?:of )?(\d+) elements", "view")
def _(m):
    shape, size, known = numbers(m[1].replace("x", " ")), int(m[2][:18]), 1
    for n in shape:
        known *= n if n != -1 else 1
    return known, size, {"shape": shape}


@form(r"view size is not compatible with input tensor's size and stride|Cannot view a tensor with shape", "lies")
def _(m):
    return None, None, {}


@form(
    r"split_with_sizes expects split_sizes to sum exactly to (\d+) \(input tensor's size at dimension (-?\d+)\), but got split_sizes=\[([\d, ]+)\]",
    "split",
)
def _(m):
    return int(m[1]), sum(numbers(m[3])), {"axis": int(m[2]), "parts": numbers(m[3])}


@form(r"Provided sizes \[([\d, ]+)\] don't multiply up to the size of dim (-?\d+) \((\d+)\)", "view")
def _(m):
    shape, known = numbers(m[1]), 1
    for n in shape:
        known *= n
    return known, int(m[3]), {"shape": shape}


@form(rf"number of subscripts in the equation \({N}\) does not match the number of dimensions \({N}\)", "letters")
def _(m):
    return int(m[1]), int(m[2]), {}


@form(rf"subscript (\w) has size {N} for operand {N} which does not broadcast with previously seen size {N}", "broadcast")
def _(m):
    return int(m[4]), int(m[2]), {"axis": m[1]}


# -- layers -----------------------------------------------------------------------------------------------------------------


@form(
    r"Given transposed=1, weight of size \[?([\d, ]+)\]?, expected input\s?\[([\d, ]+)\] to have (\d+) channels, but got (\d+) channels",
    "channels",
)
def _(m):
    return int(m[3]), int(m[4]), {"weight": numbers(m[1]), "input": numbers(m[2]), "groups": 1}


@form(rf"(?:L|RN|GR)\w+: Expected (?:input|hidden|hx\[\d\]) to be ([\w ]+?), got {N}D(?: tensor)? instead", "rank")
def _(m):
    return m[1], int(m[2]), {"ranks": numbers(m[1])}


@form(rf"input must have {N} dimensions, got {N}", "rank")
@form(rf"(?:query|key) should be unbatched {N}D or batched \dD tensor but received {N}-D", "rank")
@form(rf"Got {N}D input, but \w+ mode needs {N}D input", "rank")
def _(m):
    one, other = int(m[1]), int(m[2])
    return (other, one, {}) if m[0].startswith("Got") else (one, other, {})


@form(
    r"non-empty 3D or 4D (?:\(batch mode\) )?tensor expected for input|Expected 3D or 4D \(batch mode\) tensor with optional 0 dim batch size for input, but got:? ?\[([\d, ]*)\]",
    "rank",
)
def _(m):
    return "3D or 4D", len(numbers(m[1])) if m[1] else None, {"ranks": [3, 4]}


@form(r"The shape of the \dD attn_mask is torch\.Size\(\[([\d, ]+)\]\), but should be \(([\d, ]+)\)", "mask")
@form(r"attn_mask's shape torch\.Size\(\[([\d, ]+)\]\), but should be \(([\d, ]+)\)", "mask")
def _(m):
    return numbers(m[2]), numbers(m[1]), {}


@form(r"expecting key_padding_mask shape of \((\d+), (\d+)\), but got torch\.Size\(\[([\d, ]+)\]\)", "mask")
def _(m):
    return [int(m[1]), int(m[2])], numbers(m[3]), {}


@form(rf"Expected key_padded_mask\.shape\[{N}\] to be {N}, but got {N}", "mask")
def _(m):
    return int(m[2]), int(m[3]), {"axis": int(m[1])}


@form(rf"(?:weight|bias|running_var) should contain {N} elements not {N}", "features")
def _(m):
    return int(m[2]), int(m[1]), {}


@form(
    r"Expected weight to be a vector of size equal to the number of channels in input, but got weight of shape \[(\d+)\] and input of shape \[(\d+), (\d+)",
    "features",
)
def _(m):
    return int(m[1]), int(m[3]), {}


@form(rf"Found parameter numbers = {N} and channel size = {N}", "features")
def _(m):
    return int(m[1]), int(m[2]), {}


@form(
    r"same number of spatial dimensions, but got input with spatial dimensions of \[([\d, ]*)\] and output size of [\[(]([\d, ]*)[\])]",
    "rank",
)
def _(m):
    return len(numbers(m[2])) + 2, len(numbers(m[1])) + 2, {}


@form(
    r"Expected number of channels in input to be divisible by num_groups, but got input of shape \[\d+, (\d+)[\d, ]*\] and num_groups=(\d+)",
    "divides",
)
@form(
    r"'channel' dimension to be divisible by the square of upscale_factor, but input\.size\(-3\)=(\d+) is not divisible by (\d+)", "divides"
)
def _(m):
    return int(m[2]), int(m[1]), {}


@form(r"Input and output sizes should be greater than 0, but got input \(([\w:, ]+)\) output \(([-\w:, ]+)\)", "window")
def _(m):
    return 1, min(numbers(m[2])), {"input": [0, *numbers(m[1])], "output": numbers(m[2])}


# -- losses and tables ------------------------------------------------------------------------------------------------------


@form(r"input and target batch or spatial sizes don't match: target \[([\d, ]+)\], input \[([\d, ]+)\]", "spatial")
def _(m):
    return numbers(m[1]), numbers(m[2]), {}


@form(r"size mismatch \(got input: \[(\d+, \d+, [\d, ]+)\] ?, target: \[([\d, ]+)\]", "spatial")
def _(m):
    return numbers(m[2]), numbers(m[1]), {}


@form(r"size mismatch \(got input: \[([\d, ]+)\] ?, target: \[([\d, ]+)\]", "target_rank")
def _(m):
    return len(numbers(m[1])) - 1, len(numbers(m[2])), {}


@form(rf"only batches of spatial targets supported \(non-empty {N}D tensors\) but got targets of size: : \[([\d, ]+)\]", "target_rank")
def _(m):
    return int(m[1]), len(numbers(m[2])), {}


@form(rf"same number of elements\. target nelement \({N}\) != input nelement \({N}\)", "target_same")
def _(m):
    return [int(m[2])], [int(m[1])], {}


@form(r"Expected floating point type for target with class probabilities, got (\w+)", "one_hot")
def _(m):
    return "float32", dtype(m[1]), {}


@form(r"(?:Expected )?input_lengths (?:must be of size batch_size|to have value at most)", "lengths")
def _(m):
    return None, None, {}


@form(r"Tried to access index (\d+) out of table with (\d+) rows", "index")
def _(m):
    return int(m[2]) + 1, int(m[1]), {}


@form(r"Assertion `?(?:srcIndex < srcSelectDimSize|t >= 0 && t < n_classes|cur_target >= 0|ind)", "assert")
def _(m):
    return None, None, {}


# -- Python's own words -----------------------------------------------------------------------------------------------------


@form(rf"not enough values to unpack \(expected {N}, got {N}\)", "unpack")
def _(m):
    return int(m[1]), int(m[2]), {}


@form(rf"too many values to unpack \(expected {N}(?:, got {N})?\)", "unpack")
def _(m):
    return int(m[1]), int(m[2]) if m[2] else None, {}


@form(rf"too many indices for tensor of dimension {N}", "indices")
def _(m):
    return None, int(m[1]), {}


# -- Keras ------------------------------------------------------------------------------------------------------------------


@form(rf"expected axis -?\d+ of input shape to have value {N}, but received input with shape [\[(]([\w, ]+)[\])]", "features")
def _(m):
    return int(m[1]), (numbers(m[2]) or [None])[-1], {}


@form(rf"expected (?:min_)?ndim={N}, found ndim={N}", "rank")
def _(m):
    return int(m[1]), int(m[2]), {}
