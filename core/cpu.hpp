// Which instructions this processor can run, and which set of kernels is chosen for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace thalweg {

// The architecture this file was compiled for: "x86-64", "x86", "arm64" or "other".
std::string_view architecture();

// What the processor has and the operating system allows, in a fixed order, lower case: "sse2", "avx2", "avx512f", "neon".
std::vector<std::string> cpu_features();

// The instruction sets that can run here, best first; the last one is always "portable".
std::vector<std::string> usable_sets(const std::vector<std::string>& features);

// The set to use: the best of `usable`, or the one named by `wanted` (the value of THALWEG_CPU; empty means none was
// named). Throws std::invalid_argument with one sentence for a name that is unknown or cannot run here.
std::string choose_set(const std::vector<std::string>& usable, std::string_view wanted);

}  // namespace thalweg
