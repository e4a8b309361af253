#!/usr/bin/env python3
"""Tests of check_docs.py."""

import unittest

from check_docs import undocumented

HEADER = """
namespace snt {
struct Forward;
%s
}  // namespace snt
"""


def names(text):
    return [name for _, name in undocumented(HEADER % text)]


class CheckDocs(unittest.TestCase):
    def test_namespace_scope(self):
        self.assertEqual(names("""
struct A {};
class B : public C<int> {};
template <class T, size_t N = (1 > 0)>
  requires(std::is_same_v<T, int> && requires { T::x; })
T f(const T& x = {}) { return T{x}; }
using D = std::vector<int>;
template <class T>
inline constexpr bool g = requires(T t) { t.x(); };
void h(int x);
extern const std::function<void(int)> i;
template <class T>
concept E = requires(T t) { { t() } -> std::same_as<int>; };
enum class F { kOne };
std::ostream& operator<<(std::ostream& out, const A& a);"""),
            ["A", "B", "f", "D", "g", "h", "i", "E", "F", "operator_shift"])

    def test_documented(self):
        self.assertEqual(names("""
// A thing.
template <class T>
  requires std::is_class_v<T>
struct A {
  int x;  // Behind.
  // Above.
  int y = {};
  int z = f({1, 2});
  // Doc.
  A(int v) : x{v}, y(v) { f(); }

  A() = default;
  ~A();
  bool operator==(const A&) const = default;

 private:
  int hidden_;
  struct Hidden {
    int x;
  };
};
// Overloads.
void f(int);

void f(double);
void g(int x);
extern const F relu;  // max(x, 0)
extern const F abs;
// The same, explained where it is defined.
inline void g(int x) {}
namespace detail {
struct H { int x; };
}
static_assert(true);
A(int) -> A<int>;
"""), [])

    def test_members(self):
        self.assertEqual(names("""
// A thing.
class A {
  int hidden;
 public:
  A(int x) : x_(x) {}
  int f() const;

  // Doc.
  void g();

  bool operator()(int x) const { return "}{" != x; }
  explicit operator bool() const;
  struct Inner {
    int x = 0;
  };
};
"""), ["A", "f", "operator()", "operator bool", "Inner", "x"])

    def test_other_scopes(self):
        self.assertEqual(undocumented("struct A { int x; };\n"), [])
        self.assertEqual(undocumented("namespace {\nstruct A {};\n}\n"), [])
        self.assertEqual(
            undocumented("namespace snt::nets {\n\nint f();\n}\n"), [(3, "f")])


if __name__ == "__main__":
    unittest.main(verbosity=0)
