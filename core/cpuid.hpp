// The x86 instructions CPUID and XGETBV, the same under GCC, Clang and MSVC. Included on x86 only.
#pragma once

#include <cstdint>

#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif

namespace thalweg {

struct CpuidAnswer {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

inline CpuidAnswer cpuid(unsigned leaf, unsigned subleaf = 0) {
    CpuidAnswer answer;
#if defined(_MSC_VER)
    int words[4];
    __cpuidex(words, static_cast<int>(leaf), static_cast<int>(subleaf));
    answer.eax = static_cast<unsigned>(words[0]);
    answer.ebx = static_cast<unsigned>(words[1]);
    answer.ecx = static_cast<unsigned>(words[2]);
    answer.edx = static_cast<unsigned>(words[3]);
#else
    __cpuid_count(leaf, subleaf, answer.eax, answer.ebx, answer.ecx, answer.edx);
#endif
    return answer;
}

// Which register states the operating system saves. Only valid where CPUID leaf 1 sets ECX bit 27 (OSXSAVE).
inline std::uint64_t read_xcr0() {
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    // The intrinsic would need the whole file compiled with -mxsave; the instruction itself does not.
    unsigned low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

}  // namespace thalweg
