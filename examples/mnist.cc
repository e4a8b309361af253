// The example of Sonnet's README: a small convolutional network that learns to
// read digits.
//
//   mnist --data DIR      on MNIST, or any ten classes in its format
//   mnist --synthetic     on digits that it draws itself
//
// Prints the loss and the accuracy on held-out images after each epoch.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <sonnet/sonnet.h>

#include <cstdio>
#include <iostream>

#include "examples/support/command_line.h"
#include "examples/support/images.h"
#include "examples/support/progress.h"

namespace {

// The images at some places as the model sees them: [B, H, W, 1] in [-1, 1].
at::Tensor inputs(const examples::LabelledImages& data,
                  const at::Tensor& places) {
  return examples::to_floats(data.images.index_select(0, places), -1, 1);
}

// How many images the model takes for another class.
int64_t count_wrong(const snt::Sequential& model,
                    const examples::LabelledImages& data) {
  const at::NoGradGuard no_grad;
  int64_t wrong = 0;
  for (const at::Tensor& places :
       at::arange(data.labels.size(0), at::kLong).split(1000)) {
    const at::Tensor predicted = model(inputs(data, places)).argmax(1);
    wrong +=
        predicted.ne(data.labels.index_select(0, places)).sum().item<int64_t>();
  }
  return wrong;
}

// One walk over the data in random order; gives the loss of the last batch.
double train_epoch(const snt::Sequential& model,
                   const snt::optimizers::SGD& sgd,
                   const examples::LabelledImages& data, int64_t batch) {
  const auto parameters = snt::trainable_variables(model);
  const std::vector<at::Tensor> batches =
      at::randperm(data.labels.size(0), at::kLong).split(batch);
  examples::Progress progress(static_cast<int64_t>(batches.size()));
  at::Tensor loss;
  for (const at::Tensor& places : batches) {
    loss = at::cross_entropy_loss(model(inputs(data, places)),
                                  data.labels.index_select(0, places));
    sgd.apply(snt::gradients(loss, parameters), parameters);
    progress.step(loss);
  }
  return loss.item<double>();
}

void run(const examples::ImageOptions& options, int64_t epochs) {
  snt::initialize();
  const examples::DataSet data = examples::get_images(options);
  std::cout << examples::summary(data) << "\n\n";

  const snt::Sequential model{{
      snt::Conv2D{32, 3, 1},
      snt::activations::relu,
      snt::Conv2D{32, 3, 1},
      snt::activations::relu,
      snt::Flatten{},
      snt::Linear{10},
  }};
  snt::build(model, snt::Shape{1, data.train.images.size(1),
                               data.train.images.size(2), 1});
  std::cout << snt::describe(model) << "\n";

  const snt::optimizers::SGD sgd{options.rate};
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    const double loss = train_epoch(model, sgd, data.train, options.batch);
    const int64_t wrong = count_wrong(model, data.test);
    const auto total = static_cast<double>(data.test.labels.size(0));
    std::printf("[Epoch %d] train loss: %.05f, test acc: %.02f%% (%d wrong)\n",
                static_cast<int>(epoch), loss,
                100 * (1 - static_cast<double>(wrong) / total),
                static_cast<int>(wrong));
  }
}

}  // namespace

int main(int argc, char** argv) {
  examples::ImageOptions options = {.batch = 128, .rate = 0.1};
  int64_t epochs = 5;
  CLI::App app("Learns to read digits.");
  examples::add_options(app, options);
  app.add_option("--epochs", epochs, "Walks over all images")
      ->check(examples::at_least(0));
  return examples::guarded(app, argc, argv, [&] { run(options, epochs); });
}
