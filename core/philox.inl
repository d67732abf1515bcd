// The generator of src/thalweg/randomness.py: Philox4x64-10 (Salmon et al. 2011), key (seed, purpose), counter (block,
// step, epoch, 0), the first block being 1.

struct Words {
    uint64_t of[4];
};

__extension__ typedef unsigned __int128 Wide128;

inline void multiply_wide(uint64_t a, uint64_t b, uint64_t& high, uint64_t& low) {
    const Wide128 product = static_cast<Wide128>(a) * b;
    high = static_cast<uint64_t>(product >> 64);
    low = static_cast<uint64_t>(product);
}

inline Words philox(uint64_t seed, uint64_t purpose, uint64_t block, uint64_t step, uint64_t epoch) {
    Words c{{block, step, epoch, 0}};
    uint64_t key0 = seed, key1 = purpose;
    for (int round = 0; round < 10; ++round) {
        uint64_t high0, low0, high1, low1;
        multiply_wide(0xD2E7470EE14C6C93u, c.of[0], high0, low0);
        multiply_wide(0xCA5A826395121157u, c.of[2], high1, low1);
        c = {{high1 ^ c.of[1] ^ key0, low1, high0 ^ c.of[3] ^ key1, low0}};
        key0 += 0x9E3779B97F4A7C15u;
        key1 += 0xBB67AE8584CAA73Bu;
    }
    return c;
}

// Draws of one stream of dropout masks, one after another: is unit number `index` kept? 32 bits are spent on each, the
// lower half of a word first.
class Masks {
public:
    Masks(uint64_t seed, uint64_t epoch, uint64_t stream, double rate)
        : seed_(seed), epoch_(epoch), stream_(stream), below_(threshold(1.0 - rate)) {}

    bool keeps(uint64_t index) {
        const uint64_t block = index / 8 + 1;
        if (block != block_) {
            words_ = philox(seed_, DROPOUT, block, stream_, epoch_);
            block_ = block;
        }
        const uint64_t word = words_.of[index % 8 / 2];
        return (index % 2 ? word >> 32 : word & 0xFFFFFFFFu) < below_;
    }

private:
    static constexpr uint64_t DROPOUT = 3;  // randomness.PURPOSES

    // round(keep · 2³²), half to even as Python rounds: adding and taking away 2⁵² leaves no fraction.
    static uint64_t threshold(double keep) {
        const volatile double shifted = keep * 4294967296.0 + 4503599627370496.0;
        return static_cast<uint64_t>(shifted - 4503599627370496.0);
    }

    uint64_t seed_, epoch_, stream_, below_, block_ = 0;
    Words words_{};
};
