// How many cores may be used here, and how much memory is near them.
#pragma once

#include <cstddef>
#include <string>

namespace thalweg {

struct Machine {
    int logical_cores = 1;      // hardware threads that this process may run on
    int physical_cores = 1;     // cores behind them; the same number where the system does not tell
    std::size_t l1_bytes = 0;   // data caches as the first core sees them; 0 where the system does not tell
    std::size_t l2_bytes = 0;
    std::size_t l3_bytes = 0;
};

Machine describe_machine();

// The compiler of this file, such as "gcc 12.2.0".
std::string compiler();

}  // namespace thalweg
