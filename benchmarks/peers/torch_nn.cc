// libtorch's own torch::nn and torch::optim: what a C++ user has without this
// library. The same rows and sizes as the other peers; images are channels
// last.

#include <ATen/Parallel.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/peers/torch_nn_models.h"
#include "benchmarks/sizes.h"
#include "benchmarks/support/program.h"

namespace benchmarks {
namespace {

using Step = std::function<void()>;

Tensor array(at::IntArrayRef shape) { return torch::randn(shape) * 0.1; }
Tensor image(at::IntArrayRef nhwc) { return array(nhwc).permute({0, 3, 1, 2}); }
Tensor ids(at::IntArrayRef shape, int64_t limit) {
  return torch::randint(limit, shape, torch::kLong);
}
Tensor sequence() {
  return array({sizes::kLstm.time, sizes::kLstm.batch, sizes::kLstm.input});
}
template <class Call>
Step infer(Call call, Tensor x) {
  return [=]() mutable {
    const c10::InferenceMode guard;
    call(x);
  };
}
template <class M>
Step infer_module(M model, Tensor x) {
  model->eval();
  return infer([=](const Tensor& x) mutable { return model->forward(x); }, x);
}

template <class M, class O>
Step train(M model, Tensor x, Tensor labels, std::shared_ptr<O> optimizer) {
  return [=]() mutable {
    const Tensor loss = torch::cross_entropy_loss(model->forward(x), labels);
    optimizer->zero_grad();
    loss.backward();
    optimizer->step();
  };
}

// Gradients of the sum of call(x) for the parameters and x.
template <class M, class Call>
Step gradients(M model, Call call, Tensor example) {
  const Tensor x = example.detach().requires_grad_(true);
  std::vector<Tensor> inputs = model->parameters();
  inputs.push_back(x);
  return
      [=]() mutable { torch::autograd::grad({call(model, x).sum()}, inputs); };
}
template <class M>
Step norm_grad(M norm, Tensor x) {
  return gradients(
      norm, [](M& m, const Tensor& x) { return m->forward(x).square(); }, x);
}
template <class M>
Step conv_grad(M conv, Tensor x) {
  channels_last(*conv);
  return gradients(
      conv, [](M& m, const Tensor& x) { return m->forward(x); }, x);
}
template <class M>
Step rnn_grad(M rnn) {
  return gradients(
      rnn, [](M& m, const Tensor& x) { return std::get<0>(m->forward(x)); },
      sequence());
}

auto sgd(const std::vector<Tensor>& parameters, double momentum = 0) {
  return std::make_shared<torch::optim::SGD>(
      parameters, torch::optim::SGDOptions(1e-2).momentum(momentum));
}
auto adam(const std::vector<Tensor>& parameters) {
  return std::make_shared<torch::optim::Adam>(parameters,
                                              torch::optim::AdamOptions(1e-3));
}

Step lstm_core_grad() {
  return gradients(
      nn::LSTMCell(sizes::kLstm.input, sizes::kLstm.hidden),
      [](nn::LSTMCell& cell, const Tensor& x) {
        Tensor h = torch::zeros({sizes::kLstm.batch, sizes::kLstm.hidden});
        Tensor c = h;
        std::vector<Tensor> ys;
        for (const Tensor& step : x.unbind(0)) {
          std::tie(h, c) = cell->forward(step, std::make_tuple(h, c));
          ys.push_back(h);
        }
        return torch::stack(ys);
      },
      sequence());
}

Step conv_lstm_grad() {
  const auto& s = sizes::kConvLstm;
  return gradients(
      ConvLstm(),
      [](ConvLstm& net, const Tensor& x) { return net->forward(x); },
      array({s.time, s.batch, s.height, s.width, s.input})
          .permute({0, 1, 4, 2, 3}));
}

Step vq_ema_train() {
  VectorQuantizerEma vq;
  return infer([=](const Tensor& x) mutable { vq(x); },
               array({sizes::kVq.rows, sizes::kVq.dim}));
}

Step embed_train() {
  const auto& s = sizes::kEmbed;
  nn::Embedding embed(nn::EmbeddingOptions(s.vocab, s.dim).sparse(true));
  const auto optimizer = sgd(embed->parameters());
  const Tensor places = ids({s.rows}, s.vocab), target = array({s.rows, s.dim});
  return [=]() mutable {
    const Tensor loss = (embed->forward(places) - target).square().mean();
    optimizer->zero_grad();
    loss.backward();
    optimizer->step();
  };
}

template <class M>
Step train_mlp(M model, const sizes::MlpSizes& size, bool with_adam) {
  const Tensor x = array({size.batch, size.sizes[0]});
  const Tensor labels = ids({size.batch}, size.sizes.back());
  return with_adam ? train(model, x, labels, adam(model->parameters()))
                   : train(model, x, labels, sgd(model->parameters()));
}

template <class Make>
Step apply(const Make& make, const std::vector<std::vector<int64_t>>& shapes) {
  std::vector<Tensor> parameters;
  for (const std::vector<int64_t>& shape : shapes) {
    parameters.push_back(array(shape).requires_grad_(true));
    parameters.back().mutable_grad() = array(shape);
  }
  const auto optimizer = make(parameters);
  return [=] { optimizer->step(); };
}

std::vector<Row> optimizer_rows() {
  const auto row = [](const std::string& name, const auto& make,
                      const std::vector<std::vector<int64_t>>& shapes) {
    return Row{name, [=] { return Work{apply(make, shapes)}; }};
  };
  const auto make_sgd = [](const auto& p) { return sgd(p); };
  const auto make_momentum = [](const auto& p) { return sgd(p, 0.9); };
  const auto make_rmsprop = [](const auto& p) {
    return std::make_shared<torch::optim::RMSprop>(
        p, torch::optim::RMSpropOptions(1e-2));
  };
  const auto make_adam = [](const auto& p) { return adam(p); };
  std::vector<Row> rows = {
      row("adam_apply", make_adam, sizes::resnet50_shapes()),
      row("sgd_apply", make_sgd, sizes::resnet50_shapes()),
      row("momentum_apply", make_momentum, sizes::resnet50_shapes()),
      row("rmsprop_apply", make_rmsprop, sizes::resnet50_shapes()),
  };
  int64_t count = 1000;
  for (int exponent = 3; exponent <= 8; ++exponent, count *= 10) {
    rows.push_back(row("adam_1e" + std::to_string(exponent), make_adam,
                       std::vector<std::vector<int64_t>>(10, {count / 10})));
  }
  return rows;
}

std::vector<Row> all_rows() {
  using sizes::kImage;
  using sizes::kLstm;
  using sizes::kMlp;
  using sizes::kSmallMlp;
  const auto infer_mlp = [](const sizes::MlpSizes& size) {
    return infer_module(mlp(size.sizes), array({size.batch, size.sizes[0]}));
  };
  const auto train_net = [](nn::Sequential net, int64_t batch, int64_t side,
                            int64_t classes) {
    return train(net, image({batch, side, side, 3}), ids({batch}, classes),
                 sgd(net->parameters(), 0.9));
  };
  const std::vector<std::pair<std::string, std::function<Step()>>> steps = {
      {"mlp_small_infer", [=] { return infer_mlp(kSmallMlp); }},
      {"mlp_small_train",
       [] { return train_mlp(mlp(kSmallMlp.sizes), kSmallMlp, false); }},
      {"mlp_infer", [=] { return infer_mlp(kMlp); }},
      {"mlp_train", [] { return train_mlp(mlp(kMlp.sizes), kMlp, true); }},
      {"cifar_train", [=] { return train_net(cifar(), 64, 32, 10); }},
      {"resnet50_infer",
       [] {
         return infer_module(resnet50(), image({8, 224, 224, 3}));
       }},
      {"resnet50_train", [=] { return train_net(resnet50(), 8, 224, 1000); }},
      {"lstm_infer",
       []() -> Step {
         nn::LSTM lstm(kLstm.input, kLstm.hidden);
         return infer([=](const Tensor& x) mutable { return lstm->forward(x); },
                      sequence());
       }},
      {"lstm_grad",
       [] { return rnn_grad(nn::LSTM(kLstm.input, kLstm.hidden)); }},
      {"lstm_core_grad", lstm_core_grad},
      {"gru_grad", [] { return rnn_grad(nn::GRU(kLstm.input, kLstm.hidden)); }},
      {"vanilla_rnn_grad",
       [] { return rnn_grad(nn::RNN(kLstm.input, kLstm.hidden)); }},
      {"conv2d_lstm_grad", conv_lstm_grad},
      {"char_lm_train",
       [] {
         const auto& s = sizes::kCharLm;
         CharLm model;
         return train(model, ids({s.time, s.batch}, s.vocab),
                      ids({s.time * s.batch}, s.vocab),
                      adam(model->parameters()));
       }},
      {"vq_ema_train", vq_ema_train},
      {"embed_train", embed_train},
      {"layer_norm_grad",
       [] {
         return norm_grad(nn::LayerNorm(nn::LayerNormOptions({kImage[3]})),
                          array(kImage));
       }},
      {"batch_norm_grad",
       [] { return norm_grad(nn::BatchNorm2d(kImage[3]), image(kImage)); }},
      {"group_norm_grad",
       [] { return norm_grad(nn::GroupNorm(8, kImage[3]), image(kImage)); }},
      {"instance_norm_grad",
       [] {
         return norm_grad(nn::InstanceNorm2d(
                              nn::InstanceNormOptions(kImage[3]).affine(true)),
                          image(kImage));
       }},
      {"conv2d_grad",
       [] { return conv_grad(conv(64, 64, 3, 1, true), image(kImage)); }},
      {"conv2d_transpose_grad",
       [] {
         return conv_grad(
             nn::ConvTranspose2d(
                 nn::ConvTranspose2dOptions(64, 32, 4).stride(2).padding(1)),
             image({16, 28, 28, 64}));
       }},
      {"depthwise_conv2d_grad",
       [] { return conv_grad(conv(64, 64, 3, 1, true, 64), image(kImage)); }},
  };
  std::vector<Row> rows = optimizer_rows();
  for (const auto& [name, make] : steps) {
    rows.push_back({name, [make = make] { return Work{make()}; }});
  }
  const auto small = [=] { return Work{infer_mlp(kSmallMlp)}; };
  rows.push_back({"mlp_small_one_thread", small, one_thread});
  rows.push_back({"mlp_small_two_threads", small, two_threads});
  rows.push_back(startup_row());
  return rows;
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  const auto set_threads = [] {
    const char* threads = std::getenv("OMP_NUM_THREADS");
    if (threads != nullptr) at::set_num_threads(std::atoi(threads));
  };
  return benchmarks::run_program(argc, argv,
                                 "torch::nn " + std::string(TORCH_VERSION),
                                 set_threads, benchmarks::all_rows());
}
