// File: peers/torch_nn_models.h
// The models of the rows, of torch::nn's modules.

#pragma once

#include <torch/torch.h>

#include <cmath>
#include <tuple>
#include <vector>

#include "benchmarks/sizes.h"

namespace benchmarks {

namespace nn = torch::nn;
using torch::Tensor;

inline void channels_last(nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (Tensor& p : module.parameters()) {
    if (p.dim() == 4) p.set_data(p.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

inline nn::Sequential mlp(const std::vector<int64_t>& sizes) {
  nn::Sequential layers;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    if (i > 0) layers->push_back(nn::ReLU());
    layers->push_back(nn::Linear(sizes[i], sizes[i + 1]));
  }
  return layers;
}

inline nn::Conv2d conv(int64_t input, int64_t output, int64_t kernel,
                       int64_t stride = 1, bool bias = false,
                       int64_t groups = 1) {
  return nn::Conv2d(nn::Conv2dOptions(input, output, kernel)
                        .stride(stride)
                        .padding(kernel / 2)
                        .bias(bias)
                        .groups(groups));
}

struct BlockImpl : nn::Module {
  nn::Conv2d c1{nullptr}, c2{nullptr}, c3{nullptr}, cs{nullptr};
  nn::BatchNorm2d b1{nullptr}, b2{nullptr}, b3{nullptr}, bs{nullptr};

  BlockImpl(int64_t input, int64_t width, int64_t stride, bool project) {
    c1 = register_module("c1", conv(input, width, 1));
    b1 = register_module("b1", nn::BatchNorm2d(width));
    c2 = register_module("c2", conv(width, width, 3, stride));
    b2 = register_module("b2", nn::BatchNorm2d(width));
    c3 = register_module("c3", conv(width, 4 * width, 1));
    b3 = register_module("b3", nn::BatchNorm2d(4 * width));
    if (project) {
      cs = register_module("cs", conv(input, 4 * width, 1, stride));
      bs = register_module("bs", nn::BatchNorm2d(4 * width));
    }
  }
  Tensor forward(const Tensor& x) {
    Tensor y = torch::relu(b1(c1(x)));
    y = torch::relu(b2(c2(y)));
    return torch::relu(b3(c3(y)) + (cs.is_empty() ? x : bs(cs(x))));
  }
};
TORCH_MODULE(Block);

inline void push_head(nn::Sequential& layers, int64_t channels,
                      int64_t classes) {
  layers->push_back(nn::AdaptiveAvgPool2d(1));
  layers->push_back(nn::Flatten());
  layers->push_back(nn::Linear(channels, classes));
  channels_last(*layers);
}

inline nn::Sequential resnet50() {
  nn::Sequential layers(
      conv(3, 64, 7, 2), nn::BatchNorm2d(64), nn::ReLU(),
      nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).padding(1)));
  int64_t input = 64;
  for (const auto& [blocks, width] : sizes::kResnet50) {
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t stride = width > 64 && b == 0 ? 2 : 1;
      layers->push_back(Block(input, width, stride, b == 0));
      input = 4 * width;
    }
  }
  push_head(layers, 2048, 1000);
  return layers;
}

inline nn::Sequential cifar() {
  nn::Sequential layers;
  int64_t input = 3;
  for (const auto& [output, stride] : sizes::kCifar) {
    layers->push_back(conv(input, output, 3, stride, true));
    layers->push_back(nn::BatchNorm2d(output));
    layers->push_back(nn::ReLU());
    input = output;
  }
  push_head(layers, input, 10);
  return layers;
}

struct ConvLstmImpl : nn::Module {
  nn::Conv2d x2h{nullptr}, h2h{nullptr};

  ConvLstmImpl() {
    const auto& s = sizes::kConvLstm;
    x2h = register_module(
        "x2h", conv(s.input, 4 * s.channels, s.kernel, 1, /*bias=*/true));
    h2h = register_module("h2h", conv(s.channels, 4 * s.channels, s.kernel));
    channels_last(*this);
  }
  Tensor forward(const Tensor& xs) {  // [T, B, C, H, W]
    const auto& s = sizes::kConvLstm;
    Tensor h = torch::zeros({s.batch, s.height, s.width, s.channels})
                   .permute({0, 3, 1, 2});
    Tensor c = h;
    std::vector<Tensor> ys;
    for (const Tensor& x : xs.unbind(0)) {
      const std::vector<Tensor> gates = (x2h(x) + h2h(h)).chunk(4, 1);
      c = torch::sigmoid(gates[2] + 1) * c +
          torch::sigmoid(gates[0]) * torch::tanh(gates[1]);
      h = torch::sigmoid(gates[3]) * torch::tanh(c);
      ys.push_back(h);
    }
    return torch::stack(ys);
  }
};
TORCH_MODULE(ConvLstm);

struct CharLmImpl : nn::Module {
  nn::Embedding embed{nullptr};
  nn::LSTM lower{nullptr}, upper{nullptr};
  nn::Linear head{nullptr};

  CharLmImpl() {
    const auto& s = sizes::kCharLm;
    embed = register_module("embed", nn::Embedding(s.vocab, s.embed));
    lower = register_module("lower", nn::LSTM(s.embed, s.hidden));
    upper = register_module("upper", nn::LSTM(s.embed + s.hidden, s.hidden));
    head = register_module("head", nn::Linear(2 * s.hidden, s.vocab));
  }
  Tensor forward(const Tensor& characters) {
    const Tensor x = embed(characters);
    const Tensor h = std::get<0>(lower(x));
    const Tensor g = std::get<0>(upper(torch::cat({x, h}, -1)));
    return head(torch::cat({h, g}, -1)).flatten(0, 1);
  }
};
TORCH_MODULE(CharLm);

// Codes that follow moving averages of the rows that are nearest to them.
struct VectorQuantizerEma {
  Tensor codes, counts, sums;
  int64_t step = 0;

  VectorQuantizerEma() {
    const auto& s = sizes::kVq;
    codes = torch::randn({s.dim, s.embeddings});
    counts = torch::zeros({s.embeddings});
    sums = torch::zeros({s.dim, s.embeddings});
  }
  void operator()(const Tensor& x) {
    const int64_t number = sizes::kVq.embeddings;
    const Tensor distances = x.square().sum(1, /*keepdim=*/true) -
                             2 * x.matmul(codes) +
                             codes.square().sum(0, /*keepdim=*/true);
    const Tensor nearest = distances.argmin(1);
    const Tensor one_hot = torch::one_hot(nearest, number).to(x.dtype());
    const Tensor quantized = codes.t().index_select(0, nearest);
    ++step;
    counts = counts * 0.99 + one_hot.sum(0) * 0.01;
    sums = sums * 0.99 + x.t().matmul(one_hot) * 0.01;
    const double correction = 1 - std::pow(0.99, static_cast<double>(step));
    const Tensor n = counts.sum() / correction;
    codes = sums / correction /
            ((counts / correction + 1e-5) / (n + number * 1e-5) * n);
    const Tensor p = one_hot.mean(0);
    torch::exp(-(p * torch::log(p + 1e-10)).sum());  // The perplexity.
    0.25 * (quantized - x).square().mean();          // The loss.
  }
};

}  // namespace benchmarks
