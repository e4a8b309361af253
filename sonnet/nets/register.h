// File: nets/register.h
// The networks by name, for what is read from JSON.

#pragma once

namespace snt {

// Adds them to registry<Layer>; part of register_all.
//
//     snt::Layer mlp =
//         snt::make_module("nets.MLP", R"({"output_sizes": [8, 4]})");
void register_nets();

}  // namespace snt
