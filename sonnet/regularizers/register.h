// File: regularizers/register.h
// The regularizers by name, for what is read from JSON.

#pragma once

namespace snt {

// Adds the library's regularizers to registry<Regularizer>; part of
// register_all.
//
//     auto l2 = snt::registry<snt::Regularizer>().make(
//         snt::parse_json(
//             R"({"class": "regularizers.L2", "config": {"scale": 0.1}})"),
//         "w_regularizer");
void register_regularizers();

}  // namespace snt
