#include "sonnet/conformance/subject.h"

#include "sonnet/conformance/class_table.h"
#include "sonnet/core/errors.h"

namespace snt::conformance {

Subject::Subject(std::shared_ptr<Held> held, const std::string& row_name)
    : held_(std::move(held)), row_(class_table().find_class(row_name)) {
  check<KeyError>(row_ != nullptr, "Subject", "the table has no class ",
                  row_name);
}

Nest Subject::call(std::span<const Nest> args, const Keywords& keywords) const {
  check<TypeError>(static_cast<bool>(row_->call), row_->name,
                   "has no call operator");
  return row_->call(*this,
                    row_->signature_of(config()).bind(
                        args, keywords, row_->fills_defaults, row_->name));
}

Nest Subject::call_method(const std::string& method, std::span<const Nest> args,
                          const Keywords& keywords) const {
  const std::string who = row_->name + "." + method;
  if (const auto it = row_->methods.find(method); it != row_->methods.end()) {
    return it->second.call(
        *this, it->second.signature.bind(args, keywords, true, who));
  }
  if (row_->derivations.contains(method)) {
    derive(method, args, keywords);
    return {};
  }
  if (method == "variables" || method == "trainable_variables") {
    Nest::List values;
    for (const Variable& v : variables(method == "trainable_variables")) {
      values.emplace_back(v.value());
    }
    return values;
  }
  for (const auto& found : find_variables()) {
    if (found.path == method) return found.variable.value();
  }
  throw KeyError("[" + row_->name + "] the table has no method '" + method +
                 "'");
}

Subject Subject::derive(const std::string& method, std::span<const Nest> args,
                        const Keywords& keywords) const {
  const std::string who = row_->name + "." + method;
  const auto it = row_->derivations.find(method);
  check<KeyError>(it != row_->derivations.end(), who,
                  "the table has no such method that gives a module");
  return it->second.call(*this,
                         it->second.signature.bind(args, keywords, true, who));
}

std::vector<snt::detail::Found> Subject::find_variables() const {
  const std::function<void(Walker&)> all = [this](Walker& w) { walk(w); };
  return snt::detail::find_variables(all);
}

std::vector<ModuleRef> Subject::submodules() const {
  return snt::detail::find_modules([this](Walker& w) { walk(w); });
}

void Subject::set_option(const std::string& key, const Config& value) const {
  check<KeyError>(held_->set_option(key, value), row_->name,
                  "there is no option '", key, "'");
}

Subject Subject::clone() const { return {held_->clone(), row_->name}; }

}  // namespace snt::conformance
