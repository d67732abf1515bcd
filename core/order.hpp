// Random orders: how an epoch's permutation is made.
#pragma once

#include <cstdint>

namespace thalweg {

// order: 0 … n − 1 as the stable sorting order of n words of randomness.py's stream (seed, purpose, epoch, step).
void random_order(std::uint64_t seed, std::uint64_t purpose, std::uint64_t epoch, std::uint64_t step, std::int64_t* order,
                  std::int64_t n);

// order: 0 … n − 1 such that words[order[…]] ascends, equal words in the order in which they stand. Fast where the words
// are spread evenly, as random ones are; right for any.
void sorting_order(const std::uint64_t* words, std::int64_t* order, std::int64_t n);

}  // namespace thalweg
