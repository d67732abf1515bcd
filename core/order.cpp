#include "order.hpp"

#include <algorithm>
#include <vector>

namespace thalweg {

void sorting_order(const std::uint64_t* words, std::int64_t* order, std::int64_t n) {
    // One bucket for about four words by their upper bits, then each bucket by itself: linear for evenly spread words.
    int bits = 0;
    while (bits < 24 && (std::int64_t{4} << bits) < n) ++bits;
    const auto bucket = [&](std::uint64_t word) { return bits ? static_cast<std::size_t>(word >> (64 - bits)) : 0; };
    std::vector<std::int64_t> begin((std::size_t{1} << bits) + 1, 0);
    for (std::int64_t i = 0; i < n; ++i) ++begin[bucket(words[i]) + 1];
    for (std::size_t b = 1; b < begin.size(); ++b) begin[b] += begin[b - 1];
    std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
    for (std::int64_t i = 0; i < n; ++i) order[next[bucket(words[i])]++] = i;
    const auto before = [&](std::int64_t one, std::int64_t other) {
        return words[one] != words[other] ? words[one] < words[other] : one < other;
    };
    for (std::size_t b = 0; b + 1 < begin.size(); ++b)
        if (begin[b + 1] - begin[b] > 1) std::sort(order + begin[b], order + begin[b + 1], before);
}

}  // namespace thalweg
