#include "examples/support/strokes.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace examples {
namespace {

struct Point {
  double x = 0;
  double y = 0;  // Downwards.
};
using Stroke = std::vector<Point>;  // A smooth curve through its points.

// The digits, in the unit square.
const std::array<std::vector<Stroke>, 10>& digits() {
  static const std::array<std::vector<Stroke>, 10> strokes = {{
      {{{.5, .05},
        {.22, .22},
        {.15, .5},
        {.22, .78},
        {.5, .95},
        {.78, .78},
        {.85, .5},
        {.78, .22},
        {.5, .05}}},
      {{{.3, .25}, {.55, .05}}, {{.55, .05}, {.55, .95}}},
      {{{.2, .3},
        {.3, .1},
        {.55, .05},
        {.8, .22},
        {.7, .5},
        {.45, .72},
        {.18, .95}},
       {{.18, .95}, {.85, .95}}},
      {{{.2, .15}, {.5, .05}, {.8, .22}, {.7, .42}, {.42, .48}},
       {{.42, .48}, {.75, .55}, {.82, .78}, {.55, .95}, {.18, .86}}},
      {{{.65, .95}, {.65, .05}},
       {{.65, .05}, {.15, .65}},
       {{.15, .65}, {.9, .65}}},
      {{{.8, .05}, {.27, .05}},
       {{.27, .05}, {.22, .45}},
       {{.22, .45}, {.5, .38}, {.8, .52}, {.8, .78}, {.55, .95}, {.2, .87}}},
      {{{.7, .05},
        {.4, .25},
        {.2, .6},
        {.3, .88},
        {.55, .95},
        {.8, .8},
        {.74, .57},
        {.5, .5},
        {.24, .65}}},
      {{{.15, .07}, {.85, .07}}, {{.85, .07}, {.6, .45}, {.42, .95}}},
      {{{.5, .47},
        {.25, .33},
        {.29, .12},
        {.5, .05},
        {.71, .12},
        {.75, .33},
        {.5, .47},
        {.21, .66},
        {.25, .88},
        {.5, .95},
        {.75, .88},
        {.79, .66},
        {.5, .47}}},
      {{{.78, .3},
        {.6, .08},
        {.32, .1},
        {.2, .3},
        {.35, .5},
        {.6, .48},
        {.78, .3}},
       {{.78, .3}, {.75, .6}, {.58, .95}}},
  }};
  return strokes;
}

// The curve of Catmull and Rom through the points, as short straight pieces.
Stroke smooth(const Stroke& points) {
  constexpr int kPieces = 6;  // Between two points.
  const auto last = static_cast<int64_t>(points.size()) - 1;
  if (last == 1) return points;
  const auto at = [&](int64_t i) -> const Point& {
    return points[static_cast<size_t>(std::clamp<int64_t>(i, 0, last))];
  };
  Stroke curve = {points.front()};
  for (int64_t i = 0; i < last; ++i) {
    const Point& p0 = at(i - 1);
    const Point& p1 = at(i);
    const Point& p2 = at(i + 1);
    const Point& p3 = at(i + 2);
    for (int piece = 1; piece <= kPieces; ++piece) {
      const double t = static_cast<double>(piece) / kPieces;
      const auto spline = [&](double a, double b, double c, double d) {
        return 0.5 *
               (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t +
                (3 * b - a - 3 * c + d) * t * t * t);
      };
      curve.push_back(
          {spline(p0.x, p1.x, p2.x, p3.x), spline(p0.y, p1.y, p2.y, p3.y)});
    }
  }
  return curve;
}

// The square of the distance of p to the line from a to b.
double squared_distance(const Point& p, const Point& a, const Point& b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double x = p.x - a.x;
  const double y = p.y - a.y;
  const double t =
      std::clamp((x * dx + y * dy) / (dx * dx + dy * dy + 1e-12), 0.0, 1.0);
  return (x - t * dx) * (x - t * dx) + (y - t * dy) * (y - t * dy);
}

// One digit, drawn into `pixels`: size x size numbers of 0 to 255.
void draw(int64_t digit, const StrokeOptions& options, std::mt19937_64& random,
          uint8_t* pixels) {
  std::normal_distribution<double> normal;
  const auto vary = [&](double deviation) {
    return options.variety * deviation * std::clamp(normal(random), -2.5, 2.5);
  };
  const double scale_x = 0.56 * std::exp(vary(0.13));
  const double scale_y = 0.68 * std::exp(vary(0.10));
  const double slant = vary(0.20);
  const double angle = vary(0.10);
  const double shift_x = 0.5 + vary(0.05);
  const double shift_y = 0.5 + vary(0.05);
  const double pen = 0.045 * std::exp(vary(0.25));  // Half its width.
  const double brightness = std::min(1.0, 0.95 + vary(0.08));

  const auto size = static_cast<double>(options.size);
  std::vector<std::pair<Point, Point>> lines;
  for (Stroke stroke : digits()[static_cast<size_t>(digit)]) {
    for (Point& point : stroke) {
      const double y = (point.y - 0.5 + vary(0.025)) * scale_y;
      const double x = (point.x - 0.5 + vary(0.03)) * scale_x - slant * y;
      point = {size * (shift_x + std::cos(angle) * x - std::sin(angle) * y),
               size * (shift_y + std::sin(angle) * x + std::cos(angle) * y)};
    }
    stroke = smooth(stroke);
    for (size_t i = 1; i < stroke.size(); ++i) {
      lines.emplace_back(stroke[i - 1], stroke[i]);
    }
  }

  for (int64_t row = 0; row < options.size; ++row) {
    for (int64_t column = 0; column < options.size; ++column) {
      const Point centre = {static_cast<double>(column) + 0.5,
                            static_cast<double>(row) + 0.5};
      double nearest = size * size;
      for (const auto& [from, to] : lines) {
        nearest = std::min(nearest, squared_distance(centre, from, to));
      }
      const double ink =
          std::clamp(size * pen - std::sqrt(nearest) + 0.5, 0.0, 1.0);
      const double value = brightness * ink + options.noise * normal(random);
      *pixels++ =
          static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
    }
  }
}

}  // namespace

LabelledImages draw_digits(int64_t count, const StrokeOptions& options) {
  const int64_t size = options.size;
  LabelledImages set = {at::empty({count, size, size}, at::kByte),
                        at::empty({count}, at::kLong)};
  auto* pixels = set.images.data_ptr<uint8_t>();
  auto* labels = set.labels.data_ptr<int64_t>();
  at::parallel_for(0, count, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::seed_seq seed = {static_cast<uint32_t>(options.seed),
                            static_cast<uint32_t>(options.seed >> 32),
                            static_cast<uint32_t>(i)};
      std::mt19937_64 random(seed);
      labels[i] = static_cast<int64_t>(random() % 10);
      draw(labels[i], options, random, pixels + i * size * size);
    }
  });
  return set;
}

}  // namespace examples
