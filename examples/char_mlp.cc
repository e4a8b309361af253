// Learns to write this project's own sources: a model of the next character
// from the 24 before it, trained with Adam.
//
//   char_mlp                        on the project's sources
//   char_mlp --text book.txt ...    on any other text
//
// Prints bits per character on held-out text against the entropy of single
// characters and of pairs, and a sample of what the model writes.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <sonnet/sonnet.h>

#include <iostream>

#include "examples/support/command_line.h"
#include "examples/support/corpus.h"
#include "examples/support/progress.h"

namespace {

constexpr int64_t kContext = 24;  // Characters that the model sees.

struct CharModel {
  int64_t vocabulary = 0;  // Number of different characters.
  snt::Embed embed{
      .vocab_size = vocabulary, .embed_dim = 24, .densify_gradients = true};
  snt::nets::MLP body{.output_sizes = {512, 256}, .activate_final = true};
  snt::Linear logits{vocabulary};

  // contexts [B, 24] -> logits of the next character [B, vocabulary]
  at::Tensor operator()(const at::Tensor& contexts) const {
    return logits(body(snt::flatten(embed(contexts))));
  }
};

// Mean of -log2 p(next character) over all positions of `text`.
double bits_per_char(const CharModel& model, const at::Tensor& text) {
  const at::NoGradGuard no_grad;
  double bits = 0;
  const int64_t positions = text.size(0) - kContext;
  for (int64_t i = 0; i < positions; i += 4096) {
    const auto [x, y] = examples::windows(
        text, at::arange(i, std::min(i + 4096, positions)), kContext);
    bits += at::cross_entropy_loss(model(x), y, {}, at::Reduction::Sum)
                .item<double>();
  }
  return bits / std::log(2.0) / static_cast<double>(positions);
}

// Continues `context` character by character.
std::string write(const CharModel& model, at::Tensor context, int length,
                  const examples::Corpus& corpus) {
  const at::NoGradGuard no_grad;
  std::string text;
  for (int i = 0; i < length; ++i) {
    const at::Tensor p = at::softmax(model(context.unsqueeze(0))[0] / 0.7, 0);
    const at::Tensor next = at::multinomial(p, 1);
    text += corpus.alphabet[next.item<int64_t>()];
    context = at::cat({context.slice(0, 1), next});
  }
  return text;
}

void run(const std::vector<std::string>& files, int64_t steps, int64_t batch,
         double rate, uint64_t seed, const std::string& output) {
  snt::initialize();
  snt::seed(seed);
  const examples::Corpus corpus = examples::read_corpus(files, kContext);
  std::cout << corpus.summary() << "\n\n";

  CharModel model{.vocabulary = corpus.size()};
  snt::build(model, snt::Shape({1, kContext}, at::kLong));
  std::cout << snt::describe(model) << "\n";

  const auto parameters = snt::trainable_variables(model);
  const snt::optimizers::Adam adam{
      .learning_rate = snt::schedules::Cosine{.start = rate, .steps = steps}};
  examples::Progress progress(steps);
  for (int64_t step = 0; step < steps; ++step) {
    const auto [x, y] = examples::windows(
        corpus.train,
        at::randint(corpus.train.size(0) - kContext, {batch}, at::kLong),
        kContext);
    const at::Tensor loss = at::cross_entropy_loss(model(x), y);
    adam.apply(snt::gradients(loss, parameters), parameters);
    progress.step(loss);
  }

  std::cout << "\nheld-out bits per character: "
            << corpus.compare(bits_per_char(model, corpus.held_out)) << "\n";
  snt::save(output, model);
  CharModel loaded{.vocabulary = corpus.size()};
  snt::load(output, loaded);
  std::cout << "the same after loading " << output << ": "
            << bits_per_char(loaded, corpus.held_out) << "\n\nA sample:\n"
            << write(model, corpus.held_out.slice(0, 0, kContext), 400, corpus)
            << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files;
  int64_t steps = 1000, batch = 256;
  double rate = 2e-3;
  uint64_t seed = 1;
  std::string output = "char_mlp.safetensors";
  CLI::App app("Learns to write text, character by character.");
  app.add_option("--text", files, "Text files (the project's own sources)");
  app.add_option("--steps", steps, "Training steps")
      ->check(examples::at_least(0));
  app.add_option("--batch", batch, "Positions a step")
      ->check(examples::at_least(1));
  app.add_option("--lr", rate, "Learning rate")->check(examples::above(0));
  app.add_option("--seed", seed, "Seed of all random numbers");
  app.add_option("--output", output, "Where the model is saved");
  return examples::guarded(
      app, argc, argv, [&] { run(files, steps, batch, rate, seed, output); });
}
