#include "order.hpp"

#include <algorithm>
#include <vector>

namespace thalweg {

namespace {

#include "philox.inl"

struct Drawn {
    std::uint64_t word;
    std::int64_t place;
    bool operator<(const Drawn& other) const { return word != other.word ? word < other.word : place < other.place; }
};

}  // namespace

void sorting_order(const std::uint64_t* words, std::int64_t* order, std::int64_t n) {
    // About a bucket for each word by its upper bits, then the few words of a bucket: linear for evenly spread words.
    int bits = 1;
    while (bits < 22 && (std::int64_t{1} << bits) < n) ++bits;
    std::vector<std::uint32_t> next((std::size_t{1} << bits) + 1, 0);
    for (std::int64_t i = 0; i < n; ++i) ++next[(words[i] >> (64 - bits)) + 1];
    for (std::size_t b = 1; b < next.size(); ++b) next[b] += next[b - 1];
    std::vector<Drawn> drawn(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) drawn[next[words[i] >> (64 - bits)]++] = {words[i], i};
    std::uint32_t begin = 0;  // every bucket's `next` has come to its end
    for (std::size_t b = 0; b + 1 < next.size(); begin = next[b++])
        if (next[b] - begin > 1) std::sort(drawn.begin() + begin, drawn.begin() + next[b]);
    for (std::int64_t i = 0; i < n; ++i) order[i] = drawn[static_cast<std::size_t>(i)].place;
}

void random_order(std::uint64_t seed, std::uint64_t purpose, std::uint64_t epoch, std::uint64_t step, std::int64_t* order,
                  std::int64_t n) {
    std::vector<std::uint64_t> words(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; i += 4) {
        const Words four = philox(seed, purpose, static_cast<std::uint64_t>(i / 4 + 1), step, epoch);
        for (std::int64_t k = i; k < n && k < i + 4; ++k) words[static_cast<std::size_t>(k)] = four.of[k - i];
    }
    sorting_order(words.data(), order, n);
}

}  // namespace thalweg
