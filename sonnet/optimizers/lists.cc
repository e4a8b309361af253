#include "sonnet/optimizers/lists.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "sonnet/kernels/plain.h"
#include "sonnet/kernels/switches.h"

namespace snt::optimizers::detail {
namespace {

// Numbers of a list on a CPU that still are in the cache for its next
// operation.
constexpr int64_t kShort = int64_t{1} << 14;

// Whether operations for lists have something to gain with an update, and
// nothing to lose: half types have an arithmetic of their own.
bool may_be_listed(const at::Tensor& g) {
  const bool is_full =
      g.scalar_type() == at::kFloat || g.scalar_type() == at::kDouble;
  return is_full && g.layout() == at::kStrided &&
         (g.is_cuda() || (g.is_cpu() && g.numel() <= kShort));
}

bool fits(const Lists& list, const at::Tensor& g) {
  return list.dtype == g.scalar_type() && list.g[0].device() == g.device();
}

// Whether no tensor that is written shares its storage with any other one.
bool are_apart(const Lists& list) {
  std::unordered_set<const void*> written;
  for (const Tensors& values : list.values) {
    for (const at::Tensor& value : values) {
      const bool is_new =
          value.has_storage() &&
          written.insert(value.storage().unsafeGetStorageImpl()).second;
      if (!is_new) return false;
    }
  }
  return std::all_of(list.g.begin(), list.g.end(), [&](const at::Tensor& g) {
    return g.has_storage() &&
           !written.contains(g.storage().unsafeGetStorageImpl());
  });
}

bool is_worth_it(const Lists& list) {
  if (list.g.size() < 2) return false;
  if (!list.g[0].is_cpu()) return true;
  int64_t count = 0;
  for (const at::Tensor& g : list.g) count += g.numel();
  return count <= kShort;
}

}  // namespace

std::vector<Lists> take_lists(const Tensors& updates,
                              const std::vector<Variable>& parameters,
                              at::ArrayRef<const Slots*> slots,
                              const std::vector<size_t>& positions,
                              std::vector<size_t>& others) {
  const bool is_possible = kernels::switches().one_pass_updates &&
                           kernels::nothing_watches() &&
                           snt::detail::read_hook == nullptr;
  if (!is_possible || others.size() < 2) return {};

  std::vector<Lists> lists;
  std::vector<std::vector<size_t>> members;  // Of each list.
  std::vector<size_t> left;
  for (const size_t i : others) {
    const at::Tensor& g = updates[i];
    if (!may_be_listed(g)) {
      left.push_back(i);
      continue;
    }
    const auto found =
        std::find_if(lists.begin(), lists.end(),
                     [&](const Lists& list) { return fits(list, g); });
    const auto place = static_cast<size_t>(found - lists.begin());
    if (found == lists.end()) {
      lists.push_back(
          {g.scalar_type(), {}, std::vector<Tensors>(slots.size() + 1)});
      members.emplace_back();
    }
    lists[place].g.push_back(g);
    lists[place].values[0].push_back(parameters[i].value());
    for (size_t k = 0; k < slots.size(); ++k) {
      lists[place].values[k + 1].push_back((*slots[k])[positions[i]].value());
    }
    members[place].push_back(i);
  }

  std::vector<Lists> taken;
  for (size_t k = 0; k < lists.size(); ++k) {
    if (is_worth_it(lists[k]) && are_apart(lists[k])) {
      taken.push_back(std::move(lists[k]));
    } else {
      left.insert(left.end(), members[k].begin(), members[k].end());
    }
  }
  std::sort(left.begin(), left.end());
  others = std::move(left);
  return taken;
}

void multiply(const Tensors& x, double a) {
  x.size() == 1 ? void(x[0].mul_(a)) : at::_foreach_mul_(x, a);
}

void add(const Tensors& x, double a) {
  x.size() == 1 ? void(x[0].add_(a)) : at::_foreach_add_(x, a);
}

void add(const Tensors& x, const Tensors& y, double a) {
  x.size() == 1 ? void(x[0].add_(y[0], a)) : at::_foreach_add_(x, y, a);
}

void subtract(const Tensors& x, const Tensors& y, double a) {
  x.size() == 1 ? void(x[0].sub_(y[0], a)) : at::_foreach_sub_(x, y, a);
}

void add_product(const Tensors& x, const Tensors& y, const Tensors& z,
                 double a) {
  x.size() == 1 ? void(x[0].addcmul_(y[0], z[0], a))
                : at::_foreach_addcmul_(x, y, z, a);
}

void add_quotient(const Tensors& x, const Tensors& y, const Tensors& z,
                  double a) {
  x.size() == 1 ? void(x[0].addcdiv_(y[0], z[0], a))
                : at::_foreach_addcdiv_(x, y, z, a);
}

void invert_root(const Tensors& x) {
  if (x.size() == 1) {  // Not rsqrt, which libtorch 1.13 has for no lists.
    x[0].sqrt_().reciprocal_();
  } else {
    at::_foreach_sqrt_(x);
    at::_foreach_reciprocal_(x);
  }
}

Tensors root(const Tensors& x) {
  return x.size() == 1 ? Tensors{x[0].sqrt()} : at::_foreach_sqrt(x);
}

Tensors sum(const Tensors& x, double a) {
  return x.size() == 1 ? Tensors{x[0] + a} : at::_foreach_add(x, a);
}

Tensors plus_product(const Tensors& x, const Tensors& y, const Tensors& z,
                     double a) {
  return x.size() == 1 ? Tensors{at::addcmul(x[0], y[0], z[0], a)}
                       : at::_foreach_addcmul(x, y, z, a);
}

}  // namespace snt::optimizers::detail
