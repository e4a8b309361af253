#include "sonnet/kernels/recurrent/libtorch_sequence.h"

#include <ATen/ATen.h>
#include <ATen/TensorSubclassLikeUtils.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "sonnet/kernels/plain.h"

namespace snt::kernels {
namespace {

using at::Tensor;

// w_i^T, w_h^T, b and a second bias of zeros, in one array in this order, as
// cuDNN wants them: parameters elsewhere are copied there with a warning.
std::vector<Tensor> cudnn_parameters(const Tensor& w_i, const Tensor& w_h,
                                     const Tensor& b) {
  const Tensor all = at::cat({w_i.t().reshape(-1), w_h.t().reshape(-1),
                              b.reshape(-1), at::zeros_like(b).reshape(-1)});
  std::vector<Tensor> parts =
      all.split_with_sizes({w_i.numel(), w_h.numel(), b.numel(), b.numel()});
  parts[0] = parts[0].view({w_i.size(1), w_i.size(0)});
  parts[1] = parts[1].view({w_h.size(1), w_h.size(0)});
  return parts;
}

// A state [B, H] as [1, B, H].
Tensor as_layer(const Tensor& state) { return state.contiguous().unsqueeze(0); }

}  // namespace

bool are_for_cudnn(std::initializer_list<const Tensor*> tensors) {
  const bool no_autocast =
      c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCUDA);
  const Tensor& first = **tensors.begin();
  return no_autocast && nothing_watches() &&
         std::all_of(tensors.begin(), tensors.end(), [&](const Tensor* t) {
           return t->defined() && t->is_cuda() &&
                  at::isFloatingType(t->scalar_type()) &&
                  t->scalar_type() == first.scalar_type() &&
                  t->layout() == at::kStrided && t->numel() > 0 &&
                  !at::isTensorSubclassLike(*t) &&
                  !t->_fw_grad(/*level=*/0).defined();
         });
}

LstmResult lstm_by_libtorch(const LstmSequence& s) {
  const bool train =
      wants_gradient({&s.x, &s.hidden, &s.cell, &s.w_i, &s.w_h, &s.b});
  // Its gates are i f g o, too.
  const auto [y, hidden, cell] =
      at::lstm(s.x, {as_layer(s.hidden), as_layer(s.cell)},
               cudnn_parameters(s.w_i, s.w_h, s.b), /*has_biases=*/true,
               /*num_layers=*/1, /*dropout=*/0, train, /*bidirectional=*/false,
               /*batch_first=*/false);
  return {y, hidden.squeeze(0), cell.squeeze(0)};
}

Tensor rnn_by_libtorch(const RnnSequence& s) {
  const bool train = wants_gradient({&s.x, &s.hidden, &s.w_i, &s.w_h, &s.b});
  const auto call = [&](const auto& rnn) {
    return std::get<0>(rnn(s.x, as_layer(s.hidden),
                           cudnn_parameters(s.w_i, s.w_h, s.b),
                           /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0,
                           train, /*bidirectional=*/false,
                           /*batch_first=*/false));
  };
  const auto relu = [](auto&&... all) { return at::rnn_relu(all...); };
  const auto tanh = [](auto&&... all) { return at::rnn_tanh(all...); };
  return s.is_relu ? call(relu) : call(tanh);
}

Tensor gru_by_libtorch(const GruSequence& s) {
  // Its gates are r z a.
  const auto reordered = [](const Tensor& w) {
    const std::vector<Tensor> gates = w.chunk(3, -1);
    return at::cat({gates[1], gates[0], gates[2]}, -1);
  };
  const bool train = wants_gradient({&s.x, &s.hidden, &s.w_i, &s.w_h, &s.b});
  return std::get<0>(at::gru(
      s.x, as_layer(s.hidden),
      cudnn_parameters(reordered(s.w_i), reordered(s.w_h), reordered(s.b)),
      /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0, train,
      /*bidirectional=*/false, /*batch_first=*/false));
}

}  // namespace snt::kernels
