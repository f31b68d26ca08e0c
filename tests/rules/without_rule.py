"""Which functions and layers of PyTorch have no rule, and why. Run as a program it prints the table of coverage."""

from __future__ import annotations

import re

import torch
import torch.nn.functional

from whyshape.readers.torch.names import FACTS, SIZE_GETTERS, VALUES, function_table
from whyshape.rules import LAYERS

# A pattern for whole names -> why there is no rule. What models call is not among them.
FUNCTIONS = {
    r"Callable|DType|Optional|ScalingType|SwizzleType|Tensor": "no functions: names that the module imports",
    r"assert_int_or_pair|boolean_dispatch|(handle|has)_torch_function.*": "PyTorch's own machinery",
    r"upsample(_nearest|_bilinear)?|triplet_margin_with_distance_loss|resize_as|sum_to_size": "written in Python: followed inside",
    r"(grouped|scaled|scaled_grouped)_mm|linear_cross_entropy": "experimental, for accelerators",
    r"unique(_consecutive)?|nonzero|argwhere|masked_select|bincount|segment_reduce|binomial|hash_tensor": "values decide",
    r"cudnn_.*|miopen_.*|mkldnn_.*|fbgemm_.*|ipu|xpu|mtia|to_mkldnn|record_stream": "kernels of one vendor",
    r".*quant.*|int_repr|[qQ]_?(scale|zero_point|scheme|per_channel_\w+)|choose_qparams_optimized|qscheme": "quantised tensors",
    r".*sparse.*|.*_indices(_copy)?|(indices|values)(_copy)?|coalesce|is_coalesced|(hs|sadd|ssp?add|sspadd|s|hsp)mm|dense_dim|to_dense":
        "sparse tensors",
    r"batch_norm_.*|native_(dropout|norm)|(frobenius|nuclear)_norm|norm_except_dim|triangular_solve|slice_inverse": "called by PyTorch itself",
    r"\w+_copy": "copies of views, for compilers",
    r"can_cast|promote_types|result_type|sym_constrain_range.*|to_padded_tensor|storage_type|const_data_ptr": "no tensor comes out",
    r"as_subclass|module_load|new|index|nelement|numel|size|reinforce|from_file|frombuffer": "Python objects, files, old forms",
    r"lu|lu_(solve|unpack)|ldl_\w+|eig|symeig|solve|lstsq|orgqr|ormqr|tensorsolve": "rare linear algebra",
    r"histogram(dd)?|grid_sampler_[23]d": "rare: measured",
}  # fmt: skip

MODULES = {
    r"Module|ModuleDict|ModuleList|ParameterDict|ParameterList|Container|Sequential": "holds others: it calls nothing itself",
    r"RNNBase|RNNCellBase": "what recurrent layers are built from",
    r"Lazy\w+": "learns its sizes from the first input; notation names them",
    r"TransformerEncoder|TransformerDecoder": "is given a layer, not numbers; write its layers one after another",
    r"TripletMarginWithDistanceLoss": "is given a function",
    r"AdaptiveLogSoftmaxWithLoss": "which of its parts run depends on the values of the target",
    r"DataParallel": "for several devices",
    r"LinearCrossEntropyLoss": "experimental: a linear layer and its loss in one",
}

PLACES = {
    "torch.nn.functional": torch.nn.functional,
    "torch": torch._C._VariableFunctions,
    "torch.Tensor": torch.Tensor,
    "torch.fft": torch.fft,
    "torch.linalg": torch.linalg,
    "torch.special": torch.special,
}


def functions(place: str) -> list[str]:
    """The public functions of a place, without in-place forms."""
    at = PLACES[place]
    names = [n for n in dir(at) if not n.startswith("_") and not n.endswith("_") and callable(getattr(at, n))]
    if place in ("torch.fft", "torch.linalg", "torch.special"):
        names = [n for n in names if n.islower() and getattr(at, n).__module__ != "builtins"]
    return [n for n in names if place != "torch" or hasattr(torch, n)]


def bare(place: str) -> list[str]:
    """Those that no rule answers for, and the reader does not answer itself (`x.dim()`, `x.size()`, `x.item()`)."""
    table, at = function_table(), PLACES[place]
    return [n for n in functions(place) if getattr(at, n) not in table and n not in FACTS | VALUES | set(SIZE_GETTERS)]


def layers() -> list[str]:
    """The layers of torch.nn."""
    return [n for n in dir(torch.nn) if isinstance(getattr(torch.nn, n), type) and issubclass(getattr(torch.nn, n), torch.nn.Module)]


def reason(name: str, reasons: dict[str, str]) -> str | None:
    """Why this name has no rule."""
    return next((why for pattern, why in reasons.items() if re.fullmatch(pattern, name)), None)


if __name__ == "__main__":
    for place in PLACES:
        left = bare(place)
        print(f"{place:20} {len(functions(place)) - len(left):4} of {len(functions(place)):4} answered")
        for name in left:
            print(f"    {name:34} {reason(name, FUNCTIONS)}")
    left = [n for n in layers() if n not in LAYERS]
    print(f"{'layers of torch.nn':20} {len(layers()) - len(left):4} of {len(layers()):4} in notation")
    for name in left:
        print(f"    {name:34} {reason(name, MODULES)}")
