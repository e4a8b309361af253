#include "examples/support/corpus.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace examples {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBlock = 2000;  // Characters; one block in ten is held out.

std::vector<std::string> own_sources() {
  std::vector<std::string> files;
  for (const char* folder : {"sonnet", "examples", "tests"}) {
    const fs::path root = fs::path(SONNET_SOURCE_DIR) / folder;
    if (!fs::is_directory(root)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const fs::path extension = entry.path().extension();
      if (extension == ".h" || extension == ".cc") {
        files.push_back(entry.path().string());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string read(const std::string& file) {
  if (fs::is_directory(file)) {
    throw std::runtime_error("--text: " + file + " is a directory");
  }
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf() || in.peek() == EOF)) {
    throw std::runtime_error("--text: cannot read " + file);
  }
  return text.str();
}

// Counts of pairs, [alphabet, alphabet], in double.
at::Tensor pair_counts(const at::Tensor& text, int64_t n) {
  const at::Tensor pairs = text.slice(0, 0, -1) * n + text.slice(0, 1);
  return at::bincount(pairs, {}, n * n).reshape({n, n}).to(at::kDouble);
}

}  // namespace

std::string Corpus::summary() const {
  std::ostringstream text;
  text << train.size(0) + held_out.size(0) << " characters of " << num_files
       << " files, " << alphabet.size() << " different ones, "
       << held_out.size(0) << " held out";
  return text.str();
}

std::string Corpus::compare(double bits) const {
  std::ostringstream text;
  text << bits << "  (single characters " << single_entropy << ", pairs "
       << pair_entropy << ")";
  return text.str();
}

Corpus read_corpus(const std::vector<std::string>& given, int64_t context) {
  const std::vector<std::string> files = given.empty() ? own_sources() : given;
  std::string text;
  for (const std::string& file : files) text += read(file);
  for (char& c : text) {
    if (c != '\n' && (c < ' ' || c > '~')) c = c == '\t' ? ' ' : '?';
  }
  if (static_cast<int64_t>(text.size()) < 2 * kBlock) {
    throw std::runtime_error("--text: at least " + std::to_string(2 * kBlock) +
                             " characters are needed, got " +
                             std::to_string(text.size()));
  }

  Corpus corpus;
  corpus.num_files = files.size();
  std::array<int64_t, 128> number;
  number.fill(-1);
  std::vector<int64_t> train;
  std::vector<int64_t> held_out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<size_t>(text[i]);
    if (number[c] == -1) {
      number[c] = corpus.size();
      corpus.alphabet += text[i];
    }
    (static_cast<int64_t>(i) / kBlock % 10 == 1 ? held_out : train)
        .push_back(number[c]);
  }
  if (static_cast<int64_t>(held_out.size()) <= context) {
    throw std::runtime_error("--text: the text is too short");
  }
  corpus.train = at::tensor(train, at::kLong);
  corpus.held_out = at::tensor(held_out, at::kLong);

  // What counting alone achieves on the held-out text (add-one smoothing).
  const int64_t n = corpus.size();
  const at::Tensor pairs = pair_counts(corpus.train, n) + 1;
  const at::Tensor singles = pairs.sum(0);
  const at::Tensor seen = pair_counts(corpus.held_out, n);
  const at::Tensor total = seen.sum();
  corpus.single_entropy =
      -(seen.sum(0) * (singles / singles.sum()).log2()).sum().item<double>() /
      total.item<double>();
  corpus.pair_entropy =
      -(seen * (pairs / pairs.sum(1, true)).log2()).sum().item<double>() /
      total.item<double>();
  return corpus;
}

std::pair<at::Tensor, at::Tensor> windows(const at::Tensor& text,
                                          const at::Tensor& starts,
                                          int64_t context) {
  const at::Tensor all = text.unfold(0, context + 1, 1).index_select(0, starts);
  return {all.slice(1, 0, context), all.select(1, context)};
}

std::vector<at::Tensor> chunks(const at::Tensor& text, int64_t count,
                               int64_t length) {
  const int64_t time = text.size(0) / count;
  if (time <= length) {
    throw std::runtime_error("--batch, --length: " + std::to_string(count) +
                             " places of " + std::to_string(length + 1) +
                             " characters are needed, got " +
                             std::to_string(text.size(0)) + " characters");
  }
  const at::Tensor places =
      text.slice(0, 0, count * time).view({count, time}).t();
  std::vector<at::Tensor> result;
  for (int64_t from = 0; from < time - 1; from += length) {
    result.push_back(places.slice(0, from, std::min(from + length + 1, time)));
  }
  return result;
}

}  // namespace examples
