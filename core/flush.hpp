// Results too small for a normal number become 0.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

namespace thalweg {

// While it lives, on this thread: the moments of units that have died would otherwise crawl through numbers too small to be
// normal, at a hundred cycles an operation on some processors.
class FlushToZero {
public:
#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE__))
    FlushToZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8000u); }
    ~FlushToZero() { _mm_setcsr(before_); }
#elif defined(__aarch64__)
    FlushToZero() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(before_));
        __asm__ volatile("msr fpcr, %0" ::"r"(before_ | (std::uint64_t{1} << 24)));
    }
    ~FlushToZero() { __asm__ volatile("msr fpcr, %0" ::"r"(before_)); }
#else
    FlushToZero() : before_(0) {}
#endif
    FlushToZero(const FlushToZero&) = delete;
    FlushToZero& operator=(const FlushToZero&) = delete;

private:
#if defined(__aarch64__)
    std::uint64_t before_;
#else
    unsigned before_;
#endif
};

}  // namespace thalweg
