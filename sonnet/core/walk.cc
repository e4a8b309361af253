#include "sonnet/core/walk.h"

#include <cctype>

#include "sonnet/core/errors.h"

namespace snt {

Walker::Field::Field(Walker& walker, std::string_view name)
    : walker_(walker), size_(walker.path_.size()) {
  if (name.empty()) return;
  if (!walker.path_.empty()) walker.path_ += '/';
  walker.path_ += name;
}

Walker::Module::Module(Walker& walker, std::string_view class_name,
                       std::string_view name, void* address,
                       const std::type_info& type, void (*check)(const void*))
    : walker_(walker),
      outer_name_(walker.module_name_),
      outer_size_(walker.module_size_) {
  std::string full = walker.name();
  if (walker.path_.empty()) {
    full = name.empty() ? snake_case(class_name) : std::string(name);
  } else if (!name.empty()) {
    full = walker.module_name_ + (walker.module_name_.empty() ? "" : "/");
    full += name;
  }
  walker.on_module(
      {walker.path_, full, std::string(class_name), address, &type, check});
  walker.module_name_ = std::move(full);
  walker.module_size_ = walker.path_.size();
}

Walker::Module::~Module() {
  walker_.module_name_ = std::move(outer_name_);
  walker_.module_size_ = outer_size_;
}

Walker::Alias::Alias(Walker& walker, std::string_view name)
    : walker_(walker),
      outer_name_(walker.module_name_),
      outer_size_(walker.module_size_) {
  if (name.empty()) return;
  std::string full = walker.name();
  full.resize(full.rfind('/') + 1);  // Nothing is left where there is no '/'.
  walker.module_name_ = full + std::string(name);
  walker.module_size_ = walker.path_.size();
}

Walker::Alias::~Alias() {
  walker_.module_name_ = std::move(outer_name_);
  walker_.module_size_ = outer_size_;
}

std::string Walker::name() const {
  std::string_view rest = std::string_view(path_).substr(module_size_);
  if (rest.starts_with('/')) rest.remove_prefix(1);
  std::string result = module_name_;
  if (!result.empty() && !rest.empty()) result += '/';
  result += rest;
  return result;
}

// Sonnet's rule (base.py): an underscore before a capital that follows a small
// letter or digit, and before one that a small letter follows.
std::string snake_case(std::string_view class_name) {
  const auto is = [&](size_t i, int (*kind)(int)) {
    return i < class_name.size() &&
           kind(static_cast<unsigned char>(class_name[i])) != 0;
  };
  std::string result;
  for (size_t i = 0; i < class_name.size(); ++i) {
    if (i > 0 && is(i, std::isupper) &&
        (is(i - 1, std::islower) || is(i - 1, std::isdigit) ||
         is(i + 1, std::islower))) {
      result += '_';
    }
    result += static_cast<char>(
        std::tolower(static_cast<unsigned char>(class_name[i])));
  }
  return result;
}

}  // namespace snt
