// An auto-encoder whose code is a grid of words from a vocabulary of its own:
// the example of Sonnet for VectorQuantizerEMA, made small.
//
//   vqvae --data DIR      on MNIST or alike
//   vqvae --synthetic     on digits that it draws itself
//
// Prints the error of held-out images before and after training, and writes a
// picture with some of them above what the model makes of their codes.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <sonnet/sonnet.h>

#include <iostream>

#include "examples/support/command_line.h"
#include "examples/support/images.h"
#include "examples/support/png.h"
#include "examples/support/progress.h"

namespace {

constexpr int64_t kHidden = 64;

struct Residual {
  snt::Conv2D conv3{kHidden / 2, 3};
  snt::Conv2D conv1{kHidden, 1};

  at::Tensor operator()(const at::Tensor& x) const {
    return x + conv1(at::relu(conv3(at::relu(x))));
  }
};

struct Reconstruction {
  at::Tensor images;  // [B, H, W, 1]
  at::Tensor error;   // Mean squared error, of 1 for the variance of the data.
  snt::nets::VectorQuantizerOutput code;  // A word for each 4 x 4 pixels.
};

struct VQVAE {
  double variance = 1;  // Of the data.
  snt::Sequential encoder{{
      snt::Conv2D{kHidden / 2, 4, 2},
      snt::activations::relu,
      snt::Conv2D{kHidden, 4, 2},
      snt::activations::relu,
      snt::Conv2D{kHidden, 3},
      Residual{},
      Residual{},
      snt::activations::relu,
      snt::Conv2D{32, 1},
  }};
  snt::nets::VectorQuantizerEMA quantizer{.embedding_dim = 32,
                                          .num_embeddings = 128,
                                          .commitment_cost = 0.25,
                                          .decay = 0.99};
  snt::Sequential decoder{{
      snt::Conv2D{kHidden, 3},
      Residual{},
      Residual{},
      snt::activations::relu,
      snt::Conv2DTranspose{
          .output_channels = kHidden / 2, .kernel_shape = 4, .stride = 2},
      snt::activations::relu,
      snt::Conv2DTranspose{
          .output_channels = 1, .kernel_shape = 4, .stride = 2},
  }};

  Reconstruction operator()(const at::Tensor& images, bool is_training) const {
    const auto code = quantizer(encoder(images), is_training);
    const at::Tensor made = decoder(code.quantize);
    return {made, at::mse_loss(made, images) / variance, code};
  }
};

// Prints how well the images are made again, and writes a picture of some.
void show(const char* when, const VQVAE& model, const at::Tensor& images,
          const std::string& file) {
  const at::NoGradGuard no_grad;
  const Reconstruction result = model(images, /*is_training=*/false);
  std::cout << when << " training: reconstruction error "
            << result.error.item<double>() << ", perplexity "
            << result.code.perplexity.item<double>() << "\n";
  examples::write_rows(file, images + 0.5, result.images.slice(0, 0, 16) + 0.5);
}

void run(const examples::PictureOptions& options) {
  snt::initialize();
  const examples::DataSet data = examples::get_images(options);
  std::cout << examples::summary(data) << "\n\n";
  const at::Tensor held_out =
      examples::to_floats(data.test.images.slice(0, 0, 500), -0.5, 0.5);
  snt::check(held_out.size(1) % 4 == 0 && held_out.size(2) % 4 == 0, "vqvae",
             "4 must divide the height and width of images, got ",
             held_out.sizes().slice(1, 2));

  const VQVAE model{.variance = held_out.var().item<double>()};
  show("before", model, held_out, options.output);
  const auto parameters = snt::trainable_variables(model);
  const snt::optimizers::Adam adam{.learning_rate = options.rate};
  examples::Progress progress(options.steps, "loss");
  for (int64_t step = 0; step < options.steps; ++step) {
    const Reconstruction result = model(
        examples::some_of(data.train.images, options.batch, -0.5, 0.5), true);
    const at::Tensor loss = result.error + result.code.loss;
    adam.apply(snt::gradients(loss, parameters), parameters);
    progress.step(loss);
  }
  show("after", model, held_out, options.output);
  std::cout << "images above what their codes say: " << options.output << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  examples::PictureOptions options = {
      {.batch = 32, .noise = 0}, 1000, "vqvae.png"};
  CLI::App app("Learns a vocabulary for the pieces of small images.");
  examples::add_options(app, options);
  return examples::guarded(app, argc, argv, [&] { run(options); });
}
