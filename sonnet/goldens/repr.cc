#include "sonnet/goldens/repr.h"

#include <regex>
#include <string_view>
#include <vector>

namespace snt::goldens {
namespace {

std::string replace(const std::string& text, const char* pattern,
                    const char* by) {
  return std::regex_replace(text, std::regex(pattern), by);
}

// TensorShape([3, 4]), (3, 4) and (3,) as lists.
std::string with_lists(const std::string& text) {
  std::string result = replace(text, R"(TensorShape\((\[[-\d, ]*\])\))", "$1");
  result = replace(result, R"(\((-?\d+),\))", "[$1]");
  result = replace(result, R"(([^\w\]])\((-?\d+(, -?\d+)+)\))", "$1[$2]");
  return replace(result, R"(([^\w\]])\(\))", "$1[]");
}

// Any other tuple as a list: a parenthesis that is no call's.
std::string tuples_as_lists(const std::string& text) {
  std::string result;
  std::vector<bool> is_tuple;
  for (const char c : text) {
    if (c == '(') {
      const char before = result.empty() ? ' ' : result.back();
      is_tuple.push_back(std::string_view(" =([{,").find(before) !=
                         std::string_view::npos);
      result += is_tuple.back() ? '[' : '(';
    } else if (c == ')' && !is_tuple.empty()) {
      if (is_tuple.back() && result.back() == ',') result.pop_back();
      result += is_tuple.back() ? ']' : ')';
      is_tuple.pop_back();
    } else {
      result += c;
    }
  }
  return result;
}

// On one line, as if it were short.
std::string on_one_line(const std::string& text) {
  std::string result = replace(text, R"(\(\n +)", "(");
  result = replace(result, R"(,?\n *\))", ")");
  return replace(result, R"(\n *)", " ");
}

std::string escaped(const std::string& text) {
  return replace(text, R"([.^$|()\[\]{}*+?\\])", R"(\$&)");
}

// A pattern for a text with Python objects in it.
std::string pattern_of(const std::string& text) {
  static const std::regex object(
      R"(<function (\w+)[^>]*>|<sonnet[\w.]*\.(\w+) object[^>]*>)"
      R"(|<dtype: '(\w+)'>|<(?:[^<>]|<[^<>]*>)*>)");
  std::string pattern;
  std::string rest = text;
  std::smatch found;
  while (std::regex_search(rest, found, object)) {
    pattern += escaped(found.prefix());
    if (found[1].matched) {
      pattern += found[1].str();
    } else if (found[2].matched) {
      pattern += found[2].str() + R"(\(.*\))";
    } else if (found[3] == "string") {  // Not a dtype of libtorch.
      pattern += "<dtype: '[^']*'>";
    } else if (found[3].matched) {
      pattern += "[^,]*" + found[3].str() + "[^,]*";
    } else {
      pattern += "[^]*";
    }
    rest = found.suffix();
  }
  return pattern + escaped(rest);
}

}  // namespace

bool repr_matches(const std::string& got, const std::string& want, bool exact) {
  if (exact && got == want) return true;
  const std::string got_line = on_one_line(got);
  const std::string want_line = on_one_line(tuples_as_lists(with_lists(want)));
  // What is otherwise alike must have its lines broken alike.
  if (exact && got_line == on_one_line(want)) return false;
  // Whole numbers may be floats here.
  const std::string pattern =
      replace(pattern_of(want_line), R"((=-?\d+)(,|\\\)))", R"($1(\.0)?$2)");
  return std::regex_match(got_line, std::regex(pattern));
}

bool message_matches(const std::string& got, const std::string& want) {
  std::string wanted = with_lists(replace(want, R"(\btf\.)", ""));
  const std::string text = with_lists(replace(got, R"(\btf\.)", ""));

  // Sonnet's longest text ends with an example in Python.
  if (const size_t example = wanted.find("For example:");
      example != wanted.npos) {
    wanted.resize(example);
  }
  // str() of a KeyError and of an exception with two arguments.
  std::smatch parts;
  if (std::regex_match(wanted, parts, std::regex(R"("([^]*)\")"))) {
    wanted = parts[1].str();
  }
  if (std::regex_match(wanted, parts, std::regex(R"(\('(.*)', '(.*)'\))"))) {
    wanted = parts[1].str() + " " + parts[2].str();
  }
  if (std::regex_match(
          wanted, parts,
          std::regex(R"(Shape (\[.*\]|\(\)) (must have rank .*))"))) {
    const std::string shape = parts[1] == "()" ? "[]" : parts[1].str();
    wanted = parts[2].str() + ", got shape " + shape;
  }
  return std::regex_search(text, std::regex(pattern_of(wanted)));
}

}  // namespace snt::goldens
