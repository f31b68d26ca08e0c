"""Networks as people write them, with few channels, so that plain PyTorch can run all of them at many sizes."""

import torch
import torch.nn.functional as F
from torch import nn


class PadUNet(nn.Module):
    """milesial-like: pads the upsampled map by the difference to its skip."""

    def __init__(self, depth=3, up="transpose"):
        super().__init__()
        self.depth, self.upk = depth, up
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(2, 2, 3, padding=1) for _ in range(depth))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2, 2, 2, 2) for _ in range(depth))
        self.meet = nn.ModuleList(nn.Conv2d(4, 2, 3, padding=1) for _ in range(depth))

    def forward(self, x):
        x = self.first(x)
        kept = []
        for d in self.down:
            kept.append(x)
            x = d(F.max_pool2d(x, 2))
        for u, m in zip(self.ups, self.meet):
            s = kept.pop()
            x = u(x) if self.upk == "transpose" else F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            dy = s.size()[2] - x.size()[2]
            dx = s.size()[3] - x.size()[3]
            x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            x = m(torch.cat([s, x], dim=1))
        return x


class CropUNet(nn.Module):
    """The paper's: valid convolutions, the skip cropped to the middle."""

    def __init__(self, depth=2):
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(1 if i == 0 else 2, 2, 3) for i in range(depth))
        self.mid = nn.Conv2d(2, 2, 3)
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2, 2, 2, 2) for _ in range(depth))
        self.meet = nn.ModuleList(nn.Conv2d(4, 2, 3) for _ in range(depth))

    def forward(self, x):
        kept = []
        for d in self.down:
            x = d(x)
            kept.append(x)
            x = F.max_pool2d(x, 2)
        x = self.mid(x)
        for u, m in zip(self.ups, self.meet):
            x = u(x)
            s = kept.pop()
            top, left = (s.shape[2] - x.shape[2]) // 2, (s.shape[3] - x.shape[3]) // 2
            s = s[:, :, top : top + x.shape[2], left : left + x.shape[3]]
            x = m(torch.cat([s, x], 1))
        return x


class ASPP(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.Conv2d(2, 2, 3, 2, 1))
        self.branches = nn.ModuleList([nn.Conv2d(2, 2, 1)] + [nn.Conv2d(2, 2, 3, padding=d, dilation=d) for d in (2, 4)])
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 2, 1))
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        size = x.shape[-2:]
        y = self.stem(x)
        image = F.interpolate(self.image(y), size=y.shape[-2:], mode="bilinear", align_corners=False)
        y = self.out(torch.cat([*(b(y) for b in self.branches), image], 1))
        return F.interpolate(y, size=size, mode="bilinear", align_corners=False)


class SwinPad(nn.Module):
    """Window attention with padding to whole windows and a shift."""

    def __init__(self, k=4, shift=2, c=2):
        super().__init__()
        self.k, self.shift = k, shift
        self.qkv, self.proj, self.merge = nn.Linear(c, 3 * c), nn.Linear(c, c), nn.Linear(4 * c, 2 * c)
        self.embed = nn.Conv2d(1, c, 2, 2)

    def forward(self, x):
        x = self.embed(x).permute(0, 2, 3, 1)
        B, H, W, C = x.shape
        k = self.k
        pr, pb = (k - W % k) % k, (k - H % k) % k
        y = F.pad(x, (0, 0, 0, pr, 0, pb))
        _, ph, pw, _ = y.shape
        shift = [self.shift, self.shift]
        if k >= ph:
            shift[0] = 0
        if k >= pw:
            shift[1] = 0
        if sum(shift) > 0:
            y = torch.roll(y, shifts=(-shift[0], -shift[1]), dims=(1, 2))
        n = (ph // k) * (pw // k)
        y = y.view(B, ph // k, k, pw // k, k, C).permute(0, 1, 3, 2, 4, 5).reshape(B * n, k * k, C)
        q = self.qkv(y).reshape(y.size(0), y.size(1), 3, 1, C).permute(2, 0, 3, 1, 4)
        q, kk, v = q[0], q[1], q[2]
        a = q @ kk.transpose(-2, -1)
        if sum(shift) > 0:
            m = y.new_zeros((ph, pw))
            cnt = 0
            hs = ((0, -k), (-k, -shift[0]), (-shift[0], None))
            ws = ((0, -k), (-k, -shift[1]), (-shift[1], None))
            for h in hs:
                for w in ws:
                    m[h[0] : h[1], w[0] : w[1]] = cnt
                    cnt += 1
            m = m.view(ph // k, k, pw // k, k).permute(0, 2, 1, 3).reshape(n, k * k)
            m = m.unsqueeze(1) - m.unsqueeze(2)
            m = m.masked_fill(m != 0, -100.0).masked_fill(m == 0, 0.0)
            a = a.view(y.size(0) // n, n, 1, y.size(1), y.size(1)) + m.unsqueeze(1).unsqueeze(0)
            a = a.view(-1, 1, y.size(1), y.size(1))
        a = a.softmax(-1)
        y = self.proj((a @ v).transpose(1, 2).reshape(y.size(0), y.size(1), C))
        y = y.view(B, ph // k, pw // k, k, k, C).permute(0, 1, 3, 2, 4, 5).reshape(B, ph, pw, C)
        if sum(shift) > 0:
            y = torch.roll(y, shifts=(shift[0], shift[1]), dims=(1, 2))
        y = y[:, :H, :W, :].contiguous() + x
        y = F.pad(y, (0, 0, 0, W % 2, 0, H % 2))
        y = torch.cat([y[:, 0::2, 0::2], y[:, 1::2, 0::2], y[:, 0::2, 1::2], y[:, 1::2, 1::2]], -1)
        return self.merge(y)


class FPN(nn.Module):
    def __init__(self, up="size"):
        super().__init__()
        self.up = up
        self.c = nn.ModuleList(nn.Conv2d(1 if i == 0 else 2, 2, 3, 2, 1) for i in range(4))
        self.side = nn.ModuleList(nn.Conv2d(2, 2, 1) for _ in range(4))

    def forward(self, x):
        maps = []
        for c in self.c:
            x = c(x)
            maps.append(x)
        last = self.side[-1](maps[-1])
        outs = [last]
        for f, side in zip(reversed(maps[:-1]), reversed(list(self.side)[:-1])):
            t = (
                F.interpolate(last, size=f.shape[-2:], mode="nearest")
                if self.up == "size"
                else F.interpolate(last, scale_factor=2, mode="nearest")
            )
            last = side(f) + t
            outs.append(last)
        return [*outs, F.max_pool2d(outs[0], 1, 2)]


class PosEmbed(nn.Module):
    """ViT with a fixed positional table, and one that interpolates it."""

    def __init__(self, how="fixed", p=8, g=4, c=4):
        super().__init__()
        self.how, self.p, self.g, self.c = how, p, g, c
        self.embed, self.pos, self.cls = (
            nn.Conv2d(1, c, p, p),
            nn.Parameter(torch.zeros(1, g * g + 1, c)),
            nn.Parameter(torch.zeros(1, 1, c)),
        )
        self.attn = nn.MultiheadAttention(c, 2, batch_first=True)

    def forward(self, x):
        n, _, h, w = x.shape
        if self.how == "assert":
            assert h == self.p * self.g and w == self.p * self.g
        if self.how == "interp":
            assert h % self.p == 0 and w % self.p == 0, "whole patches"
        y = self.embed(x).flatten(2).transpose(1, 2)
        y = torch.cat([self.cls.expand(n, -1, -1), y], 1)
        pos = self.pos
        if self.how == "interp" and (h // self.p, w // self.p) != (self.g, self.g):
            t = pos[:, 1:].reshape(1, self.g, self.g, self.c).permute(0, 3, 1, 2)
            t = F.interpolate(t, size=(h // self.p, w // self.p), mode="bicubic")
            pos = torch.cat([pos[:, :1], t.permute(0, 2, 3, 1).reshape(1, -1, self.c)], 1)
        y = y + pos
        return self.attn(y, y, y)[0]


class Grid(nn.Module):
    """Affine grid and grid_sample; the STN of the tutorials, its localisation fixed to 28 x 28."""

    def __init__(self, fixed=True):
        super().__init__()
        self.fixed = fixed
        self.loc = nn.Sequential(
            nn.Conv2d(1, 8, 7), nn.MaxPool2d(2, 2), nn.ReLU(True), nn.Conv2d(8, 10, 5), nn.MaxPool2d(2, 2), nn.ReLU(True)
        )
        self.fc = nn.Sequential(nn.Linear(10 * 3 * 3, 32), nn.ReLU(True), nn.Linear(32, 6))

    def forward(self, x):
        xs = self.loc(x).view(-1, 10 * 3 * 3)
        theta = self.fc(xs).view(-1, 2, 3)
        return F.grid_sample(x, F.affine_grid(theta, x.size(), align_corners=False), align_corners=False)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (
            nn.Conv2d(1, 1, 3, 2),
            nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, 2)),
            nn.MaxPool2d(3, 2),
        )
        self.aux = nn.Sequential(nn.AvgPool2d(5, 3), nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 2), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        y = torch.cat([self.a(x), self.b(x), self.c(x)], 1)
        return self.aux(y).flatten(1)


class HighRes(nn.Module):
    """HRNet's fusion: the low branch doubled and added to the high one."""

    def __init__(self):
        super().__init__()
        self.stem, self.down, self.low, self.up = (
            nn.Conv2d(1, 2, 3, 2, 1),
            nn.Conv2d(2, 2, 3, 2, 1),
            nn.Conv2d(2, 2, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="nearest"),
        )

    def forward(self, x):
        h = self.stem(x)
        low = self.low(self.down(h))
        return h + self.up(low), low + self.down(h)


class Focus(nn.Module):
    """YOLOv5: every second pixel four times, then SPPF and a PAN top."""

    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.c3 = nn.Conv2d(4, 2, 3, 1, 1), nn.Conv2d(2, 2, 3, 2, 1), nn.Conv2d(2, 2, 3, 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        x = self.c1(torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1))
        p3 = self.c2(x)
        p4 = self.c3(p3)
        y1 = self.pool(p4)
        y2 = self.pool(y1)
        top = torch.cat([p4, y1, y2], 1)
        up = F.interpolate(top, scale_factor=2.0, mode="nearest")
        return torch.cat([up, p3], 1)


class Detect(nn.Module):
    """A head that lays the maps of several scales in one row."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Conv2d(1, 2, 3, 4, 1), nn.Conv2d(2, 2, 3, 2, 1), nn.Conv2d(2, 6, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(a)
        outs = []
        for m in (a, b):
            y = self.head(m)
            n, _, h, w = y.shape
            outs.append(y.view(n, 3, 2, h, w).permute(0, 1, 3, 4, 2).reshape(n, 3 * h * w, 2))
        return torch.cat(outs, 1).view(x.shape[0], -1, 2)


class ShuffleAttn(nn.Module):
    """Axial attention with einsum and rearranged axes."""

    def __init__(self, c=2):
        super().__init__()
        self.q = nn.Conv2d(1, c, 1)
        self.rel = nn.Parameter(torch.zeros(2 * 16 - 1, c))

    def forward(self, x):
        q = self.q(x)
        w = q.shape[-1]
        s = torch.einsum("nchw,nchv->nhwv", q, q)
        idx = torch.arange(w)[:, None] - torch.arange(w)[None] + 15
        r = F.embedding(idx.clamp(0, 30), self.rel)
        s = s + torch.einsum("nchw,wvc->nhwv", q, r)
        return torch.einsum("nhwv,nchv->nchw", s.softmax(-1), q)


class RNNHead(nn.Module):
    """CRNN: height must become 1, width is time."""

    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 2, 3, 1, 1), nn.MaxPool2d(2, 2), nn.Conv2d(2, 4, 3, 1, 1), nn.MaxPool2d((2, 2), (2, 1), (0, 1)), nn.Conv2d(4, 4, 2)
        )
        self.rnn = nn.LSTM(4, 3, bidirectional=True)

    def forward(self, x):
        y = self.cnn(x)
        assert y.size(2) == 1, "the height of conv must be 1"
        return self.rnn(y.squeeze(2).permute(2, 0, 1))[0]


class NonLocal(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Conv2d(1, 2, 1), nn.Sequential(nn.Conv2d(1, 2, 1), nn.MaxPool2d(2))

    def forward(self, x):
        n = x.size(0)
        q, k = self.q(x).view(n, 2, -1), self.k(x).view(n, 2, -1)
        a = (q.permute(0, 2, 1) @ k).softmax(-1)
        y = (a @ k.permute(0, 2, 1)).permute(0, 2, 1).contiguous().view(n, 2, *x.size()[2:])
        return y + x
