// File: initializers/register.h
// The initializers by name, for what is read from JSON.

#pragma once

namespace snt {

// Adds the library's initializers to registry<Initializer>; part of
// register_all.
//
//     auto zeros = snt::registry<snt::Initializer>().make(
//         snt::parse_json(R"({"class": "initializers.Zeros"})"), "w_init");
void register_initializers();

}  // namespace snt
