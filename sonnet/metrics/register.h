// File: metrics/register.h
// The metrics by name, for what is read from JSON.

#pragma once

namespace snt {

// Adds them to registry<Layer> and registry<Metric>; part of register_all.
//
//     snt::Layer mean = snt::make_module("Mean");
void register_metrics();

}  // namespace snt
