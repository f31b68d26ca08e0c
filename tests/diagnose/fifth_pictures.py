"""A fifth round of what people report, of pictures and volumes, each with what a good answer changes. Written before anything was tried on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import BATCH, FORWARD, RESIZE, Calls, attr, seq, table
from torch import nn

FIFTH_PICTURES, report = table()
both = lambda *edits: {"all": list(edits)}
pooled = lambda before: {"insert": "AdaptiveAvgPool2d", "before": before}


@report(RESIZE, FORWARD, attr("linear", "in_features", 128 * 4))
def cifar_residual_net_on_tiny_imagenet():
    class ResNetish(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.Conv2d(32, 64, 3, 2, 1, bias=False)
            self.conv3, self.conv4 = nn.Conv2d(64, 128, 3, 2, 1, bias=False), nn.Conv2d(128, 128, 3, 2, 1, bias=False)
            self.linear = nn.Linear(128, 200)

        def forward(self, x):
            out = F.relu(self.conv2(F.relu(self.conv1(x))))
            out = F.relu(self.conv4(F.relu(self.conv3(out))))
            out = F.avg_pool2d(out, 4)
            out = out.view(out.size(0), -1)
            return self.linear(out)

    return ResNetish().eval(), (torch.rand(2, 3, 64, 64),)


@report(attr("classifier.1", "in_features", 1280))
def efficientnet_with_a_copied_head():
    from torchvision.models import efficientnet_b0

    net = efficientnet_b0(weights=None)
    net.classifier = seq(nn.Dropout(0.3), nn.Linear(1536, 4))
    return net.eval(), (torch.rand(1, 3, 64, 64),)


@report(attr("fc", "in_features", 512))
def thousand_classes_taken_for_features():
    from torchvision.models import resnet18

    net = resnet18(weights=None)
    net.fc = nn.Linear(1000, 5)
    return net.eval(), (torch.rand(2, 3, 64, 64),)


@report(attr("head.1", "in_features", 320), both(attr("head.0", "normalized_shape", 320), attr("head.1", "in_features", 320)))
def timm_backbone_of_the_small_size():
    import timm

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = timm.create_model("convnext_atto", pretrained=False, num_classes=0)
            self.head = seq(nn.Dropout(0.1), nn.Linear(768, 9))

        def forward(self, x):
            return self.head(self.backbone(x))

    return Model().eval(), (torch.rand(1, 3, 64, 64),)


@report(
    both({"input": "permute", "dims": (2, 0, 1)}, {"input": "unsqueeze", "dim": 0}),
    both({"input": "unsqueeze", "dim": 0}, {"input": "permute", "dims": (0, 3, 1, 2)}),
)
def webcam_frame_as_it_is():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = seq(nn.Conv2d(3, 16, 5, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d((2, 2)))
            self.fc = nn.Linear(128, 6)

        def forward(self, x):
            return self.fc(torch.flatten(self.body(x), 1))

    return Net(), (torch.rand(120, 160, 3),)


@report(FORWARD, BATCH, attr("", "batch_size", 20))
def view_by_the_batch_size_of_the_loader():
    class Net(nn.Module):
        def __init__(self, batch_size=64):
            super().__init__()
            self.batch_size = batch_size
            self.conv, self.fc = nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.Linear(8 * 14 * 14, 10)

        def forward(self, x):
            x = F.relu(self.conv(x))
            x = x.view(self.batch_size, -1)
            return self.fc(x)

    return Net(), (torch.rand(20, 1, 28, 28),)


@report({"insert": "Flatten", "before": "6"})
def sequential_goes_straight_to_the_linear():
    net = seq(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Linear(32 * 12 * 12, 64),
        nn.ReLU(),
        nn.Linear(64, 2),
    )
    return net, (torch.rand(8, 3, 48, 48),)


@report({"insert": "Flatten", "before": "dense.0"}, {"insert": "Flatten", "before": "dense"}, FORWARD)
def nested_head_without_flatten():
    class Block(nn.Module):
        def __init__(self, a, b):
            super().__init__()
            self.op = seq(nn.Conv2d(a, b, 3), nn.BatchNorm2d(b), nn.LeakyReLU(0.1), nn.AvgPool2d(2))

        def forward(self, x):
            return self.op(x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = Block(1, 12), Block(12, 24)
            self.dense = seq(nn.Linear(24 * 6 * 6, 100), nn.ReLU(), nn.Linear(100, 26))

        def forward(self, letters):
            h = self.two(self.one(letters))
            return self.dense(h)

    return Net().eval(), (torch.rand(5, 1, 32, 32),)


@report(FORWARD, both(*(attr(f"{a}.{b}", "padding", 1) for a in ("enc1", "enc2", "dec1") for b in (0, 2))))
def unet_of_the_paper_without_its_crop():
    double = lambda a, b: seq(nn.Conv2d(a, b, 3), nn.ReLU(), nn.Conv2d(b, b, 3), nn.ReLU())

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc1, self.enc2, self.pool = double(1, 16), double(16, 32), nn.MaxPool2d(2)
            self.up, self.dec1, self.last = nn.ConvTranspose2d(32, 16, 2, 2), double(32, 16), nn.Conv2d(16, 2, 1)

        def forward(self, x):
            c1 = self.enc1(x)
            c2 = self.enc2(self.pool(c1))
            u = self.up(c2)
            merged = torch.cat([u, c1], dim=1)
            return self.last(self.dec1(merged))

    return UNet(), (torch.rand(1, 1, 140, 140),)


@report(attr("dec.conv", "in_channels", 96), attr("dec.up", "out_channels", 32))
def decoder_does_not_halve():
    class Up(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.conv = nn.ConvTranspose2d(64, 64, 2, stride=2), nn.Conv2d(64, 32, 3, padding=1)

        def forward(self, x, skip):
            return F.relu(self.conv(torch.cat((skip, self.up(x)), 1)))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.dec, self.out = nn.Conv2d(3, 32, 3, 1, 1), nn.Conv2d(32, 64, 3, 2, 1), Up(), nn.Conv2d(32, 5, 1)

        def forward(self, x):
            s = F.relu(self.a(x))
            return self.out(self.dec(F.relu(self.b(s)), s))

    return Net(), (torch.rand(2, 3, 64, 64),)


@report(RESIZE, FORWARD)
def three_halvings_of_a_hundred_and_fifty():
    class ResUNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.d1, self.d2, self.d3 = nn.Conv2d(1, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
            self.u3, self.u2, self.u1 = nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2), nn.ConvTranspose2d(8, 1, 2, 2)

        def forward(self, x):
            d1 = F.elu(self.d1(x))
            d2 = F.elu(self.d2(d1))
            d3 = F.elu(self.d3(d2))
            y = self.u3(d3) + d2
            y = self.u2(y) + d1
            return torch.sigmoid(self.u1(y))

    return ResUNet(), (torch.rand(2, 1, 150, 150),)


@report(attr("decoder.0", "output_padding", 0), RESIZE, FORWARD)
def decoder_of_digits_pads_once_too_often():
    class AE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = seq(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1))
            self.decoder = seq(
                nn.ConvTranspose2d(64, 32, 3, 2, 1, output_padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(32, 16, 3, 2, 1, output_padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(16, 1, 3, 2, 1, output_padding=1),
            )
            self.loss = nn.MSELoss()

        def forward(self, x):
            return self.loss(self.decoder(self.encoder(x)), x)

    return AE(), (torch.rand(4, 1, 28, 28),)


@report(RESIZE, attr("net.6", "kernel_size", 2), {"replace": "net.6", "with": "AdaptiveAvgPool2d"})
def last_kernel_of_the_critic_is_larger_than_its_map():
    class Critic(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = seq(
                nn.Conv2d(3, 32, 4, 2, 1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(32, 64, 4, 2, 1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(64, 128, 4, 4, 0),
                nn.LeakyReLU(0.2),
                nn.Conv2d(128, 1, 4, 1, 0),
            )

        def forward(self, x):
            return self.net(x).view(-1)

    return Critic(), (torch.rand(6, 3, 32, 32),)


@report(attr("fc", "out_features", 256 * 49), FORWARD, both(FORWARD, attr("up.0", "in_channels", 128)))
def generator_projects_to_half_the_channels():
    class G(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(62, 128 * 7 * 7)
            self.up = seq(nn.ConvTranspose2d(256, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh())

        def forward(self, z):
            h = self.fc(z)
            h = h.view(-1, 256, 7, 7)
            return self.up(h)

    return G(), (torch.rand(15, 62),)


@report(
    both(attr("dw", "in_channels", 64), attr("dw", "out_channels", 64), attr("dw", "groups", 64), attr("pw", "in_channels", 64)),
    attr("stem", "out_channels", 32),
    both(attr("dw", "in_channels", 64), attr("dw", "groups", 32)),
    attr("dw", "in_channels", 64),
)
def depthwise_for_half_the_channels():
    run = lambda m, x: m.fc(m.pw(m.dw(F.relu(m.stem(x)))).mean((2, 3)))
    return Calls(
        run, stem=nn.Conv2d(3, 64, 3, 2, 1), dw=nn.Conv2d(32, 32, 3, padding=1, groups=32), pw=nn.Conv2d(32, 96, 1), fc=nn.Linear(96, 7)
    ), (torch.rand(2, 3, 32, 32),)


@report(attr("layers.1.bn", "num_features", 48), attr("layers.1.conv", "out_channels", 64))
def norm_kept_the_old_width():
    class ConvBN(nn.Module):
        def __init__(self, a, b, n):
            super().__init__()
            self.conv, self.bn = nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(n)

        def forward(self, x):
            return F.silu(self.bn(self.conv(x)))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = seq(ConvBN(3, 24, 24), ConvBN(24, 48, 64), ConvBN(48, 48, 48))
            self.head = nn.Linear(48, 3)

        def forward(self, x):
            return self.head(F.adaptive_avg_pool2d(self.layers(x), 1)[:, :, 0, 0])

    return Net().eval(), (torch.rand(2, 3, 24, 24),)


@report(attr("gn", "num_channels", 128), attr("conv", "out_channels", 64))
def group_norm_of_the_block_before():
    run = lambda m, x: m.last(F.relu(m.gn(m.conv(x))))
    return Calls(run, conv=nn.Conv2d(16, 128, 3), gn=nn.GroupNorm(8, 64), last=nn.Conv2d(128, 4, 1)), (torch.rand(2, 16, 20, 20),)


@report(attr("up.0", "out_channels", 48), attr("up.1", "upscale_factor", 3))
def shuffle_by_four_of_channels_for_three():
    net = Calls(
        lambda m, x: m.up(m.body(x)), body=nn.Conv2d(3, 32, 3, padding=1), up=seq(nn.Conv2d(32, 27, 3, padding=1), nn.PixelShuffle(4))
    )
    return net, (torch.rand(1, 3, 24, 24),)


@report(attr("1.conv1", "stride", 1), FORWARD)
def block_strides_but_its_shortcut_does_not():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.Conv2d(32, 32, 3, padding=1)

        def forward(self, x):
            identity = x
            out = self.conv2(F.relu(self.conv1(x)))
            out += identity
            return F.relu(out)

    return seq(nn.Conv2d(3, 32, 3, padding=1), Block()), (torch.rand(2, 3, 40, 40),)


@report({"input": "expand_channels", "to": 3}, attr("conv1", "in_channels", 1))
def chest_scans_into_a_pretrained_resnet():
    from torchvision.models import resnet18

    net = resnet18(weights=None)
    net.fc = seq(nn.Dropout(0.5), nn.Linear(512, 2))
    return net.eval(), (torch.rand(2, 1, 96, 96),)


@report({"input": "grayscale"}, attr("conv_in", "in_channels", 3))
def colour_letters_for_a_gray_reader():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv_in, self.pool, self.cls = nn.Conv2d(1, 20, 5), nn.AdaptiveMaxPool2d(3), nn.Linear(180, 36)

        def forward(self, img):
            return self.cls(self.pool(torch.tanh(self.conv_in(img))).flatten(start_dim=1))

    return Reader(), (torch.rand(7, 3, 40, 40),)


@report(attr("encoder.stem", "in_channels", 13), {"input": "slice", "dim": 1, "to": 3})
def thirteen_bands_of_a_satellite():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.more = nn.Conv2d(3, 32, 7, 2, 3), nn.Conv2d(32, 64, 3, 2, 1)

        def forward(self, x):
            return self.more(F.relu(self.stem(x)))

    return Calls(lambda m, x: m.head(m.encoder(x)), encoder=Encoder(), head=nn.Conv2d(64, 10, 1)), (torch.rand(2, 13, 64, 64),)


@report(attr("fc", "in_features", 16 * 8 * 8 * 8), RESIZE, {"insert": "AdaptiveAvgPool3d", "before": "fc"}, FORWARD)
def volumes_of_twice_the_depth():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool, self.fc = nn.Conv3d(1, 16, 3, padding=1), nn.MaxPool3d(4), nn.Linear(16 * 4 * 8 * 8, 2)

        def forward(self, v):
            v = self.pool(F.relu(self.conv(v)))
            return self.fc(v.view(v.size(0), -1))

    return Net(), (torch.rand(2, 1, 32, 32, 32),)


@report(RESIZE, FORWARD, {"input": "pad_length", "dim": 4, "to": 40}, {"input": "truncate", "dim": 4, "to": 36})
def brain_of_39_slices():
    class UNet3d(nn.Module):
        def __init__(self):
            super().__init__()
            self.e1, self.e2, self.up, self.d = (
                nn.Conv3d(4, 8, 3, padding=1),
                nn.Conv3d(8, 16, 3, padding=1),
                nn.ConvTranspose3d(16, 8, 2, 2),
                nn.Conv3d(16, 3, 3, padding=1),
            )

        def forward(self, x):
            a = F.relu(self.e1(x))
            b = F.relu(self.e2(F.max_pool3d(a, 2)))
            return self.d(torch.cat([a, self.up(b)], dim=1))

    return UNet3d(), (torch.rand(1, 4, 32, 32, 39),)
