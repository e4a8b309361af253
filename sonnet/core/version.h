// File: core/version.h
// The version of this library.

#pragma once

namespace snt {

// "major.minor.patch", as in the CHANGELOG.
inline constexpr const char* version = "0.1.0";

}  // namespace snt
