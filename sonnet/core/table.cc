#include "sonnet/core/table.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <iostream>
#include <tuple>

#include "sonnet/core/errors.h"
#include "sonnet/core/format.h"

namespace snt {
namespace {

using Row = std::vector<std::string>;

// "f32[3,4]", in TensorFlow's abbreviations.
std::string spec(const at::Tensor& value) {
  static const std::vector<std::pair<at::ScalarType, const char*>> names = {
      {at::kHalf, "f16"},         {at::kFloat, "f32"},
      {at::kDouble, "f64"},       {at::kBFloat16, "bf16"},
      {at::kComplexFloat, "c64"}, {at::kComplexDouble, "c128"},
      {at::kByte, "u8"},          {at::kChar, "i8"},
      {at::kShort, "i16"},        {at::kInt, "i32"},
      {at::kLong, "i64"}};
  std::string text = dtype_name(value.scalar_type());
  for (const auto& [dtype, name] : names) {
    if (dtype == value.scalar_type()) text = name;
  }
  text += '[';
  for (int64_t i = 0; i < value.dim(); ++i) {
    text += (i > 0 ? "," : "") + std::to_string(value.size(i));
  }
  return text + "]";
}

std::string device_name(const at::Device& device) {
  std::string text = device.is_cuda() ? "GPU" : device.str();
  if (device.is_cpu()) text = "CPU";
  if (device.is_cuda() && device.index() > 0) {
    text += " " + std::to_string(device.index());
  }
  return text;
}

std::string padded(const std::string& text, size_t width) {
  return text + std::string(width - std::min(width, text.size()), ' ');
}

std::string right_aligned(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::vector<size_t> widths(const std::vector<Row>& rows) {
  std::vector<size_t> result(rows[0].size(), 0);
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      result[i] = std::max(result[i], row[i].size());
    }
  }
  return result;
}

// A line across a table.
struct Rule {
  std::string left, fill, joint, right;
};

// What stands around the cells: the formats of the Python package `tabulate`
// that only draw lines.
struct Frame {
  std::string edge, separator, margin;
  Rule top, below_header, between, bottom;

  std::string line(const Row& row, const std::vector<size_t>& width) const {
    std::string text = edge;
    for (size_t i = 0; i < row.size(); ++i) {
      text += (i > 0 ? separator : "") + margin + padded(row[i], width[i]);
      text += margin;
    }
    text += edge;
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  }

  std::string line(const Rule& rule, const std::vector<size_t>& width) const {
    if (rule.fill.empty()) return "";
    const size_t more =
        2 * margin.size() + separator.size() - rule.joint.size();
    std::string text = rule.left;
    for (size_t i = 0; i < width.size(); ++i) {
      if (i > 0) text += rule.joint;
      for (size_t k = 0; k < width[i] + more; ++k) text += rule.fill;
    }
    return text + rule.right + "\n";
  }
};

const Frame& frame_of(std::string_view format) {
  const Rule none;
  const Rule plus = {"+", "-", "+", "+"};
  const Rule dashes = {"", "-", "  ", ""};
  const Rule equals = {"", "=", "  ", ""};
  static const std::vector<std::pair<std::string_view, Frame>> frames = {
      {"orgtbl", {"|", "|", " ", none, {"|", "-", "+", "|"}, none, none}},
      {"github", {"|", "|", " ", none, {"|", "-", "|", "|"}, none, none}},
      {"pipe", {"|", "|", " ", none, {"|:", "-", "|:", "|"}, none, none}},
      {"psql", {"|", "|", " ", plus, {"|", "-", "+", "|"}, none, plus}},
      {"grid", {"|", "|", " ", plus, {"+", "=", "+", "+"}, plus, plus}},
      {"presto", {"", "|", " ", none, {"", "-", "+", ""}, none, none}},
      {"rst", {"", "  ", "", equals, equals, none, equals}},
      {"simple", {"", "  ", "", none, dashes, none, none}},
      {"plain", {"", "  ", "", none, none, none, none}}};
  std::string names;
  for (const auto& [name, frame] : frames) {
    if (name == format) return frame;
    if (!names.empty()) names += ", ";
    names += name;
  }
  throw ValueError(
      snt::format("[format_variables] table_format must be one of ", names,
                  ", got ", format));
}

// 1234567 as "1,234,567".
std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(text.size()) - 3; i > 0; i -= 3) {
    text.insert(static_cast<size_t>(i), ",");
  }
  return text;
}

std::string bytes_text(int64_t bytes) {
  const std::vector<const char*> units = {"bytes", "kB", "MB", "GB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  std::string text = std::to_string(value);
  text.resize(text.find('.') + (unit > 0 ? 2 : 0));
  return text + " " + units[unit];
}

}  // namespace

std::string format_variables(const std::vector<Variable>& variables,
                             std::string_view table_format) {
  const Frame& frame = frame_of(table_format);
  std::vector<std::tuple<std::string, int64_t, std::string, Row>> sorted;
  for (const Variable& variable : variables) {
    const at::Tensor& value = detail::source(variable);
    std::string name = variable.name();
    if (name.empty()) name = "Variable";
    const size_t slash = name.rfind('/');
    const std::string scope =
        slash == std::string::npos ? "" : name.substr(0, slash);
    sorted.emplace_back(
        scope, -value.dim(), name,
        Row{name, spec(value), format(variable.declared_trainable()),
            device_name(value.device())});
  }
  std::stable_sort(
      sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return std::tie(std::get<0>(a), std::get<1>(a), std::get<2>(a)) <
               std::tie(std::get<0>(b), std::get<1>(b), std::get<2>(b));
      });
  // Two more columns for headers, as the Python package `tabulate` does.
  std::vector<Row> rows = {{"Variable  ", "Spec  ", "Trainable  ", "Device  "}};
  for (const auto& entry : sorted) rows.push_back(std::get<3>(entry));
  const std::vector<size_t> width = widths(rows);
  std::string text = frame.line(frame.top, width);
  for (size_t r = 0; r < rows.size(); ++r) {
    if (r > 1) text += frame.line(frame.between, width);
    text += frame.line(rows[r], width);
    if (r == 0) text += frame.line(frame.below_header, width);
  }
  text += frame.line(frame.bottom, width);
  text.pop_back();
  return text;
}

void log_variables(const std::vector<Variable>& variables) {
  log_variables(variables, std::clog);
}

void log_variables(const std::vector<Variable>& variables, std::ostream& out) {
  out << format_variables(variables) << "\n";
}

namespace detail {

std::string describe_all(const std::vector<Found>& found) {
  std::vector<Row> rows = {
      {"Path", "Shape", "Dtype", "Trainable", "Device", "Size", ""}};
  int64_t total = 0;
  int64_t trainable = 0;
  int64_t bytes = 0;
  for (const Found& entry : found) {
    const Variable& variable = entry.variable;
    if (variable.is_omitted()) continue;
    Row row = {entry.path, "", "", format(variable.trainable()), "", "", ""};
    if (variable.is_built()) {
      const at::Tensor& value = detail::source(variable);
      row[1] = format(value.sizes());
      row[2] = format(value.scalar_type());
      row[4] = device_name(value.device());
      row[5] = with_commas(value.numel());
      if (entry.first_path.empty()) {
        total += value.numel();
        trainable += variable.trainable() ? value.numel() : 0;
        bytes += value.numel() * static_cast<int64_t>(value.element_size());
      }
    } else {
      row[6] = "not built";
    }
    if (!entry.first_path.empty()) row[6] = "shared with " + entry.first_path;
    rows.push_back(row);
  }
  const std::vector<size_t> width = widths(rows);
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      line +=
          i == 5 ? right_aligned(row[i], width[i]) : padded(row[i], width[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text + "Total: " + with_commas(total) + " values, " +
         with_commas(trainable) + " of them trainable, " + bytes_text(bytes) +
         "\n";
}

}  // namespace detail
}  // namespace snt
