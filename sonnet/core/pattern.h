// File: core/pattern.h
// The one kind of pattern with which variables are chosen by path.

#pragma once

#include <string>
#include <string_view>

namespace snt {

// A glob over a whole path: `*` stands for any text within a component, `?`
// for one character, `**` for any number of components, none included.
//
//     bool yes = snt::Pattern("**/w").matches("body/layers/0/w");
//     bool also = snt::Pattern("**/w").matches("w");
//     bool no = snt::Pattern("body/*").matches("body/layers/0");
class Pattern {
 public:
  // Throws ValueError for an empty pattern.
  Pattern(std::string text);  // NOLINT: written as a string everywhere.
  Pattern(const char* text) : Pattern(std::string(text)) {}  // NOLINT

  // Whether the pattern covers the whole path.
  bool matches(std::string_view path) const;

  // The pattern as written.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace snt
