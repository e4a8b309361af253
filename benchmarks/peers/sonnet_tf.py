"""DeepMind Sonnet 2 on TensorFlow. --mode function (default), xla, eager."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np
import sonnet as snt
import tensorflow as tf
import timing
import workloads as W


def wrap(mode, f):
    if mode == "eager":
        return f
    return tf.function(f, jit_compile=(mode == "xla"))


def done(f):
    def step():
        out = f()
        tf.nest.map_structure(
            lambda t: (
                t.numpy()
                if t is not None and t.shape.num_elements() < 4096
                else None
            ),
            out,
        )

    return step


def tensor(shape, seed=0):
    return tf.constant(W.array(shape, seed))


def classify_train(mode, model, x, labels, optimizer, **kwargs):
    x, labels = tf.constant(x), tf.constant(labels)
    model(x, **kwargs)

    def train():
        with tf.GradientTape() as tape:
            logits = model(x, **kwargs)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            )
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    train()
    return done(wrap(mode, train))


def infer(mode, model, x, **kwargs):
    x = tf.constant(x)
    model(x, **kwargs)
    return done(wrap(mode, lambda: tf.reduce_sum(model(x, **kwargs))))


def grads(mode, call, model, *xs):
    """Gradients of sum(call(*xs)) for the parameters of model and xs."""
    xs = [tf.constant(x) for x in xs]
    call(*xs)

    def f():
        with tf.GradientTape() as tape:
            for x in xs:
                tape.watch(x)
            total = tf.reduce_sum(call(*xs))
        return total, [
            tf.reduce_sum(g)
            for g in tape.gradient(total, list(model.trainable_variables) + xs)
        ]

    return done(wrap(mode, f))


def unroll(core, batch):
    return lambda x: snt.dynamic_unroll(core, x, core.initial_state(batch))[0]


def lstm(mode, train):
    w = W.LSTM
    core = snt.UnrolledLSTM(w.hidden)
    call = lambda x: core(x, core.initial_state(w.batch))[0]
    x = W.array([w.time, w.batch, w.input])
    if train:
        return grads(mode, call, core, x)
    return infer(mode, call, x)


def core_unroll(mode, core, train=True):
    w = W.LSTM
    x = W.array([w.time, w.batch, w.input])
    call = unroll(core, w.batch)
    return grads(mode, call, core, x) if train else infer(mode, call, x)


def conv_lstm(mode):
    w = W.CONV_LSTM
    core = snt.Conv2DLSTM(list(w.image), w.channels, w.kernel)
    return grads(
        mode, unroll(core, w.batch), core, W.array([w.time, w.batch, *w.image])
    )


def char_lm(mode):
    w = W.CHAR_LM
    embed = snt.Embed(w.vocab, w.embed)
    core = snt.deep_rnn_with_skip_connections(
        [snt.LSTM(w.hidden), snt.LSTM(w.hidden)]
    )
    head = snt.Linear(w.vocab)
    optimizer = snt.optimizers.Adam(1e-3)
    ids, targets = tf.constant(W.ids([w.time, w.batch], w.vocab)), tf.constant(
        W.ids([w.time, w.batch], w.vocab, 1)
    )

    def train():
        with tf.GradientTape() as tape:
            y, _ = snt.dynamic_unroll(
                core, embed(ids), core.initial_state(w.batch)
            )
            logits = snt.BatchApply(head)(y)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            )
        variables = (
            embed.trainable_variables
            + core.trainable_variables
            + head.trainable_variables
        )
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    train()
    return done(wrap(mode, train))


def vq_ema(mode):
    w = W.VQ
    vq = snt.nets.VectorQuantizerEMA(w.dim, w.embeddings, 0.25, 0.99)
    x = tensor([w.rows, w.dim])
    vq(x, is_training=True)
    return done(
        wrap(mode, lambda: tf.reduce_sum(vq(x, is_training=True)["loss"]))
    )


def embed_train(mode):
    w = W.EMBED
    embed = snt.Embed(w.vocab, w.dim, densify_gradients=False)
    optimizer = snt.optimizers.SGD(1e-2)
    ids = tf.constant(W.ids([w.rows], w.vocab))
    target = tensor([w.rows, w.dim])
    embed(ids)

    def train():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((embed(ids) - target) ** 2)
        variables = embed.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return done(wrap(mode, train))


def apply(mode, optimizer, shapes):
    variables = [tf.Variable(tensor(s, i)) for i, s in enumerate(shapes)]
    gradients = [tensor(s, i + 1) for i, s in enumerate(shapes)]
    optimizer.apply(gradients, variables)

    def update():
        optimizer.apply(gradients, variables)
        return tf.reduce_sum(variables[0])

    return done(wrap(mode, update))


def norm(mode, module, **kwargs):
    return grads(
        mode, lambda x: module(x, **kwargs) ** 2, module, W.array(W.NORM)
    )


def conv(mode, module, shape):
    return grads(mode, module, module, W.array(shape))


ROWS = {
    "mlp_small_infer": lambda m: infer(
        m, snt.nets.MLP([64, 64, 10]), W.array([32, 16])
    ),
    "mlp_small_train": lambda m: classify_train(
        m,
        snt.nets.MLP([64, 64, 10]),
        W.array([32, 16]),
        W.ids([32], 10),
        snt.optimizers.SGD(1e-2),
    ),
    "mlp_infer": lambda m: infer(
        m, snt.nets.MLP([1024, 1024, 10]), W.array([128, 784])
    ),
    "mlp_train": lambda m: classify_train(
        m,
        snt.nets.MLP([1024, 1024, 10]),
        W.array([128, 784]),
        W.ids([128], 10),
        snt.optimizers.Adam(1e-3),
    ),
    "cifar_train": lambda m: classify_train(
        m,
        lambda_cifar(),
        W.array([64, 32, 32, 3]),
        W.ids([64], 10),
        snt.optimizers.Momentum(1e-2, 0.9),
        is_training=True,
    ),
    "resnet50_infer": lambda m: infer(
        m, snt.nets.ResNet50(1000), W.array([8, 224, 224, 3]), is_training=False
    ),
    "resnet50_train": lambda m: classify_train(
        m,
        snt.nets.ResNet50(1000),
        W.array([8, 224, 224, 3]),
        W.ids([8], 1000),
        snt.optimizers.Momentum(1e-2, 0.9),
        is_training=True,
    ),
    "lstm_infer": lambda m: lstm(m, False),
    "lstm_grad": lambda m: lstm(m, True),
    "lstm_core_grad": lambda m: core_unroll(m, snt.LSTM(W.LSTM.hidden)),
    "gru_grad": lambda m: core_unroll(m, snt.GRU(W.LSTM.hidden)),
    "vanilla_rnn_grad": lambda m: core_unroll(m, snt.VanillaRNN(W.LSTM.hidden)),
    "conv2d_lstm_grad": conv_lstm,
    "char_lm_train": char_lm,
    "vq_ema_train": vq_ema,
    "embed_train": embed_train,
    "adam_apply": lambda m: apply(
        m, snt.optimizers.Adam(1e-3), W.resnet50_shapes()
    ),
    "sgd_apply": lambda m: apply(
        m, snt.optimizers.SGD(1e-2), W.resnet50_shapes()
    ),
    "momentum_apply": lambda m: apply(
        m, snt.optimizers.Momentum(1e-2, 0.9), W.resnet50_shapes()
    ),
    "rmsprop_apply": lambda m: apply(
        m, snt.optimizers.RMSProp(1e-2), W.resnet50_shapes()
    ),
    **{
        f"adam_1e{e}": (
            lambda m, e=e: apply(
                m, snt.optimizers.Adam(1e-3), W.ten_shapes(10**e)
            )
        )
        for e in range(3, 9)
    },
    "layer_norm_grad": lambda m: norm(m, snt.LayerNorm(-1, True, True)),
    "batch_norm_grad": lambda m: norm(
        m, snt.BatchNorm(True, True), is_training=True
    ),
    "group_norm_grad": lambda m: norm(m, snt.GroupNorm(8)),
    "instance_norm_grad": lambda m: norm(m, snt.InstanceNorm(True, True)),
    "conv2d_grad": lambda m: conv(m, snt.Conv2D(64, 3), W.NORM),
    "conv2d_transpose_grad": lambda m: conv(
        m, snt.Conv2DTranspose(32, 4, stride=2), [16, 28, 28, 64]
    ),
    "depthwise_conv2d_grad": lambda m: conv(m, snt.DepthwiseConv2D(3), W.NORM),
}


def lambda_cifar():
    net = snt.nets.Cifar10ConvNet()

    class Logits(snt.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def __call__(self, x, is_training):
            return self.net(x, is_training=is_training)["logits"]

    return Logits()


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(W.THREADS)
    timing.main(
        lambda mode: f"sonnet {snt.__version__} tf {tf.__version__} {mode or 'function'}",
        ROWS,
    )
