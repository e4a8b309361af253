"""The sizes that all peers share; benchmarks/sizes.h has them for C++."""

import os
from types import SimpleNamespace as Sizes
import numpy as np

THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
LSTM = Sizes(time=100, batch=32, input=128, hidden=256)
CONV_LSTM = Sizes(time=10, batch=8, image=(32, 32, 16), channels=32, kernel=3)
CHAR_LM = Sizes(time=64, batch=32, vocab=96, embed=32, hidden=256)
VQ = Sizes(rows=4096, dim=64, embeddings=512)
EMBED = Sizes(vocab=100_000, dim=64, rows=4096)
NORM = [32, 56, 56, 64]  # also conv2d and depthwise_conv2d


def array(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(
        shape, dtype=np.float32
    ) * np.float32(0.1)


def ids(shape, limit, seed=0):
    return np.random.default_rng(seed).integers(0, limit, shape, dtype=np.int64)


def ten_shapes(count):
    """Ten tensors with `count` numbers in all."""
    return [[count // 10]] * 10


def resnet50_shapes():
    """Shapes of ResNet50's trainable variables: 25.5 million numbers."""
    shapes = [[7, 7, 3, 64], [64], [64]]
    channels_in = 64
    for blocks, width in [(3, 64), (4, 128), (6, 256), (3, 512)]:
        for block in range(blocks):
            if block == 0:
                shapes += [
                    [1, 1, channels_in, 4 * width],
                    [4 * width],
                    [4 * width],
                ]
            shapes += [
                [1, 1, channels_in, width],
                [width],
                [width],
                [3, 3, width, width],
                [width],
                [width],
                [1, 1, width, 4 * width],
                [4 * width],
                [4 * width],
            ]
            channels_in = 4 * width
    return shapes + [[2048, 1000], [1000]]
