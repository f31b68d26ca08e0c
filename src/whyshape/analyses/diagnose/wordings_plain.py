"""Wordings that are told as they are: what was said, what it means, with the message's own numbers put in.

A row is (pattern, kind, sentences); `{0}` is the pattern's first group. Kinds of `NO_SIZES` are no mistake of sizes.
"""

from __future__ import annotations

from whyshape.analyses.diagnose.forms import N, form

NO_SIZES = ("memory", "device", "backend", "value")
S = r"\[([\d, ]*)\]"  # a shape

ROWS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # -- the graphics card ------------------------------------------------------------------------------------------------
    (
        r"CUBLAS_STATUS_(?:INVALID_VALUE|EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR)",
        "backend",
        (
            "A matrix product failed on the graphics card, which does not say why. Often an earlier number was beyond its table, or two sides do not meet.",
            "The same line on the CPU, model.cpu() and x.cpu(), names the true cause with its sizes; so does whyshape with the model and an input.",
        ),
    ),
    (
        r"CUBLAS_STATUS_(?:ALLOC_FAILED|NOT_INITIALIZED)",
        "backend",
        (
            "The graphics card could not start its matrix library: its memory is full, or an earlier check failed, as of a class number beyond the scores.",
            "The same line on the CPU tells which of the two.",
        ),
    ),
    (
        r"(?:CUDNN_STATUS_|cuDNN error)",
        "backend",
        (
            "cuDNN refused, and does not say which size it disliked. The same line on the CPU says it; x.contiguous() helps where the numbers lie otherwise after permute.",
        ),
    ),
    (r"out of memory", "memory", ("The memory of the device is full: no two sizes disagree. A smaller batch or picture takes less; `whyshape fit` says which fits.",)),
    (
        r"(?:Expected all tensors to be on the same device|Input type \(torch\.(?:cuda|mps|xpu)\.(\w+)\) and weight type \(torch\.\1\)|Input type \(torch\.(\w+)\) and weight type \(torch\.(?:cuda|mps|xpu)\.\2\)|Expected object of (?:device type|backend) \w+ but got)",
        "device",
        ("The data and the weights live on two devices: model.to(device) and x.to(device). The sizes are not to blame.",),
    ),
    (r"Torch not compiled with CUDA|Found no NVIDIA driver", "device", ("There is no graphics card PyTorch can use here: device = 'cpu'. The sizes are not to blame.",)),
    (
        r'"\w+" not implemented for \'(\w+)\'',
        "value",
        ("This operation has no version for numbers of the kind {0}: .float() for data, .long() for class numbers. The sizes are not to blame.",),
    ),
    # -- one value where many are, many where one is ---------------------------------------------------------------------
    (
        r"bool(?:ean)? value of Tensor with (?:more than one|no) values? is ambiguous",
        "value",
        (
            "`if` and `and` want one yes or no, and a tensor holds many: (a == b).all(), x.any(), or torch.where for each place by itself.",
            "Where a loss is made: nn.MSELoss(a, b) builds the layer from two tensors; nn.MSELoss()(a, b) is meant.",
        ),
    ),
    (
        rf"(?:only one element tensors can be converted to Python scalars|a Tensor with {N} elements cannot be converted to Scalar|only (?:length-1|one-element|integer) (?:arrays|tensors))",
        "value",
        ("One number is wanted, a tensor of several arrives: .item() takes one, .tolist() all, torch.stack(list) joins a list of tensors.",),
    ),
    (
        r"setting an array element with a sequence",
        "value",
        ("numpy was given rows of unequal length, which make no table: pad or cut them to one length, or keep them as a list (torch.nn.utils.rnn.pad_sequence joins them).",),
    ),
    (r"grad can be implicitly created only for scalar outputs", "value", ("backward() starts at one number, the loss: loss.mean().backward() or loss.sum().backward().",)),
    # -- a batch put together --------------------------------------------------------------------------------------------
    (
        r"each element in list of batch should be of equal size|Trying to resize storage that is not resizable",
        "collate",
        ("A batch is a stack of equal shapes, and these examples differ in length: pad or resize them where they are loaded, or give the DataLoader a collate_fn that does.",),
    ),
    (
        r"default_collate: batch must contain tensors.*?found <class '([\w.]+)'>",
        "collate",
        ("The examples hold {0}, of which no batch can be made: turn them into tensors where they are loaded, as transforms.ToTensor() does for pictures.",),
    ),
    (
        rf"Expected `?len\(lengths\)`? to be equal to batch_size, but got {N} \(batch_size={N}\)",
        "lengths",
        ("There are {0} lengths for {1} series. pack_padded_sequence reads (length, batch, features) unless batch_first=True: the two may have changed places.",),
    ),
    (
        r"Length of all samples has to be greater than 0",
        "lengths",
        ("One of the lengths is 0: an empty series cannot be packed; leave it out of the batch.",),
    ),
    # -- picking, masks, classes ------------------------------------------------------------------------------------------
    (r"Class values must be smaller than num_classes", "index", ("A class number is as large as num_classes or larger: classes count from 0 to num_classes - 1.",)),
    (
        rf"expected index {S} to be (?:smaller|no larger) than self {S} apart from dimension {N}",
        "gather",
        ("The index is [{0}], the tensor it picks from [{1}]: apart from axis {2}, along which is picked, the index may nowhere be longer.",),
    ),
    (
        rf"The shape of the mask {S} at index {N} does not match the shape of the indexed tensor {S} at index",
        "mask_shape",
        ("The mask is [{0}], the tensor [{2}]: their sizes on axis {1} differ. A mask has the sizes of the tensor's first axes.",),
    ),
    (
        rf"weight tensor should be defined either for all (?:{N} )?classes.*?shape: ?{S}",
        "class_weights",
        ("The loss was given [{1}] weights, the model gives {0} scores: one weight for each class.",),
    ),
    (
        rf"start \({N}\) \+ length \({N}\) exceeds dimension size \({N}\)",
        "narrow",
        ("Places {0} and {1} more are cut from an axis of {2}: they reach beyond its end.",),
    ),
    (
        rf"select\(\): index (-?\d+) out of range for tensor of size {S} at dimension {N}",
        "index",
        ("Index {0} is asked for on axis {2} of [{1}]: it is not that long.",),
    ),
    # -- loading ----------------------------------------------------------------------------------------------------------
    (
        r"Missing key\(s\) in state_dict: [^:]*\"module\.|Unexpected key\(s\) in state_dict: [^:]*\"module\.",
        "loading",
        ("The names differ by 'module.', which DataParallel puts in front: save model.module.state_dict(), or strip it: {{k.removeprefix('module.'): v for k, v in state.items()}}.",),
    ),
    (
        r"(?:Missing|Unexpected) key\(s\) in state_dict",
        "loading",
        ("The checkpoint is of a model with other layer names: no sizes are compared for these keys. Build the model as it was saved, or load with strict=False and see which keys are left.",),
    ),
    (
        r'named "?([\w.]+)"?, whose dimensions in the model are (?:torch\.Size\()?\[([\d, ]*)\]\)? and whose dimensions in the checkpoint are (?:torch\.Size\()?\[([\d, ]*)\]',
        "loading",
        (
            "{0} is [{2}] in the checkpoint and [{1}] in the model: it was trained with other sizes.",
            "Build the model as it was trained, or leave this key out; strict=False alone does not pass over sizes that differ.",
        ),
    ),
    # -- layers and products ----------------------------------------------------------------------------------------------
    (
        rf"linear\(\): input and weight\.T shapes cannot be multiplied \({N}x{N} and {N}x{N}\)",
        "product",
        ("{1} numbers arrive where {2} are wanted: {0} rows of {1} numbers, a layer that reads {2} and gives {3}.",),
    ),
    (
        rf"Given groups={N}, expected weight to be at least {N} at dimension 0, but got weight of size {S}",
        "groups_out",
        ("{0} groups need at least {0} output channels, the weight is [{2}]: out_channels must be a multiple of groups.",),
    ),
    (r"Kernel size can't (?:be )?greater than actual input size", "window_alone", ("The input is smaller than the kernel here, padding included: a larger picture, or one pool or stride less.",)),
    (
        rf"(?:non-empty )?((?:\dD(?: or )?)+)(?: \(batch mode\))?(?: input)? tensor expected(?: for input)?(?: but got ndim {N})?|\w+\(\) Expected ((?:\dD(?: or )?)+) tensor, but got:? {S}",
        "axes",
        ("An input of another number of axes is wanted than arrives: a batch axis is missing, a flatten came too early, or an axis of 1 was squeezed away.",),
    ),
    (
        r"(?:batch[12] must be a 3D tensor|self must be a matrix|1D tensors expected|Expected \d-dimensional tensor, but got \d-dimensional tensor)",
        "axes",
        ("mm multiplies two tables, bmm two stacks of tables, dot two rows: a tensor with another number of axes arrives. `@` takes all of them.",),
    ),
    (
        rf"inconsistent tensor size, expected tensor {S} and src {S}",
        "elements",
        ("[{0}] and [{1}] do not hold equally many numbers.",),
    ),
    (
        r"operands do not broadcast with remapped shapes \[original->remapped\]: (.*)",
        "letters_sizes",
        ("A letter of the equation stands for two different sizes. The operands: {0}.",),
    ),
    (r"the batch number of src and tgt must be equal", "twins", ("The two texts come in batches of different size. (length, batch, features) is read unless batch_first=True: the axes may have changed places.",)),
    (r"the feature number of src and tgt must be equal", "twins", ("Both texts must arrive with d_model features on their last axis: the embeddings give another number.",)),
    (r"Expected more than 1 spatial element", "one_place", ("Instance norm in training needs more than one place for each channel, and one arrives: the picture is too small for so many strides and pools.",)),
    (
        rf"requested an output size of {S}, but valid sizes range from {S} to {S} \(for an input of (?:torch\.Size\()?{S}",
        "output_size",
        ("From [{3}] this transposed convolution makes sizes from [{1}] to [{2}]; [{0}] is none of them. Another stride or kernel_size reaches it.",),
    ),
    # -- shapes written down ---------------------------------------------------------------------------------------------
    (rf"cannot reshape array of size {N} into shape \(([\d, -]+)\)", "reshape", ("{0} numbers are no ({1}): the product of the sizes must be {0}. Three colours make a picture three times as many.",)),
    (r"operands could not be broadcast together with shapes ((?:\([\d, ]*\) ?)+)", "numpy", ("numpy matches shapes from the last axis: each pair must be equal, or one of them 1, or missing. Here: {0}.",)),
    (r"Trying to create tensor with negative dimension|Dimension size must be non-negative", "negative", ("A size came out below zero: a subtraction went too far, or -1, which view and reshape understand, was given to zeros or randn.",)),
    (r"cannot reshape tensor of 0 elements", "empty", ("The tensor holds nothing: an earlier slice, mask or filter left no element.",)),
    (r"expected a non-empty list of Tensors", "empty", ("The list to be joined is empty: the loop that fills it did not run.",)),
    (r"zero-dimensional tensor .*cannot be concatenated", "ranks_zero", ("A single number has no axis to be joined along: torch.stack joins numbers, x.unsqueeze(0) gives one an axis.",)),
    (rf"The tensors must have the same number of dimensions: got {N} and {N}", "ranks_two", ("Tensors of {0} and of {1} axes meet; they must have equally many.",)),
    (r"dimension specified as (-?\d+) but tensor has no dimensions", "no_axes", ("Axis {0} is asked for, and the tensor is a single number: an axis was squeezed away, or a sum taken already.",)),
)  # fmt: skip


def told_as(pattern: str, kind: str, sentences: tuple[str, ...]) -> None:
    """Enter one row."""

    @form(pattern, kind)
    def _(m):
        groups = [" ".join((g or "").split())[:200] for g in m.groups()]
        return None, None, {"says": tuple(s.format(*groups) for s in sentences)}


for row in ROWS:
    told_as(*row)
