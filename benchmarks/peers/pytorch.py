"""PyTorch. --mode eager (default) or compile. Images are channels_last, which
is PyTorch's fast layout."""

import os
import sysconfig

# torch.compile links what it makes with -ltorch_cpu, first from the folder of
# the system's Python. Another libtorch there (Debian's) lacks symbols, and the
# compiler then goes on without vector instructions: tell it the right folder,
# and keep what it makes apart from what was made without.
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
os.environ.setdefault(
    "TORCHINDUCTOR_CACHE_DIR", os.path.join(CACHE, "sonnet-cpp", "inductor")
)
import torch

sysconfig.get_config_vars()["LIBDIR"] = os.path.join(
    os.path.dirname(torch.__file__), "lib"
)
import torch.nn as nn
import torch.nn.functional as F
import timing
import workloads as W

torch.set_num_threads(W.THREADS)
torch.manual_seed(0)


def tensor(shape, seed=0):
    return torch.from_numpy(W.array(shape, seed))


def image(shape):  # shape is NHWC, as in the other peers
    return tensor(shape).permute(0, 3, 1, 2)


def ids(shape, limit, seed=0):
    return torch.from_numpy(W.ids(shape, limit, seed))


def wrap(mode, f):
    return torch.compile(f) if mode == "compile" else f


def infer(mode, model, x):
    model.eval()
    f = wrap(mode, model)

    def step():
        with torch.inference_mode():
            f(x)

    return step


def classify_train(mode, model, x, labels, optimizer):
    model.train()
    forward = wrap(mode, lambda x, labels: F.cross_entropy(model(x), labels))
    opt = optimizer(model.parameters())

    def step():
        loss = forward(x, labels)
        opt.zero_grad()
        loss.backward()
        opt.step()

    return step


def grads(mode, call, model, *xs):
    xs = [x.detach().requires_grad_(True) for x in xs]
    forward = wrap(mode, lambda *xs: call(*xs).sum())

    def step():
        for p in [*model.parameters(), *xs]:
            p.grad = None
        forward(*xs).backward()

    return step


def mlp(sizes):
    layers = []
    for i, o in zip(sizes, sizes[1:]):
        layers += [nn.Linear(i, o), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Block(nn.Module):
    def __init__(self, i, width, stride, project):
        super().__init__()
        o = 4 * width
        self.c1, self.b1 = nn.Conv2d(i, width, 1, bias=False), nn.BatchNorm2d(
            width
        )
        self.c2, self.b2 = nn.Conv2d(
            width, width, 3, stride, 1, bias=False
        ), nn.BatchNorm2d(width)
        self.c3, self.b3 = nn.Conv2d(width, o, 1, bias=False), nn.BatchNorm2d(o)
        self.short = (
            nn.Sequential(
                nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)
            )
            if project
            else nn.Identity()
        )

    def forward(self, x):
        y = F.relu(self.b1(self.c1(x)))
        y = F.relu(self.b2(self.c2(y)))
        return F.relu(self.b3(self.c3(y)) + self.short(x))


def resnet50():
    layers = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    i = 64
    for group, (blocks, width) in enumerate(
        [(3, 64), (4, 128), (6, 256), (3, 512)]
    ):
        for block in range(blocks):
            layers.append(
                Block(i, width, 2 if group and block == 0 else 1, block == 0)
            )
            i = 4 * width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def cifar():
    layers, i = [], 3
    for o, s in [
        (64, 1),
        (64, 1),
        (128, 2),
        (128, 1),
        (128, 1),
        (256, 2),
        (256, 1),
        (256, 1),
        (512, 2),
        (512, 1),
        (512, 1),
    ]:
        layers += [nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU()]
        i = o
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def rnn(mode, kind, train=True):
    w = W.LSTM
    net = kind(w.input, w.hidden)
    x = tensor([w.time, w.batch, w.input])
    if train:
        return grads(mode, lambda x: net(x)[0], net, x)
    return infer(mode, net, x)


class LSTMCell(nn.Module):
    """A core that is unrolled in a loop."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(W.LSTM.input, W.LSTM.hidden)

    def forward(self, x):
        h = c = torch.zeros(W.LSTM.batch, W.LSTM.hidden)
        ys = []
        for step in x.unbind(0):
            h, c = self.cell(step, (h, c))
            ys.append(h)
        return torch.stack(ys)


class Conv2DLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        w = W.CONV_LSTM
        self.x2h = nn.Conv2d(
            w.image[-1], 4 * w.channels, w.kernel, padding="same"
        )
        self.h2h = nn.Conv2d(
            w.channels, 4 * w.channels, w.kernel, padding="same", bias=False
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, xs):  # [T, B, C, H, W]
        w = W.CONV_LSTM
        h = c = torch.zeros(w.batch, w.channels, *w.image[:2]).to(
            memory_format=torch.channels_last
        )
        ys = []
        for x in xs.unbind(0):
            i, g, f, o = (self.x2h(x) + self.h2h(h)).chunk(4, 1)
            c = torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            ys.append(h)
        return torch.stack(ys)


def conv_lstm(mode):
    w = W.CONV_LSTM
    net = Conv2DLSTM()
    return grads(
        mode,
        net,
        net,
        tensor([w.time, w.batch, *w.image]).permute(0, 1, 4, 2, 3),
    )


class CharLM(nn.Module):
    def __init__(self):
        super().__init__()
        w = W.CHAR_LM
        self.embed = nn.Embedding(w.vocab, w.embed)
        self.l1, self.l2 = nn.LSTM(w.embed, w.hidden), nn.LSTM(
            w.embed + w.hidden, w.hidden
        )
        self.head = nn.Linear(2 * w.hidden, w.vocab)

    def forward(self, ids):
        e = self.embed(ids)
        y1, _ = self.l1(e)
        y2, _ = self.l2(torch.cat([e, y1], -1))
        return self.head(torch.cat([y1, y2], -1)).transpose(1, 2)


class VectorQuantizerEMA(nn.Module):
    def __init__(self):
        super().__init__()
        w = W.VQ
        self.codes = torch.randn(w.dim, w.embeddings)
        self.counts, self.sums = torch.zeros(w.embeddings), torch.zeros(
            w.dim, w.embeddings
        )
        self.step = torch.zeros(())  # A number would be compiled in, each anew.

    def forward(self, x):
        distances = (
            (x**2).sum(1, keepdim=True)
            - 2 * x @ self.codes
            + (self.codes**2).sum(0, keepdim=True)
        )
        nearest = distances.argmin(1)
        one_hot = F.one_hot(nearest, W.VQ.embeddings).to(x.dtype)
        quantized = self.codes.t()[nearest]
        self.step = self.step + 1
        self.counts = self.counts * 0.99 + one_hot.sum(0) * 0.01
        self.sums = self.sums * 0.99 + x.t() @ one_hot * 0.01
        correction = 1 - 0.99**self.step
        counts, sums = self.counts / correction, self.sums / correction
        n = counts.sum()
        self.codes = sums / ((counts + 1e-5) / (n + W.VQ.embeddings * 1e-5) * n)
        probabilities = one_hot.mean(0)
        perplexity = torch.exp(
            -(probabilities * torch.log(probabilities + 1e-10)).sum()
        )
        return 0.25 * ((quantized - x) ** 2).mean(), perplexity


def vq_ema(mode):
    vq = VectorQuantizerEMA()
    return infer(mode, vq, tensor([W.VQ.rows, W.VQ.dim]))


def embed_train(mode):
    w = W.EMBED
    embed = nn.Embedding(w.vocab, w.dim, sparse=True)
    opt = torch.optim.SGD(embed.parameters(), 1e-2)
    index, target = ids([w.rows], w.vocab), tensor([w.rows, w.dim])

    def step():
        loss = ((embed(index) - target) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()

    return step


def apply(mode, optimizer, shapes):
    parameters = [nn.Parameter(tensor(s, i)) for i, s in enumerate(shapes)]
    for i, p in enumerate(parameters):
        p.grad = tensor(list(p.shape), i + 1)
    return wrap(mode, optimizer(parameters).step)


class LayerNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(W.NORM[-1])

    def forward(self, x):  # NCHW view of NHWC
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def norm(mode, module):
    module.train()
    return grads(mode, lambda x: module(x) ** 2, module, image(W.NORM))


def conv(mode, module, shape):
    module.to(memory_format=torch.channels_last)
    return grads(mode, module, module, image(shape))


sgd = lambda p: torch.optim.SGD(p, 1e-2)
momentum = lambda p: torch.optim.SGD(p, 1e-2, momentum=0.9)
adam = lambda p: torch.optim.Adam(p, 1e-3, fused=True)

ROWS = {
    "mlp_small_infer": lambda m: infer(
        m, mlp([16, 64, 64, 10]), tensor([32, 16])
    ),
    "mlp_small_train": lambda m: classify_train(
        m, mlp([16, 64, 64, 10]), tensor([32, 16]), ids([32], 10), sgd
    ),
    "mlp_infer": lambda m: infer(
        m, mlp([784, 1024, 1024, 10]), tensor([128, 784])
    ),
    "mlp_train": lambda m: classify_train(
        m, mlp([784, 1024, 1024, 10]), tensor([128, 784]), ids([128], 10), adam
    ),
    "cifar_train": lambda m: classify_train(
        m, cifar(), image([64, 32, 32, 3]), ids([64], 10), momentum
    ),
    "resnet50_infer": lambda m: infer(m, resnet50(), image([8, 224, 224, 3])),
    "resnet50_train": lambda m: classify_train(
        m, resnet50(), image([8, 224, 224, 3]), ids([8], 1000), momentum
    ),
    "lstm_infer": lambda m: rnn(m, nn.LSTM, False),
    "lstm_grad": lambda m: rnn(m, nn.LSTM),
    "lstm_core_grad": lambda m: (
        lambda n: grads(
            m, n, n, tensor([W.LSTM.time, W.LSTM.batch, W.LSTM.input])
        )
    )(LSTMCell()),
    "gru_grad": lambda m: rnn(m, nn.GRU),
    "vanilla_rnn_grad": lambda m: rnn(m, nn.RNN),
    "conv2d_lstm_grad": conv_lstm,
    "char_lm_train": lambda m: classify_train(
        m,
        CharLM(),
        ids([W.CHAR_LM.time, W.CHAR_LM.batch], W.CHAR_LM.vocab),
        ids([W.CHAR_LM.time, W.CHAR_LM.batch], W.CHAR_LM.vocab, 1),
        adam,
    ),
    "vq_ema_train": vq_ema,
    "embed_train": embed_train,
    "adam_apply": lambda m: apply(m, adam, W.resnet50_shapes()),
    "sgd_apply": lambda m: apply(
        m, lambda p: torch.optim.SGD(p, 1e-2, fused=True), W.resnet50_shapes()
    ),
    "momentum_apply": lambda m: apply(
        m,
        lambda p: torch.optim.SGD(p, 1e-2, momentum=0.9, fused=True),
        W.resnet50_shapes(),
    ),
    "rmsprop_apply": lambda m: apply(
        m, lambda p: torch.optim.RMSprop(p, 1e-2), W.resnet50_shapes()
    ),
    **{
        f"adam_1e{e}": (lambda m, e=e: apply(m, adam, W.ten_shapes(10**e)))
        for e in range(3, 9)
    },
    "layer_norm_grad": lambda m: norm(m, LayerNorm()),
    "batch_norm_grad": lambda m: norm(m, nn.BatchNorm2d(W.NORM[-1])),
    "group_norm_grad": lambda m: norm(m, nn.GroupNorm(8, W.NORM[-1])),
    "instance_norm_grad": lambda m: norm(
        m, nn.InstanceNorm2d(W.NORM[-1], affine=True)
    ),
    "conv2d_grad": lambda m: conv(m, nn.Conv2d(64, 64, 3, padding=1), W.NORM),
    "conv2d_transpose_grad": lambda m: conv(
        m, nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), [16, 28, 28, 64]
    ),
    "depthwise_conv2d_grad": lambda m: conv(
        m, nn.Conv2d(64, 64, 3, padding=1, groups=64), W.NORM
    ),
}

if __name__ == "__main__":
    timing.main(
        lambda mode: f"pytorch {torch.__version__} {mode or 'eager'}", ROWS
    )
