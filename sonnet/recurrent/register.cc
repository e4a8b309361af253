#include "sonnet/recurrent/register.h"

#include <string>
#include <type_traits>
#include <utility>

#include "sonnet/core/layer.h"
#include "sonnet/core/registry.h"
#include "sonnet/nets/dnc/control.h"
#include "sonnet/recurrent/conv_lstm.h"
#include "sonnet/recurrent/core.h"
#include "sonnet/recurrent/cudnn_gru.h"
#include "sonnet/recurrent/deep_rnn.h"
#include "sonnet/recurrent/dropout.h"
#include "sonnet/recurrent/gru.h"
#include "sonnet/recurrent/lstm.h"
#include "sonnet/recurrent/trainable_state.h"
#include "sonnet/recurrent/unrolled_lstm.h"
#include "sonnet/recurrent/vanilla_rnn.h"

namespace snt {
namespace {

// Adds a class to the cores or the whole-sequence modules, and to the modules.
template <class C>
void add_core() {
  using Erased = std::conditional_t<UnrolledCore<C>, UnrolledRNN, Core>;
  detail::the_registry<Erased>().template add<C>();
  detail::the_registry<Layer>().add<C>();
}

// The same for a function that makes a LegacyDeepRNN.
void add_function(const std::string& name, Registry<Core>::Make make) {
  detail::the_registry<Layer>().add(
      name, [make](const Config& config, const std::string& where) {
        return Layer(*make(config, where).get_if<LegacyDeepRNN>());
      });
  detail::the_registry<Core>().add(name, std::move(make));
}

}  // namespace

void register_recurrent() {
  add_core<Conv1DLSTM>();
  add_core<Conv2DLSTM>();
  add_core<Conv3DLSTM>();
  add_core<CuDNNGRU>();
  add_core<DeepRNN>();
  add_core<GRU>();
  add_core<LSTM>();
  add_core<LegacyDeepRNN>();
  add_core<RecurrentDropout>();
  add_core<ResidualWrapper>();
  add_core<UnrolledLSTM>();
  add_core<VanillaRNN>();
  add_core<nets::dnc::control::FeedForward>();
  detail::the_registry<Layer>().add<TrainableState>();
  add_function("deep_rnn_with_skip_connections",
               detail::skip_connections_from_config);
  add_function("deep_rnn_with_residual_connections",
               detail::residual_connections_from_config);
}

}  // namespace snt
