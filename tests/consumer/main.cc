// File: tests/consumer/main.cc
// What a user's first program may look like.

#include <ATen/ATen.h>
#include <sonnet/sonnet.h>

#include <iostream>

int main() {
  const at::Tensor x = at::ones({2, 3});
  std::cout << snt::format("shape ", x.sizes()) << "\n";
  return snt::format(x.sizes()) == "[2, 3]" ? 0 : 1;
}
