// File: optimizers/register.h
// The optimizers by name, for what is read from JSON.

#pragma once

namespace snt {

// Adds them to registry<Optimizer>; part of register_all.
//
//     snt::Optimizer adam = snt::registry<snt::Optimizer>().make(
//         snt::parse_json(R"({"class": "optimizers.Adam"})"), "main");
void register_optimizers();

}  // namespace snt
