// Convolutional networks: Cifar10ConvNet and ResNet50.

#include "benchmarks/sizes.h"
#include "benchmarks/workloads.h"

namespace benchmarks {
namespace {

// Operations of the layers of a network so far, and the image they have come
// to.
struct Layers {
  int64_t batch, side, channels;
  double flop = 0;
  double first = 0;  // Those of the first layer: its input needs no gradient.

  // A convolution to `output` channels; `side` is divided by the stride.
  void conv(int64_t output, int64_t kernel, int64_t stride) {
    side /= stride;
    const double one =
        product(batch * side * side, kernel * kernel * channels, output);
    if (flop == 0) first = one;
    flop += one;
    channels = output;
  }
  double training() const { return 3 * flop - first; }
};

Layers cifar_layers() {
  Layers layers{64, 32, 3};
  for (const auto& [channels, stride] : sizes::kCifar) {
    layers.conv(channels, 3, stride);
  }
  layers.flop += product(layers.batch, layers.channels, 10);
  return layers;
}

Layers resnet50_layers() {
  Layers layers{8, 224, 3};
  layers.conv(64, 7, 2);
  layers.side /= 2;  // Pooling.
  bool first_group = true;
  for (const auto& [blocks, width] : sizes::kResnet50) {
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t stride = block == 0 && !first_group ? 2 : 1;
      if (block == 0) {
        Layers shortcut = layers;
        shortcut.conv(4 * width, 1, stride);
        layers.flop = shortcut.flop;
      }
      layers.conv(width, 1, 1);
      layers.conv(width, 3, stride);
      layers.conv(4 * width, 1, 1);
    }
    first_group = false;
  }
  layers.flop += product(layers.batch, layers.channels, 1000);
  return layers;
}

constexpr double kMomentumNumbers = 4;  // Parameter and momentum, in and out.

Work cifar_train() {
  const snt::nets::Cifar10ConvNet net;
  const auto call = [net](const at::Tensor& x) {
    return net(x, /*is_training=*/true).logits;
  };
  const auto step = train(net, call, numbers({64, 32, 32, 3}), ids({64}, 10),
                          snt::optimizers::Momentum{1e-2, 0.9});
  return {step,
          {cifar_layers().training(),
           bytes(kMomentumNumbers * count_parameters(net))}};
}

Work resnet50_infer() {
  const snt::nets::ResNet50 net{1000};
  const auto call = [net](const at::Tensor& x) {
    return net(x, /*is_training=*/false);
  };
  const at::Tensor x = numbers({8, 224, 224, 3});
  const auto step = infer(call, x);
  snt::build(net, x, false);
  return {step, {resnet50_layers().flop, bytes(count_parameters(net))}};
}

Work resnet50_train() {
  const snt::nets::ResNet50 net{1000};
  const auto call = [net](const at::Tensor& x) {
    return net(x, /*is_training=*/true);
  };
  const auto step = train(net, call, numbers({8, 224, 224, 3}), ids({8}, 1000),
                          snt::optimizers::Momentum{1e-2, 0.9});
  return {step,
          {resnet50_layers().training(),
           bytes(kMomentumNumbers * count_parameters(net))}};
}

}  // namespace

std::vector<Row> net_rows() {
  return {
      {"cifar_train", cifar_train},
      {"resnet50_infer", resnet50_infer},
      {"resnet50_train", resnet50_train},
  };
}

}  // namespace benchmarks
