// File: recurrent/register.h
// The recurrent cores by name, for what is read from JSON.

#pragma once

namespace snt {

// Adds them to registry<Layer>, registry<Core> and registry<UnrolledRNN>; part
// of register_all.
//
//     snt::Layer lstm =
//         snt::make_module("LSTM", R"({"hidden_size": 3})");
void register_recurrent();

}  // namespace snt
