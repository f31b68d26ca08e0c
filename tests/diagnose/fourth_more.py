"""The fourth round's second half, written after the first had been met, before anything was tried on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mistakes import FORWARD, RESIZE, Calls, Trained, attr, seq, table
from torch import nn

FOURTH_MORE, report = table()
both = lambda *edits: {"all": list(edits)}
pooled = lambda before: {"insert": "AdaptiveAvgPool2d", "before": before}


@report(RESIZE, FORWARD, attr("fc", "in_features", 128 * 7 * 7), pooled("fc"))
def widths_equal_channels_of_a_net_for_32():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            layers, c = [], 3
            for o in (16, 32, 64, 128, 128):
                layers += [nn.Conv2d(c, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)]
                c = o
            self.features, self.fc = seq(*layers), nn.Linear(128, 10)

        def forward(self, x):
            x = self.features(x)
            x = x.view(x.size(0), -1)
            return self.fc(x)

    return Small().eval(), (torch.rand(2, 3, 224, 224),)


@report(
    both({"input": "unsqueeze", "dim": 0}, {"input": "expand_channels", "to": 3}),
    both({"input": "expand_channels", "to": 3}, {"input": "unsqueeze", "dim": 0}),
)
def one_gray_picture_for_a_colour_net():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.fc = seq(nn.Conv2d(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU()), nn.Linear(16, 4)

        def forward(self, x):
            return self.fc(self.stem(x).mean((2, 3)))

    return Net().eval(), (torch.rand(1, 64, 64),)


@report(FORWARD)
def words_are_not_turned_for_the_text_convolution():
    class TextCNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.convs = nn.Embedding(800, 64), nn.ModuleList(nn.Conv1d(64, 16, k) for k in (3, 4, 5))
            self.fc = nn.Linear(48, 2)

        def forward(self, text):
            x = self.embedding(text)
            found = [F.relu(conv(x)).max(2)[0] for conv in self.convs]
            return self.fc(torch.cat(found, 1))

    return TextCNN(), (torch.randint(0, 800, (8, 40)),)


@report(RESIZE, FORWARD)
def nested_unet_on_a_photo_of_odd_width():
    class Nested(nn.Module):
        def __init__(self):
            super().__init__()
            self.x00, self.x10, self.x20 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
            self.x01, self.x11, self.x02 = nn.Conv2d(24, 8, 3, padding=1), nn.Conv2d(48, 16, 3, padding=1), nn.Conv2d(32, 1, 3, padding=1)
            self.pool, self.up = nn.MaxPool2d(2, 2), nn.Upsample(scale_factor=2, mode="nearest")

        def forward(self, x):
            a = self.x00(x)
            b = self.x10(self.pool(a))
            ab = self.x01(torch.cat([a, self.up(b)], 1))
            c = self.x20(self.pool(b))
            bc = self.x11(torch.cat([b, self.up(c)], 1))
            return self.x02(torch.cat([a, ab, self.up(bc)], 1))

    return Nested(), (torch.rand(2, 3, 96, 125),)


@report(attr("deconv", "output_padding", 1), RESIZE, FORWARD, attr("deconv", "kernel_size", 4))
def doubled_map_is_one_short():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.deconv = nn.Conv2d(8, 16, 3, 2, 1), nn.ConvTranspose2d(16, 8, 3, 2, 1)

        def forward(self, x):
            y = F.relu(self.down(x))
            return x + self.deconv(y)

    return Net(), (torch.rand(2, 8, 32, 32),)


@report(attr("fc1", "in_features", 32 * 5 * 5), FORWARD)
def second_kernel_of_digits_is_three():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.c2, self.fc1, self.out = nn.Conv2d(1, 16, 5), nn.Conv2d(16, 32, 3), nn.Linear(32 * 6 * 6, 64), nn.Linear(64, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.c1(x)), 2)
            x = F.max_pool2d(F.relu(self.c2(x)), 2)
            x = torch.flatten(x, start_dim=1)
            return F.log_softmax(self.out(F.relu(self.fc1(x))), dim=1)

    return Net(), (torch.rand(9, 1, 28, 28),)


@report(both(attr("lstm", "input_size", 16)), attr("proj", "out_features", 32))
def projection_and_lstm_disagree():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj, self.lstm, self.fc = nn.Linear(7, 16), nn.LSTM(32, 48, batch_first=True), nn.Linear(48, 2)

        def forward(self, x):
            out, _ = self.lstm(torch.tanh(self.proj(x)))
            return self.fc(out[:, -1, :])

    return Net(), (torch.rand(4, 12, 7),)


@report(attr("gru", "batch_first", True), FORWARD)
def state_of_the_decoder_for_sentences_in_front():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.gru, self.out = nn.Embedding(100, 16), nn.GRU(16, 32), nn.Linear(32, 100)

        def forward(self, words, hidden):
            x = F.relu(self.embedding(words))
            out, hidden = self.gru(x, hidden)
            return self.out(out), hidden

    return Decoder(), (torch.randint(0, 100, (6, 9)), torch.rand(1, 6, 32))


@report({"input": "unsqueeze", "dim": 1, "arg": 1}, FORWARD)
def row_of_the_decoder_meets_all_encoder_states():
    class Attn(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn, self.v = nn.Linear(96, 32), nn.Linear(32, 1)

        def forward(self, encoder, hidden):
            energy = torch.tanh(self.attn(torch.cat((encoder, hidden), dim=2)))
            return self.v(energy).squeeze(2)

    return Attn(), (torch.rand(4, 9, 64), torch.rand(4, 32))


@report({"input": "unsqueeze", "dim": 1, "arg": 1}, FORWARD)
def mask_of_the_padding_meets_scores_of_heads():
    class SelfAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads, self.qkv, self.out = 4, nn.Linear(32, 96), nn.Linear(32, 32)

        def forward(self, x, mask):
            b, n, d = x.shape
            q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
            scores = q @ k.transpose(-2, -1)
            scores = scores + mask
            return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, d))

    return SelfAttention(), (torch.rand(3, 7, 32), torch.zeros(3, 7, 7))


@report({"target": "squeeze", "dim": 1}, FORWARD)
def class_numbers_in_a_column():
    return Trained(seq(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 4)), nn.NLLLoss()), (torch.rand(9, 12), torch.randint(0, 4, (9, 1)))


@report({"target": "unsqueeze", "dim": 1}, FORWARD)
def one_price_for_each_row_in_a_list():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.criterion = seq(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid()), nn.BCELoss()

        def forward(self, rows, labels):
            pred = self.net(rows)
            return self.criterion(pred, labels)

    return Net(), (torch.rand(10, 8), torch.rand(10))


@report(FORWARD)
def features_of_two_backbones_of_two_ranks():
    class Fusion(nn.Module):
        def __init__(self):
            super().__init__()
            self.rgb, self.depth = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(1, 16, 3, 2, 1)
            self.gap, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(32, 5)

        def forward(self, rgb, depth):
            a = self.gap(F.relu(self.rgb(rgb))).flatten(1)
            b = self.gap(F.relu(self.depth(depth)))
            joined = torch.cat((a, b), dim=1)
            return self.fc(joined)

    return Fusion(), (torch.rand(4, 3, 32, 32), torch.rand(4, 1, 32, 32))


@report(RESIZE, {"input": "resize", "arg": 1})
def second_camera_of_another_size():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(16, 4, 1)

        def forward(self, left, right):
            return self.head(torch.cat([self.left(left), self.right(right)], dim=1))

    return Two(), (torch.rand(2, 3, 96, 128), torch.rand(2, 3, 72, 128))


@report(attr("classifier.0", "in_features", 960))
def mobilenet_large_with_the_head_of_small():
    from torchvision.models import mobilenet_v3_large

    net = mobilenet_v3_large(weights=None)
    net.classifier = seq(nn.Linear(576, 128), nn.Hardswish(), nn.Linear(128, 3))
    return net.eval(), (torch.rand(1, 3, 64, 64),)


@report(attr("fc.0", "in_features", 512), FORWARD)
def squeezed_features_after_global_pool():
    run = lambda m, x: m.fc(F.adaptive_avg_pool2d(m.body(x), (2, 2)).flatten(1))
    return Calls(run, body=nn.Conv2d(3, 128, 5, 4), fc=seq(nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 2))), (torch.rand(3, 3, 64, 64),)


@report({"input": "permute", "dims": (0, 2, 1)}, FORWARD)
def ecg_leads_last():
    net = seq(
        nn.Conv1d(12, 32, 7, padding=3),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(32, 5),
    )
    return net.eval(), (torch.rand(4, 500, 12),)


@report(attr("res.3", "out_channels", 32), FORWARD, attr("res.0", "in_channels", 32))
def bottleneck_does_not_come_back_to_its_width():
    run = lambda m, x: F.relu(m.stem(x) + m.res(m.stem(x)))
    res = seq(nn.Conv2d(32, 16, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 64, 1))
    return Calls(run, stem=nn.Conv2d(3, 32, 3), res=res), (torch.rand(2, 3, 32, 32),)


@report(RESIZE, FORWARD, both(FORWARD, attr("fc", "in_features", 32 * 16 * 16)))
def typed_sides_of_the_map_give_other_rows():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.fc = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1), nn.Linear(32 * 8 * 8, 7)
            self.loss = nn.CrossEntropyLoss()

        def forward(self, x, y):
            x = F.max_pool2d(F.relu(self.a(x)), 2)
            x = F.max_pool2d(F.relu(self.b(x)), 2)
            x = x.reshape(-1, 32 * 8 * 8)
            return self.loss(self.fc(x), y)

    return Net(), (torch.rand(8, 3, 64, 64), torch.randint(0, 7, (8,)))


@report(
    RESIZE, attr("pos", "num_embeddings", 100), {"input": "truncate", "dim": 1, "to": 64}, {"param": "pos", "shape": (1, 100, 32)}, FORWARD
)
def longer_texts_than_positions():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.pos, self.fc = nn.Embedding(300, 32), nn.Parameter(torch.zeros(1, 64, 32)), nn.Linear(32, 2)

        def forward(self, ids):
            x = self.emb(ids) + self.pos
            return self.fc(x.mean(1))

    return Net(), (torch.randint(0, 300, (4, 100)),)
