"""Messages told as they are, and what earlier was told wrong: the whole sentence of each, from PyTorch's own mouth where it says it today."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import default_collate

from whyshape.analyses.diagnose.message import read_message
from whyshape.analyses.diagnose.reading import about_shapes

zeros = torch.zeros
whole = lambda *shape: torch.zeros(shape, dtype=torch.long)

# What PyTorch and numpy of today say: (a call that fails, the first sentence).
SAID = {
    "if of a tensor": (lambda: bool(zeros(3) > 0), "`if` and `and` want one yes or no, and a tensor holds many: (a == b).all(), x.any(), or torch.where for each place by itself."),
    "item of many": (lambda: zeros(10).item(), "One number is wanted, a tensor of several arrives: .item() takes one, .tolist() all, torch.stack(list) joins a list of tensors."),
    "rows of unequal length": (
        lambda: np.array([[1, 2], [3]], dtype=float),
        "numpy was given rows of unequal length, which make no table: pad or cut them to one length, or keep them as a list (torch.nn.utils.rnn.pad_sequence joins them).",
    ),
    "backward from many": (lambda: zeros(3, requires_grad=True).backward(), "backward() starts at one number, the loss: loss.mean().backward() or loss.sum().backward()."),
    "lists of unequal length": (
        lambda: default_collate([[1, 2], [3]]),
        "A batch is a stack of equal shapes, and these examples differ in length: pad or resize them where they are loaded, or give the DataLoader a collate_fn that does.",
    ),
    "a batch of objects": (
        lambda: default_collate([object()]),
        "The examples hold object, of which no batch can be made: turn them into tensors where they are loaded, as transforms.ToTensor() does for pictures.",
    ),
    "lengths of other series": (
        lambda: pack_padded_sequence(zeros(7, 3, 2), torch.tensor([7, 7]), batch_first=True),
        "There are 2 lengths for 7 series. pack_padded_sequence reads (length, batch, features) unless batch_first=True: the two may have changed places.",
    ),
    "a length of 0": (lambda: pack_padded_sequence(zeros(7, 1, 2), torch.tensor([0])), "One of the lengths is 0: an empty series cannot be packed; leave it out of the batch."),
    "one_hot": (lambda: F.one_hot(torch.tensor([3]), 3), "A class number is as large as num_classes or larger: classes count from 0 to num_classes - 1."),
    "gather": (
        lambda: zeros(2, 4).gather(1, whole(3, 1)),
        "The index is [3, 1], the tensor it picks from [2, 4]: apart from axis 1, along which is picked, the index may nowhere be longer.",
    ),
    "mask": (lambda: zeros(4, 5)[zeros(4, 6).bool()], "The mask is [4, 6], the tensor [4, 5]: their sizes on axis 1 differ. A mask has the sizes of the tensor's first axes."),
    "weights of classes": (lambda: F.cross_entropy(zeros(2, 10), whole(2), zeros(5)), "The loss was given [5] weights, the model gives 10 scores: one weight for each class."),
    "narrow": (lambda: zeros(10).narrow(0, 0, 12), "Places 0 and 12 more are cut from an axis of 10: they reach beyond its end."),
    "select": (lambda: zeros(3, 4).select(0, 5), "Index 5 is asked for on axis 0 of [3, 4]: it is not that long."),
    "other names": (
        lambda: nn.Linear(1, 1).load_state_dict({f"module.{k}": v for k, v in nn.Linear(1, 1).state_dict().items()}),
        "The names differ by 'module.', which DataParallel puts in front: save model.module.state_dict(), or strip it: {k.removeprefix('module.'): v for k, v in state.items()}.",
    ),
    "matrices of other axes": (lambda: torch.bmm(zeros(2, 2), zeros(2, 2, 2)), "mm multiplies two tables, bmm two stacks of tables, dot two rows: a tensor with another number of axes arrives. `@` takes all of them."),
    "letters": (lambda: torch.einsum("ij,jk->ik", zeros(2, 3), zeros(4, 5)), None),
    "texts of other batches": (
        lambda: nn.Transformer(4, 2, 1, 1, 4, batch_first=True)(zeros(2, 3, 4), zeros(3, 3, 4)),
        "The two texts come in batches of different size. (length, batch, features) is read unless batch_first=True: the axes may have changed places.",
    ),
    "texts of other widths": (
        lambda: nn.Transformer(4, 2, 1, 1, 4, batch_first=True)(zeros(2, 3, 6), zeros(2, 3, 6)),
        "Both texts must arrive with d_model features on their last axis: the embeddings give another number.",
    ),
    "instance norm of one place": (
        lambda: nn.InstanceNorm2d(3)(zeros(1, 3, 1, 1)),
        "Instance norm in training needs more than one place for each channel, and one arrives: the picture is too small for so many strides and pools.",
    ),
    "output_size": (
        lambda: nn.ConvTranspose2d(1, 1, 3, 2, 1)(zeros(1, 1, 7, 7), output_size=[10, 10]),
        "From [7, 7] this transposed convolution makes sizes from [13, 13] to [14, 14]; [10, 10] is none of them. Another stride or kernel_size reaches it.",
    ),
    "numpy's reshape": (lambda: np.zeros(2352).reshape(28, 28), "2352 numbers are no (28,28): the product of the sizes must be 2352. Three colours make a picture three times as many."),
    "numpy's broadcast": (lambda: np.zeros((3, 4)) + np.zeros(3), "numpy matches shapes from the last axis: each pair must be equal, or one of them 1, or missing. Here: (3,4) (3,)."),
    "a size below zero": (lambda: zeros(3 - 4), "A size came out below zero: a subtraction went too far, or -1, which view and reshape understand, was given to zeros or randn."),
    "nothing to reshape": (lambda: zeros(0).view(0, -1), "The tensor holds nothing: an earlier slice, mask or filter left no element."),
    "nothing to join": (lambda: torch.cat([]), "The list to be joined is empty: the loop that fills it did not run."),
    "single numbers joined": (lambda: torch.cat([zeros(()), zeros(())]), "A single number has no axis to be joined along: torch.stack joins numbers, x.unsqueeze(0) gives one an axis."),
    "groups of a norm": (lambda: nn.GroupNorm(3, 8), "The groups share the channels equally: num_channels must be a multiple of num_groups."),
    "a state for a batch": (
        lambda: nn.GRU(3, 4)(zeros(5, 3), zeros(1, 5, 4)),
        "The input has 2 axes, so it is taken for one case without a batch; its state has 3, as for a batch: the input lacks an axis.",
    ),
    "permute": (lambda: zeros(3, 4).permute(0, 2, 1), "3 axes are named, the tensor has 2: every axis must be named once."),
    "bmm": (
        lambda: torch.bmm(zeros(4, 2, 3), zeros(4, 5, 6)),
        "The second of the matrices must be 4x3, 4x5 arrives: its rows must be as many as the first one's columns, and both stacks equally high.",
    ),
    "channels are no rounding": (lambda: zeros(3, 2) + zeros(4, 2), "Matched cell by cell, axis 0 is 3 in the first and 4 in the second: they must be equal, or one of them 1."),
    "axes of a norm": (lambda: nn.BatchNorm2d(3)(zeros(2, 3)), "An input of 4 axes is wanted, one of 2 arrives."),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_what_is_said_today(name):
    """The message of this PyTorch is known, and told in this sentence."""
    call, sentence = SAID[name]
    with pytest.raises(Exception) as caught:
        call()
    told = read_message(str(caught.value)).sentences
    assert told and (sentence is None or told[0] == sentence)


CARD = "The sizes are not to blame."
# Other devices and older versions: (the message, the first sentence, whether sizes are what it is about).
OTHER = [
    ("CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasSgemm( handle, opa, opb, m, n, k)`",
     "A matrix product failed on the graphics card, which does not say why. Often an earlier number was beyond its table, or two sides do not meet.", False),
    ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
     "The graphics card could not start its matrix library: its memory is full, or an earlier check failed, as of a class number beyond the scores.", False),
    ("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a non-contiguous input.",
     "cuDNN refused, and does not say which size it disliked. The same line on the CPU says it; x.contiguous() helps where the numbers lie otherwise after permute.", False),
    ("CUDA out of memory. Tried to allocate 2.00 GiB",
     "The memory of the device is full: no two sizes disagree. A smaller batch or picture takes less; `whyshape fit` says which fits.", False),
    ("MPS backend out of memory (MPS allocated: 8.00 GB)",
     "The memory of the device is full: no two sizes disagree. A smaller batch or picture takes less; `whyshape fit` says which fits.", False),
    ("Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!",
     "The data and the weights live on two devices: model.to(device) and x.to(device). " + CARD, False),
    ("Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same",
     "The data and the weights live on two devices: model.to(device) and x.to(device). " + CARD, False),
    ("Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be the same or input should be a MKLDNN tensor",
     "The data and the weights live on two devices: model.to(device) and x.to(device). " + CARD, False),
    ('"nll_loss_forward_reduce_cuda_kernel_2d_index" not implemented for \'Int\'',
     "This operation has no version for numbers of the kind Int: .float() for data, .long() for class numbers. " + CARD, False),
    ("bool value of Tensor with more than one value is ambiguous",
     "`if` and `and` want one yes or no, and a tensor holds many: (a == b).all(), x.any(), or torch.where for each place by itself.", False),
    ("linear(): input and weight.T shapes cannot be multiplied (16x500 and 320x50)",
     "500 numbers arrive where 320 are wanted: 16 rows of 500 numbers, a layer that reads 320 and gives 50.", True),
    ("Given groups=32, expected weight to be at least 32 at dimension 0, but got weight of size [16, 1, 3, 3] instead",
     "32 groups need at least 32 output channels, the weight is [16, 1, 3, 3]: out_channels must be a multiple of groups.", True),
    ("Kernel size can't be greater than actual input size at /opt/conda/x.c:50",
     "The input is smaller than the kernel here, padding included: a larger picture, or one pool or stride less.", True),
    ("non-empty 3D or 4D input tensor expected but got ndim 2",
     "An input of another number of axes is wanted than arrives: a batch axis is missing, a flatten came too early, or an axis of 1 was squeezed away.", True),
    ("max_pool2d() Expected 3D or 4D tensor, but got: [16]",
     "An input of another number of axes is wanted than arrives: a batch axis is missing, a flatten came too early, or an axis of 1 was squeezed away.", True),
    ("Trying to resize storage that is not resizable",
     "A batch is a stack of equal shapes, and these examples differ in length: pad or resize them where they are loaded, or give the DataLoader a collate_fn that does.", True),
    ('While copying the parameter named "fc.weight", whose dimensions in the model are torch.Size([2, 512]) and whose dimensions in the checkpoint are torch.Size([1000, 512]).',
     "fc.weight is [1000, 512] in the checkpoint and [2, 512] in the model: it was trained with other sizes.", True),
    ("Input height (256) doesn't match model (224).",
     "The model was built for height 224, 256 arrives: its table of positions has one row for each place. Resize, or build it with this image size.", True),
    ("Input image size (256*256) doesn't match model (224*224).",
     "The model was built for size 224, 256 arrives: its table of positions has one row for each place. Resize, or build it with this image size.", True),
    ("Wrong image height! Expected 224 but got 256!",
     "The model was built for height 224, 256 arrives: its table of positions has one row for each place. Resize, or build it with this image size.", True),
    ("inconsistent tensor size, expected tensor [10] and src [20] to have the same number of elements, but got 10 and 20 elements respectively",
     "[10] and [20] do not hold equally many numbers.", True),
    ("dimension specified as 1 but tensor has no dimensions",
     "Axis 1 is asked for, and the tensor is a single number: an axis was squeezed away, or a sum taken already.", True),
    ("The tensors must have the same number of dimensions: got 2 and 3", "Tensors of 2 and of 3 axes meet; they must have equally many.", True),
    ("Expected tensor to have size 30 at dimension 1, but got size 20 for argument #2 'batch2' (while checking arguments for bmm)",
     "Axis 1 of the second stack of matrices must be 30, as the first one's columns are; 20 arrives.", True),
]  # fmt: skip


@pytest.mark.parametrize("text, sentence, sizes", OTHER, ids=[o[0][:50] for o in OTHER])
def test_other_devices_and_versions(text, sentence, sizes):
    """Told in this sentence; and what is no mistake of sizes is not called one."""
    assert read_message(text).sentences[0] == sentence
    assert about_shapes(text) is sizes


def test_what_the_message_holds_cannot_reach_the_terminal():
    """A message's own text is shown without control characters."""
    told = read_message("operands do not broadcast with remapped shapes [original->remapped]: [2]->[2, 1]\x1b[31m").sentences
    assert "\x1b" not in told[0] and "[31m" in told[0]
