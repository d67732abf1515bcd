#include "cpu.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

#if defined(__x86_64__) || defined(_M_X64) || defined(__i386__) || defined(_M_IX86)
#define THALWEG_X86 1
#include "cpuid.hpp"
#endif

namespace thalweg {

namespace {

using Names = std::vector<std::string>;

struct InstructionSet {
    std::string_view name;
    std::vector<std::string_view> needs;
};

// Best first. A set is usable when the processor has every feature that its kernels are compiled for.
const std::array<InstructionSet, 4>& instruction_sets() {
    static const std::array<InstructionSet, 4> sets{{
        {"avx512", {"avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl"}},
        {"avx2", {"avx2", "fma"}},
        {"neon", {"neon"}},
        {"portable", {}},
    }};
    return sets;
}

bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string quoted(const Names& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
    return text;
}

}  // namespace

std::string_view architecture() {
#if defined(__x86_64__) || defined(_M_X64)
    return "x86-64";
#elif defined(__i386__) || defined(_M_IX86)
    return "x86";
#elif defined(__aarch64__) || defined(_M_ARM64)
    return "arm64";
#else
    return "other";
#endif
}

#if defined(THALWEG_X86)

Names cpu_features() {
    const unsigned highest = cpuid(0).eax;
    const CpuidAnswer one = cpuid(1);
    const CpuidAnswer seven = highest >= 7 ? cpuid(7) : CpuidAnswer{};

    // A processor may have wide registers that the operating system does not save when it switches programs; only XCR0
    // tells. Bits 1–2: SSE and AVX state; bits 5–7: the three parts of the AVX-512 state.
    // (Intel SDM vol. 1, §13.3 and §14.3.)
    const bool has_xgetbv = (one.ecx >> 27) & 1;
    const std::uint64_t saved = has_xgetbv ? read_xcr0() : 0;
    const bool avx_saved = (saved & 0x06) == 0x06;
    const bool avx512_saved = (saved & 0xe6) == 0xe6;

    struct Row {
        const char* name;
        unsigned word;
        int bit;
        bool allowed;
    };
    const Row rows[] = {
        {"sse2", one.edx, 26, true},
        {"sse3", one.ecx, 0, true},
        {"ssse3", one.ecx, 9, true},
        {"sse4.1", one.ecx, 19, true},
        {"sse4.2", one.ecx, 20, true},
        {"avx", one.ecx, 28, avx_saved},
        {"f16c", one.ecx, 29, avx_saved},
        {"fma", one.ecx, 12, avx_saved},
        {"avx2", seven.ebx, 5, avx_saved},
        {"avx512f", seven.ebx, 16, avx512_saved},
        {"avx512dq", seven.ebx, 17, avx512_saved},
        {"avx512bw", seven.ebx, 30, avx512_saved},
        {"avx512vl", seven.ebx, 31, avx512_saved},
    };
    Names found;
    for (const Row& row : rows)
        if (row.allowed && ((row.word >> row.bit) & 1)) found.emplace_back(row.name);
    return found;
}

#else

Names cpu_features() {
    // Every 64-bit Arm processor has NEON (Arm ARM, A1.5): nothing needs to be asked.
    if (architecture() == "arm64") return {"neon"};
    return {};
}

#endif

Names usable_sets(const Names& features) {
    Names usable;
    for (const InstructionSet& set : instruction_sets()) {
        const bool complete = std::all_of(set.needs.begin(), set.needs.end(),
                                          [&](std::string_view need) { return contains(features, need); });
        if (complete) usable.emplace_back(set.name);
    }
    return usable;
}

std::string choose_set(const Names& usable, std::string_view wanted) {
    if (wanted.empty()) return usable.front();
    if (contains(usable, wanted)) return std::string(wanted);

    Names known;
    for (const InstructionSet& set : instruction_sets()) known.emplace_back(set.name);
    const std::string name(wanted);
    if (contains(known, wanted))
        throw std::invalid_argument("THALWEG_CPU='" + name + "' asks for instructions that this processor or its " +
                                    "operating system does not offer: unset it or use one of " + quoted(usable) + ".");
    throw std::invalid_argument("THALWEG_CPU='" + name + "' is not an instruction set (known are " + quoted(known) +
                                "): unset it or use one of " + quoted(usable) + ".");
}

}  // namespace thalweg
