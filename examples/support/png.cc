#include "examples/support/png.h"

#include <ATen/ATen.h>
#include <png.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace examples {
namespace {

[[noreturn]] void cannot_write(const std::string& file,
                               const std::string& reason) {
  throw std::runtime_error("cannot write " + file + ": " + reason);
}

// The bytes of the PNG file.
std::vector<char> encode(const std::string& file, const at::Tensor& picture) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(picture.size(0));
  image.width = static_cast<png_uint_32>(picture.size(1));
  image.format = PNG_FORMAT_GRAY;
  const auto stride = static_cast<png_int_32>(picture.size(1));
  std::vector<char> bytes(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0,
                                picture.data_ptr<uint8_t>(), stride,
                                nullptr) == 0) {
    cannot_write(file, image.message);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

at::Tensor tile(const at::Tensor& images, int64_t columns) {
  constexpr int64_t kLine = 2;
  at::Tensor grey = images.dim() == 4 ? images.squeeze(3) : images;
  if (grey.is_floating_point()) {
    grey = (255 * grey.to(at::kFloat)).round().clamp(0, 255).to(at::kByte);
  }
  grey = grey.cpu();
  const int64_t count = grey.size(0);
  const int64_t rows = (count + columns - 1) / columns;
  const int64_t height = grey.size(1) + kLine;
  const int64_t width = grey.size(2) + kLine;
  const at::Tensor picture =
      at::zeros({kLine + rows * height, kLine + columns * width}, at::kByte);
  picture.fill_(64);
  for (int64_t i = 0; i < rows * columns; ++i) {
    const at::Tensor place =
        picture.narrow(0, kLine + i / columns * height, height - kLine)
            .narrow(1, kLine + i % columns * width, width - kLine);
    if (i < count) {
      place.copy_(grey[i]);
    } else {
      place.zero_();
    }
  }
  return picture;
}

void write_png(const std::string& file, const at::Tensor& picture) {
  const std::vector<char> bytes = encode(file, picture.contiguous());
  const std::string temporary = file + ".tmp-" + std::to_string(::getpid());
  std::ofstream out(temporary, std::ios::binary);
  if (!out) cannot_write(file, std::strerror(errno));
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  std::error_code error;
  if (out) {
    std::filesystem::rename(temporary, file, error);
    if (!error) return;
  }
  const std::string reason = error ? error.message() : std::strerror(errno);
  std::filesystem::remove(temporary, error);
  cannot_write(file, reason);
}

void write_rows(const std::string& file, const at::Tensor& images,
                const at::Tensor& others) {
  const at::Tensor first = images.slice(0, 0, 16);
  write_png(file, tile(at::cat({first, others}), first.size(0)));
}

}  // namespace examples
