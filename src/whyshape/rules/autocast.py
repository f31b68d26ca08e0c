"""What ``torch.autocast`` does before an operator runs: cast its floating-point tensors down, up, or to the widest of them.

Two lists, as PyTorch documents them and the tests ask it: one for the CPU, one for CUDA. Who is in neither takes what arrives.
An answer is ``(on the CPU, on CUDA)``.
"""

from __future__ import annotations

from whyshape.rules.base import told

DOWN, UP, WIDEST, LEAVE = "down", "up", "widest", ""

told("autocast", (DOWN, DOWN), *[f"conv{t}{n}d" for n in (1, 2, 3) for t in ("", "_transpose")], """linear matmul Tensor.__matmul__
    Tensor.__imatmul__ Tensor.__rmatmul__ mm bmm addmm baddbmm addbmm prelu einsum scaled_dot_product_attention
    multi_head_attention_forward""")  # fmt: skip
told("autocast", (LEAVE, DOWN), "mv")
told("autocast", lambda call: (UP if call.mode in ("reflect", "replicate") else LEAVE, LEAVE), "pad")
told("autocast", (UP, LEAVE), """avg_pool3d max_pool3d max_pool3d_with_indices adaptive_avg_pool3d adaptive_max_pool3d adaptive_max_pool3d_with_indices max_unpool2d max_unpool3d trace
    view_as_complex""")  # fmt: skip
told("autocast", (UP, WIDEST), "grid_sample", "grid_sampler")
told("autocast", (UP, UP), "prod mse_loss l1_loss smooth_l1_loss cross_entropy nll_loss binary_cross_entropy_with_logits kl_div cdist")
told("autocast", (LEAVE, UP), """softmax log_softmax softmin layer_norm group_norm exp expm1 log log2 log10 log1p pow Tensor.__pow__
    reciprocal rsqrt sum cumsum cumprod norm normalize softplus tan acos asin cosh sinh erfinv""")  # fmt: skip
told("autocast", (WIDEST, WIDEST), "cat concat concatenate stack")
told("autocast", (LEAVE, WIDEST), "addcmul atan2 bilinear dot")
