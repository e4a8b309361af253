// The little GAN of Sonnet's examples: one network draws digits from noise, the
// other tells drawn from real, and each learns from the other.
//
//   gan --data DIR      on MNIST or alike
//   gan --synthetic     on digits that are drawn by strokes
//
// Writes a picture with real images above generated ones, now and then while it
// trains.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <sonnet/sonnet.h>

#include <iostream>

#include "examples/support/command_line.h"
#include "examples/support/images.h"
#include "examples/support/png.h"
#include "examples/support/progress.h"
#include "examples/support/spectral_norm.h"

namespace {

using examples::SpectrallyNormedLinear;

constexpr int64_t kNoise = 128;   // Numbers that an image is drawn from.
constexpr int64_t kHidden = 512;  // Units of a layer.

struct Generator {
  int64_t height = 28, width = 28;
  std::vector<SpectrallyNormedLinear> layers = {{{kHidden}}, {{kHidden}}};
  std::vector<snt::BatchNorm> norms = {{true, true}, {true, true}};
  snt::Linear outputs{height * width};

  // noise [B, 128] -> images [B, H, W, 1] in [0, 1]
  at::Tensor operator()(at::Tensor x, bool is_training) const {
    for (size_t i = 0; i < layers.size(); ++i) {
      x = layers[i](x, is_training);
      x = at::relu(norms[i](x, is_training, /*test_local_stats=*/true));
    }
    return at::sigmoid(outputs(x)).view({-1, height, width, 1});
  }
};

struct Discriminator {
  std::vector<SpectrallyNormedLinear> layers = {
      {{kHidden}}, {{kHidden}}, {{1}}};

  // images -> scores [B], above 0 for what looks real
  at::Tensor operator()(const at::Tensor& images) const {
    at::Tensor x = images.flatten(1);  // relu changes nothing here yet.
    for (const auto& layer : layers) x = layer(at::relu(x), true);
    return x.flatten();
  }
};

void run(const examples::PictureOptions& options) {
  snt::initialize();
  // Pixels come so near to 0 that their gradients are denormal: slow numbers.
  at::globalContext().setFlushDenormal(true);
  const examples::DataSet data = examples::get_images(options);
  const at::Tensor& real = data.train.images;
  std::cout << examples::summary(data) << "\n\n";

  const Generator generator{.height = real.size(1), .width = real.size(2)};
  const Discriminator discriminator;
  const auto draw = [&] {
    return generator(at::randn({options.batch, kNoise}), /*is_training=*/true);
  };
  const auto show = [&, some = at::randn({64, kNoise})] {
    const at::NoGradGuard no_grad;
    examples::write_rows(options.output,
                         examples::to_floats(data.test.images, 0, 1),
                         generator(some, /*is_training=*/false));
  };
  discriminator(draw());
  show();
  const auto drawing = snt::trainable_variables(generator);
  const auto judging = snt::trainable_variables(discriminator);
  std::cout << snt::format_variables(drawing) << "\n\n"
            << snt::format_variables(judging) << "\n\n";

  const snt::Variable rate(at::scalar_tensor(0.0), /*trainable=*/false);
  const snt::Variable draw_rate = rate.clone();
  const snt::optimizers::Adam judge_adam{.learning_rate = rate, .beta1 = 0.0};
  const snt::optimizers::Adam draw_adam{draw_rate, /*beta1=*/0.0};
  examples::Progress progress(options.steps, "loss of the discriminator");
  for (int64_t step = 0; step < options.steps; ++step) {
    // From the middle on, the rates go down to 0 in a straight line.
    rate.assign(options.rate * std::min(1.0, 2.0 - 2.0 * step / options.steps));
    draw_rate.assign(rate.value() / 2);

    const at::Tensor both = at::cat(
        {examples::some_of(real, options.batch, 0, 1), draw().detach()});
    const auto scores = discriminator(both).split(options.batch);
    const at::Tensor judge_loss =
        at::relu(1 - scores[0]).mean() + at::relu(1 + scores[1]).mean();
    judge_adam.apply(snt::gradients(judge_loss, judging), judging);

    const at::Tensor draw_loss = -discriminator(draw()).mean();
    draw_adam.apply(snt::gradients(draw_loss, drawing), drawing);
    progress.step(judge_loss);
    if (step % 100 == 99 || step + 1 == options.steps) show();
  }
  std::cout << "real images above drawn ones: " << options.output << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  examples::PictureOptions options = {
      {.rate = 2e-3, .noise = 0}, 1500, "gan.png"};
  CLI::App app("Learns to draw, against one who learns to tell.");
  examples::add_options(app, options);
  return examples::guarded(app, argc, argv, [&] { run(options); });
}
