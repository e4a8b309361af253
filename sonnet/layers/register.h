// File: layers/register.h
// The layers by name, for what is read from JSON.

#pragma once

namespace snt {

// Adds them to registry<Layer>; part of register_all.
//
//     snt::Layer linear =
//         snt::make_module("Linear", R"({"output_size": 3})");
void register_layers();

}  // namespace snt
