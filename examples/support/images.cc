#include "examples/support/images.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "examples/support/command_line.h"
#include "examples/support/strokes.h"
#include "sonnet/core/random.h"

namespace examples {

void add_options(CLI::App& app, ImageOptions& options) {
  CLI::Option* data = app.add_option(
      "--data", options.folder,
      "Folder with {train,t10k}-{images-idx3,labels-idx1}-ubyte, plain or .gz");
  app.add_flag("--synthetic", options.synthetic,
               "Draws digits instead of reading them")
      ->excludes(data);
  app.add_option("--images", options.size, "Drawn images to learn from")
      ->check(at_least(1));
  app.add_option("--batch", options.batch, "Images a step")->check(at_least(1));
  app.add_option("--lr", options.rate, "Learning rate")->check(above(0));
  app.add_option("--seed", options.seed, "Seed of all random numbers");
}

void add_options(CLI::App& app, PictureOptions& options) {
  add_options(app, static_cast<ImageOptions&>(options));
  app.add_option("--steps", options.steps, "Training steps")
      ->check(at_least(0));
  app.add_option("--output", options.output, "The picture, a PNG file");
}

DataSet get_images(const ImageOptions& options) {
  snt::seed(options.seed);
  if (!options.folder.empty()) {
    return read_data_set(options.folder, /*classes=*/10);
  }
  if (!options.synthetic) {
    throw std::runtime_error(
        "--data DIR must name a folder with train-images-idx3-ubyte, "
        "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
        "t10k-labels-idx1-ubyte (MNIST or alike, plain or .gz); --synthetic "
        "draws digits instead");
  }
  const auto draw = [&](int64_t count, uint64_t part) {
    return draw_digits(
        count, {.noise = options.noise, .seed = 2 * options.seed + part});
  };
  return {draw(options.size, 0),
          draw(std::max<int64_t>(options.size / 5, 10), 1)};
}

at::Tensor to_floats(const at::Tensor& images, double low, double high) {
  return images.unsqueeze(-1).to(at::kFloat) * ((high - low) / 255) + low;
}

at::Tensor some_of(const at::Tensor& images, int64_t count, double low,
                   double high) {
  const at::Tensor chosen =
      at::randint(images.size(0), {count}, at::TensorOptions(at::kLong));
  return to_floats(images.index_select(0, chosen), low, high);
}

std::string summary(const DataSet& set) {
  std::ostringstream text;
  text << set.train.images.size(0) << " images of " << set.train.images.size(1)
       << " x " << set.train.images.size(2) << " to learn from, "
       << set.test.images.size(0) << " to test with";
  return text.str();
}

}  // namespace examples
