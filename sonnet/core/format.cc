#include "sonnet/core/format.h"

#include <array>
#include <charconv>
#include <cmath>

#include "sonnet/core/errors.h"

namespace snt {
namespace {

struct DtypeRow {
  at::ScalarType dtype;
  const char* name;
};
constexpr std::array<DtypeRow, 12> kDtypes = {
    {{at::kFloat, "float32"},
     {at::kDouble, "float64"},
     {at::kHalf, "float16"},
     {at::kBFloat16, "bfloat16"},
     {at::kLong, "int64"},
     {at::kInt, "int32"},
     {at::kShort, "int16"},
     {at::kChar, "int8"},
     {at::kByte, "uint8"},
     {at::kBool, "bool"},
     {at::kComplexFloat, "complex64"},
     {at::kComplexDouble, "complex128"}}};

}  // namespace

std::string dtype_name(at::ScalarType dtype) {
  for (const DtypeRow& row : kDtypes) {
    if (row.dtype == dtype) return row.name;
  }
  return c10::toString(dtype);
}

at::ScalarType dtype_from_name(std::string_view name) {
  for (const DtypeRow& row : kDtypes) {
    if (row.name == name) return row.dtype;
  }
  throw ValueError("[dtype_from_name] unknown dtype '" + std::string(name) +
                   "'");
}

std::string format_double(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 32> buffer;
  // Python writes 16 digits in full and large or small numbers as 1e+16, 1e-05.
  const double size = std::abs(value);
  const bool scientific = size != 0 && (size < 1e-4 || size >= 1e16);
  const auto end = std::to_chars(
      buffer.data(), buffer.data() + buffer.size(), value,
      scientific ? std::chars_format::scientific : std::chars_format::fixed);
  std::string text(buffer.data(), end.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string format_list(at::IntArrayRef values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(values[i]);
  }
  return text + "]";
}

}  // namespace snt
