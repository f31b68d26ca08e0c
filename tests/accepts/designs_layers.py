"""What people's own layers do with sizes: check them, cut them, pad them, count in them. Few channels, so that plain PyTorch can run all of them."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Guarded(nn.Module):
    """segmentation_models' check."""

    def __init__(self, k=8, kind="or"):
        super().__init__()
        self.k, self.kind, self.conv = k, kind, nn.Conv2d(1, 1, 3, 2, 1)

    def forward(self, x):
        h, w = x.shape[-2:]
        if self.kind == "or":
            if h % self.k != 0 or w % self.k != 0:
                nh = (h // self.k + 1) * self.k if h % self.k != 0 else h
                nw = (w // self.k + 1) * self.k if w % self.k != 0 else w
                raise RuntimeError(f"Wrong input shape height={h}, width={w}. Expected divisible by {self.k}: pad to {nh}, {nw}.")
        elif self.kind == "assert":
            assert h % self.k == 0 and w % self.k == 0, "bad"
        elif self.kind == "any":
            if any(s % self.k for s in x.shape[2:]):
                raise ValueError("no")
        elif self.kind == "square":
            assert h == w
        elif self.kind == "min":
            if min(h, w) < self.k:
                raise ValueError("small")
        elif self.kind == "ratio":
            if max(h, w) > 2 * min(h, w):
                raise ValueError("long")
        elif self.kind == "area":
            if h * w > 900:
                raise ValueError("large")
        elif self.kind == "in":
            if h not in (16, 24, 32):
                raise ValueError("unknown")
        elif self.kind == "tuple":
            if tuple(x.shape[-2:]) != (24, 32):
                raise ValueError("unknown")
        elif self.kind == "range":
            if not (8 <= h <= 40 and 4 < w < 50):
                raise ValueError("unknown")
        elif self.kind == "power" and h & (h - 1):
            raise ValueError("power of two")
        return self.conv(x)


class Unshuffle(nn.Module):
    def __init__(self, r=4):
        super().__init__()
        self.body = nn.Sequential(nn.PixelUnshuffle(r), nn.Conv2d(r * r, 4, 3, padding=1), nn.Conv2d(4, r * r, 3), nn.PixelShuffle(r))

    def forward(self, x):
        return self.body(x)


class Middle(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 5, 2), nn.Conv2d(2, 2, 3)
        self.fc = nn.Linear(2 * 3 * 3, 4)

    def forward(self, x):
        return self.fc(self.b(F.adaptive_avg_pool2d(self.a(x), (5, 5))).flatten(1))


class Halves(nn.Module):
    """Spatial axes cut by chunk and split."""

    def __init__(self, how="chunk"):
        super().__init__()
        self.how, self.conv = how, nn.Conv2d(2, 1, 3)

    def forward(self, x):
        if self.how == "chunk":
            a, b = torch.chunk(x, 2, dim=2)
        elif self.how == "split":
            a, b = torch.split(x, x.shape[2] // 2, dim=2)
        elif self.how == "splitceil":
            a, b = x.split((x.shape[2] + 1) // 2, dim=2)
        elif self.how == "sizes":
            a, b = x.split([x.shape[2] // 2, x.shape[2] - x.shape[2] // 2], 2)
            b = b[:, :, : a.shape[2]]
        elif self.how == "fixed":
            a, b, *_ = x.split(8, 2)
        elif self.how == "tensor_split":
            a, b = x.tensor_split(2, 3)
        elif self.how == "chunk3":
            a, b, c = x.chunk(3, 3)
            a = a + c
        elif self.how == "unbind":
            a, b = x.unflatten(3, (2, -1)).unbind(3)
        elif self.how == "stride":
            a, b = x[..., ::2, :], x[..., 1::2, :]
        elif self.how == "narrow":
            a, b = x.narrow(2, 0, x.size(2) // 2), x.narrow(2, x.size(2) // 2, x.size(2) // 2)
        return self.conv(torch.cat([a, b], 1))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, 2, 1)

    def forward(self, x):
        h, w = x.shape[-2:]
        mask = torch.zeros(h, w, device=x.device)
        mask[: h // 2, : w // 2] = 1
        grid = torch.stack(torch.meshgrid(torch.arange(h // 2), torch.arange(w // 2), indexing="ij")).to(x)
        return self.conv(x * mask) + grid[:1].unsqueeze(0) + torch.ones(1, 1, (h + 1) // 2, (w + 1) // 2)


class Reflect(nn.Module):
    """Padding of whole multiples, reflecting: refuses what is too small, and cut back in the end."""

    def __init__(self, k=16, mode="reflect"):
        super().__init__()
        self.k, self.mode, self.net = k, mode, nn.Sequential(nn.Conv2d(1, 1, 4, 4), nn.ConvTranspose2d(1, 1, 4, 4))

    def forward(self, x):
        h, w = x.shape[-2:]
        ph, pw = (self.k - h % self.k) % self.k, (self.k - w % self.k) % self.k
        y = self.net(F.pad(x, (0, pw, 0, ph), self.mode))
        return y[..., :h, :w] * x


class Recur(nn.Module):
    """Divides until it is small: as many layers as the input needs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, 2, 1)
        self.fc = nn.Linear(16, 2)

    def forward(self, x):
        while x.shape[2] > 4:
            x = self.conv(x)
        return self.fc(x.flatten(1))


class CoordConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 3)

    def forward(self, x):
        n, _, h, w = x.size()
        xx = torch.arange(w, dtype=x.dtype).repeat(1, h, 1) / (w - 1)
        yy = torch.arange(h, dtype=x.dtype).repeat(1, w, 1).transpose(1, 2) / (h - 1)
        return self.conv(torch.cat([x, xx.repeat(n, 1, 1, 1), yy.repeat(n, 1, 1, 1)], 1))


class MathCeil(nn.Module):
    """TensorFlow's same, as timm and efficientnet_pytorch write it, with math.ceil."""

    def __init__(self, k=3, s=2, d=1):
        super().__init__()
        self.k, self.s, self.d = k, s, d
        self.conv, self.up = nn.Conv2d(1, 1, k, s, dilation=d), nn.Upsample(scale_factor=s)

    def forward(self, x):
        ih, iw = x.size()[-2:]
        oh, ow = math.ceil(ih / self.s), math.ceil(iw / self.s)
        ph = max((oh - 1) * self.s + (self.k - 1) * self.d + 1 - ih, 0)
        pw = max((ow - 1) * self.s + (self.k - 1) * self.d + 1 - iw, 0)
        if ph > 0 or pw > 0:
            x = F.pad(x, [pw // 2, pw - pw // 2, ph // 2, ph - ph // 2])
        return self.conv(x)


class RoundScale(nn.Module):
    def __init__(self, how="int"):
        super().__init__()
        self.how, self.conv = how, nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        h, w = x.shape[-2:]
        if self.how == "int":
            s = (int(h * 0.5), int(w * 0.5))
        elif self.how == "round":
            s = (round(h / 2), round(w / 2))
        elif self.how == "floor":
            s = (h // 2, w // 2)
        elif self.how == "divint":
            s = (int(h / 3), int(w / 3))
        y = F.interpolate(x, size=s)
        return F.interpolate(self.conv(y), scale_factor=2) + x if self.how != "divint" else F.interpolate(self.conv(y), scale_factor=3) + x


class PyramidPool(nn.Module):
    def __init__(self, sizes=(1, 2, 3, 6)):
        super().__init__()
        self.sizes = sizes
        self.fc = nn.Linear(2 * sum(s * s for s in sizes), 3)
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        x = self.conv(x)
        return self.fc(torch.cat([F.adaptive_max_pool2d(x, s).flatten(1) for s in self.sizes], 1))


class SPP(nn.Module):
    """Spatial pyramid pooling with computed kernels, as the well-known snippet has it."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2 * (16 + 4 + 1), 3)
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        x = self.conv(x)
        n, _, h, w = x.shape
        outs = []
        for s in (4, 2, 1):
            kh, kw = math.ceil(h / s), math.ceil(w / s)
            ph, pw = (kh * s - h + 1) // 2, (kw * s - w + 1) // 2
            outs.append(F.max_pool2d(x, (kh, kw), stride=(kh, kw), padding=(ph, pw)).view(n, -1))
        return self.fc(torch.cat(outs, 1))


class Fold(nn.Module):
    def __init__(self, k=4, s=2):
        super().__init__()
        self.k, self.s = k, s

    def forward(self, x):
        h, w = x.shape[-2:]
        u = F.unfold(x, self.k, stride=self.s)
        return F.fold(u, (h, w), self.k, stride=self.s) + x


class Squeeze(nn.Module):
    """`squeeze` behind a pool: an axis vanishes where it is 1."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3, 2), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(F.avg_pool2d(self.conv(x), 4).squeeze(3).squeeze(2))


class Tiled(nn.Module):
    """Tiles of a fixed size by unfold of the tensor itself."""

    def __init__(self, t=8):
        super().__init__()
        self.t, self.conv = t, nn.Conv2d(1, 1, 3)

    def forward(self, x):
        p = x.unfold(2, self.t, self.t).unfold(3, self.t, self.t)
        p = p.contiguous().view(-1, 1, self.t, self.t)
        return self.conv(p)


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.ln = nn.Conv2d(1, 2, 3, 2), nn.LayerNorm([2, 7, 9])

    def forward(self, x):
        return self.ln(self.a(x))


class InstNorm(nn.Module):
    """Refuses one value per map when training."""

    def __init__(self):
        super().__init__()
        self.a, self.n = nn.Conv2d(1, 2, 3, 4), nn.InstanceNorm2d(2)

    def forward(self, x):
        return self.n(self.a(x))


class Mixer(nn.Module):
    """Tokens mixed by a linear layer: the number of patches is fixed, their arrangement is not."""

    def __init__(self, p=4, tokens=24):
        super().__init__()
        self.e, self.mix = nn.Conv2d(1, 3, p, p), nn.Linear(tokens, tokens)

    def forward(self, x):
        return self.mix(self.e(x).flatten(2))


class Sobel(nn.Module):
    def forward(self, x):
        return (x[:, :, 1:, :] - x[:, :, :-1, :])[..., :-1] + (x[..., 1:] - x[..., :-1])[:, :, :-1]
