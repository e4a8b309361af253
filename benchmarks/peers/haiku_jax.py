"""Haiku on JAX, everything under jax.jit."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import haiku as hk
import jax
import jax.numpy as jnp
import optax
import timing
import workloads as W

KEY = jax.random.PRNGKey(0)


def tensor(shape, seed=0):
    return jnp.asarray(W.array(shape, seed))


def ids(shape, limit, seed=0):
    return jnp.asarray(W.ids(shape, limit, seed), jnp.int32)


def done(f):
    return lambda: jax.block_until_ready(f())


def infer(build, x, **kwargs):
    net = hk.transform_with_state(lambda x, **kwargs: build()(x, **kwargs))
    params, state = net.init(
        KEY, x, **{k: True for k in kwargs}
    )  # Haiku's statistics exist only after training
    f = jax.jit(lambda p, s, x: net.apply(p, s, None, x, **kwargs)[0])
    return done(lambda: f(params, state, x))


def classify_train(build, x, labels, optimizer, **kwargs):
    net = hk.transform_with_state(lambda x: build()(x, **kwargs))
    params, state = net.init(KEY, x)
    opt_state = optimizer.init(params)

    def loss(p, s, x, labels):
        logits, s = net.apply(p, s, None, x)
        return (
            optax.softmax_cross_entropy_with_integer_labels(
                logits, labels
            ).mean(),
            s,
        )

    @jax.jit
    def train(p, s, o, x, labels):
        (value, s), g = jax.value_and_grad(loss, has_aux=True)(p, s, x, labels)
        updates, o = optimizer.update(g, o, p)
        return optax.apply_updates(p, updates), s, o, value

    box = [params, state, opt_state]

    def step():
        *box[:], value = train(*box, x, labels)
        jax.block_until_ready(value)
        jax.block_until_ready(box[0])

    return step


def grads(call, *xs):
    """Gradients of sum(call(*xs)) for its parameters and xs."""
    net = hk.transform_with_state(call)
    params, state = net.init(KEY, *xs)
    f = jax.jit(
        jax.grad(
            lambda p, xs: net.apply(p, state, None, *xs)[0].sum(),
            argnums=(0, 1),
        )
    )
    return done(lambda: f(params, xs))


def rnn(core, train=True):
    w = W.LSTM
    x = tensor([w.time, w.batch, w.input])

    def call(x):
        c = core(w.hidden)
        return hk.dynamic_unroll(c, x, c.initial_state(w.batch))[0]

    return grads(call, x) if train else infer(lambda: call, x)


def conv_lstm():
    w = W.CONV_LSTM

    def call(x):
        core = hk.Conv2DLSTM(w.image[:2], w.channels, w.kernel)
        return hk.dynamic_unroll(core, x, core.initial_state(w.batch))[0]

    return grads(call, tensor([w.time, w.batch, *w.image]))


def char_lm():
    w = W.CHAR_LM

    def build():
        def call(x):
            core = hk.deep_rnn_with_skip_connections(
                [hk.LSTM(w.hidden), hk.LSTM(w.hidden)]
            )
            y, _ = hk.dynamic_unroll(
                core, hk.Embed(w.vocab, w.embed)(x), core.initial_state(w.batch)
            )
            return hk.BatchApply(hk.Linear(w.vocab))(y)

        return call

    return classify_train(
        build,
        ids([w.time, w.batch], w.vocab),
        ids([w.time, w.batch], w.vocab, 1),
        optax.adam(1e-3),
    )


def vq_ema():
    w = W.VQ
    net = hk.transform_with_state(
        lambda x: hk.nets.VectorQuantizerEMA(w.dim, w.embeddings, 0.25, 0.99)(
            x, is_training=True
        )["loss"]
    )
    x = tensor([w.rows, w.dim])
    params, state = net.init(KEY, x)
    f = jax.jit(lambda p, s, x: net.apply(p, s, None, x))
    return done(lambda: f(params, state, x))


def embed_train():
    w = W.EMBED
    target = tensor([w.rows, w.dim])
    net = hk.transform(
        lambda i: ((hk.Embed(w.vocab, w.dim)(i) - target) ** 2).mean()
    )
    index = ids([w.rows], w.vocab)
    box = [net.init(KEY, index)]
    train = jax.jit(
        lambda p: jax.tree.map(
            lambda a, g: a - 1e-2 * g,
            p,
            jax.grad(lambda p: net.apply(p, None, index))(p),
        ),
        donate_argnums=0,
    )

    def step():
        box[0] = jax.block_until_ready(train(box[0]))

    return step


def apply(opt, shapes):
    params = [tensor(s, i) for i, s in enumerate(shapes)]
    gradients = [tensor(s, i + 1) for i, s in enumerate(shapes)]
    box = [params, opt.init(params)]

    def update(p, o, g):
        u, o = opt.update(g, o, p)
        return optax.apply_updates(p, u), o

    update = jax.jit(update, donate_argnums=(0, 1))

    def step():
        box[:] = jax.block_until_ready(update(*box, gradients))

    return step


def cifar():
    def call(x):
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
            x = jax.nn.relu(
                hk.BatchNorm(True, True, 0.9)(hk.Conv2D(o, 3, s)(x), True)
            )
        return hk.Linear(10)(x.mean((1, 2)))

    return call


adam, sgd, momentum = (
    optax.adam(1e-3),
    optax.sgd(1e-2),
    optax.sgd(1e-2, momentum=0.9),
)
ROWS = {
    "mlp_small_infer": lambda m: infer(
        lambda: hk.nets.MLP([64, 64, 10]), tensor([32, 16])
    ),
    "mlp_small_train": lambda m: classify_train(
        lambda: hk.nets.MLP([64, 64, 10]), tensor([32, 16]), ids([32], 10), sgd
    ),
    "mlp_infer": lambda m: infer(
        lambda: hk.nets.MLP([1024, 1024, 10]), tensor([128, 784])
    ),
    "mlp_train": lambda m: classify_train(
        lambda: hk.nets.MLP([1024, 1024, 10]),
        tensor([128, 784]),
        ids([128], 10),
        adam,
    ),
    "cifar_train": lambda m: classify_train(
        cifar, tensor([64, 32, 32, 3]), ids([64], 10), momentum
    ),
    "resnet50_infer": lambda m: infer(
        lambda: hk.nets.ResNet50(1000),
        tensor([8, 224, 224, 3]),
        is_training=False,
    ),
    "resnet50_train": lambda m: classify_train(
        lambda: hk.nets.ResNet50(1000),
        tensor([8, 224, 224, 3]),
        ids([8], 1000),
        momentum,
        is_training=True,
    ),
    "lstm_infer": lambda m: rnn(hk.LSTM, False),
    "lstm_grad": lambda m: rnn(hk.LSTM),
    "lstm_core_grad": lambda m: rnn(hk.LSTM),
    "gru_grad": lambda m: rnn(hk.GRU),
    "vanilla_rnn_grad": lambda m: rnn(hk.VanillaRNN),
    "conv2d_lstm_grad": lambda m: conv_lstm(),
    "char_lm_train": lambda m: char_lm(),
    "vq_ema_train": lambda m: vq_ema(),
    "embed_train": lambda m: embed_train(),
    "adam_apply": lambda m: apply(adam, W.resnet50_shapes()),
    "sgd_apply": lambda m: apply(sgd, W.resnet50_shapes()),
    "momentum_apply": lambda m: apply(momentum, W.resnet50_shapes()),
    "rmsprop_apply": lambda m: apply(optax.rmsprop(1e-2), W.resnet50_shapes()),
    **{
        f"adam_1e{e}": (lambda m, e=e: apply(adam, W.ten_shapes(10**e)))
        for e in range(3, 9)
    },
    "layer_norm_grad": lambda m: grads(
        lambda x: hk.LayerNorm(-1, True, True)(x) ** 2, tensor(W.NORM)
    ),
    "batch_norm_grad": lambda m: grads(
        lambda x: hk.BatchNorm(True, True, 0.999)(x, True) ** 2, tensor(W.NORM)
    ),
    "group_norm_grad": lambda m: grads(
        lambda x: hk.GroupNorm(8)(x) ** 2, tensor(W.NORM)
    ),
    "instance_norm_grad": lambda m: grads(
        lambda x: hk.InstanceNorm(True, True)(x) ** 2, tensor(W.NORM)
    ),
    "conv2d_grad": lambda m: grads(
        lambda x: hk.Conv2D(64, 3)(x), tensor(W.NORM)
    ),
    "conv2d_transpose_grad": lambda m: grads(
        lambda x: hk.Conv2DTranspose(32, 4, 2)(x), tensor([16, 28, 28, 64])
    ),
    "depthwise_conv2d_grad": lambda m: grads(
        lambda x: hk.DepthwiseConv2D(1, 3)(x), tensor(W.NORM)
    ),
}

if __name__ == "__main__":
    timing.main(
        lambda mode: f"haiku {hk.__version__} jax {jax.__version__}", ROWS
    )
