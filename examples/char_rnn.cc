// Learns to write this project's own sources: two LSTMs, character by
// character.
//
//   char_rnn                        on the project's sources
//   char_rnn --text book.txt ...    on any other text
//
// Prints bits per character on held-out text, and a sample of what it writes.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <sonnet/sonnet.h>

#include <iostream>

#include "examples/support/command_line.h"
#include "examples/support/corpus.h"
#include "examples/support/progress.h"
#include "examples/support/text_options.h"

namespace {

struct CharModel {
  int64_t vocabulary = 0;  // Number of different characters.
  snt::Embed embed{
      .vocab_size = vocabulary, .embed_dim = 32, .densify_gradients = true};
  snt::UnrolledLSTM lower{128}, upper{128};
  snt::Linear logits{vocabulary};

  struct State {
    snt::LSTMState lower, upper;
  };
  State initial_state(int64_t batch) const {
    return {lower.initial_state(batch), upper.initial_state(batch)};
  }

  // characters [T, B] -> logits of the next [T, B, vocabulary], next state
  std::pair<at::Tensor, State> operator()(const at::Tensor& characters,
                                          const State& state) const {
    const at::Tensor x = embed(characters);
    const auto [h, lower_state] = lower(x, state.lower);
    const auto [g, upper_state] = upper(at::cat({x, h}, -1), state.upper);
    return {logits(at::cat({h, g}, -1)), {lower_state, upper_state}};
  }
};

// Mean of -log p(next character) in text [T, B]; moves `state` on.
at::Tensor loss_of(const CharModel& model, const at::Tensor& text,
                   CharModel::State& state) {
  const auto [logits, next] = model(text.slice(0, 0, -1), state);
  state = snt::tree::detach(next);  // Gradients stop here.
  return at::cross_entropy_loss(logits.flatten(0, 1),
                                text.slice(0, 1).flatten());
}

// Mean of -log2 p(next character) over `text`, in parts of 1000 characters.
double bits_per_char(const CharModel& model, const at::Tensor& text) {
  const at::NoGradGuard no_grad;
  const int64_t parts = std::max<int64_t>(text.size(0) / 1000, 1);
  CharModel::State state = model.initial_state(parts);
  double nats = 0, count = 0;
  for (const at::Tensor& chunk : examples::chunks(text, parts, 50)) {
    nats += loss_of(model, chunk, state).item<double>() * (chunk.size(0) - 1);
    count += chunk.size(0) - 1;
  }
  return nats / count / std::log(2.0);
}

// Continues the held-out text character by character.
std::string write(const CharModel& model, const examples::Corpus& corpus,
                  double temperature) {
  const at::NoGradGuard no_grad;
  std::string text;
  auto [logits, state] = model(corpus.held_out.slice(0, 0, 100).view({-1, 1}),
                               model.initial_state(1));
  for (int i = 0; i < 400; ++i) {
    const at::Tensor p = at::softmax(logits[-1][0] / temperature, 0);
    const at::Tensor next = at::multinomial(p, 1);
    text += corpus.alphabet[next.item<int64_t>()];
    std::tie(logits, state) = model(next.view({1, 1}), state);
  }
  return text;
}

void run(const examples::TextOptions& options) {
  const auto& [files, steps, batch, length, rate, temperature, seed, output] =
      options;
  snt::initialize();
  snt::seed(seed);
  const examples::Corpus corpus = examples::read_corpus(files, 100);
  std::cout << corpus.summary() << "\n\n";
  const auto chunks = examples::chunks(corpus.train, batch, length);

  CharModel model{.vocabulary = corpus.size()};
  CharModel::State state = model.initial_state(batch);
  snt::build(model, chunks[0], state);
  std::cout << snt::describe(model) << "\n";

  const auto parameters = snt::trainable_variables(model);
  const snt::optimizers::Adam adam{snt::schedules::Cosine{rate, steps}};
  examples::Progress progress(steps);
  for (int64_t step = 0; step < steps; ++step) {
    const auto loss = loss_of(model, chunks[step % chunks.size()], state);
    const auto gradients = snt::gradients(loss, parameters);
    adam.apply(snt::clip_by_global_norm(gradients, 1.0).gradients, parameters);
    progress.step(loss);
  }

  snt::save(output, model);
  CharModel loaded{.vocabulary = corpus.size()};
  snt::load(output, loaded);
  std::cout << "\nheld-out bits per character: "
            << corpus.compare(bits_per_char(model, corpus.held_out))
            << "\nthe same after loading " << output << ": "
            << bits_per_char(loaded, corpus.held_out) << "\n\nA sample:\n"
            << write(model, corpus, temperature) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  examples::TextOptions options = {.output = "char_rnn.safetensors"};
  CLI::App app("Learns to write text, character by character.");
  examples::add_text_options(app, options);
  return examples::guarded(app, argc, argv, [&] { run(options); });
}
