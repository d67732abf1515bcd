// The kernels of one instruction set, as a table of functions: all that the rest of the core sees of them.
#pragma once

#include "plan.hpp"

namespace thalweg {

template <class T>
struct MathFunction {
    const char* name;
    void (*apply)(const T* in, T* out, int64_t n);
};

template <class T>
struct KernelsOf {
    // Bytes that this job needs, and laying it out in that much memory (64-byte aligned), parameters included.
    int64_t (*space)(const Job<T>& job);
    void (*prepare)(Job<T>& job);
    void (*run)(Job<T>& job);
    // Parameters and moments as they are now, in the public layout.
    void (*state)(const Job<T>& job, T* parameters, T* const* moments);

    // For tests and benchmarks.
    // C (n, m) = A (n, k) B (k, m), row by row; `across` picks the product of the backward pass, C = A Bᵀ with B (m, k).
    void (*multiply)(const T* A, const T* B, T* C, int64_t n, int64_t k, int64_t m, bool across, void* space);
    int64_t (*multiply_space)(int64_t n, int64_t k, int64_t m);
    const MathFunction<T>* (*functions)(int* count);
    double (*fma_peak)(double seconds, double (*clock)());  // GFLOP/s of this thread, summing products in registers
};

struct Kernels {
    const char* name;
    KernelsOf<float> f32;
    KernelsOf<double> f64;

    template <class T>
    const KernelsOf<T>& of() const {
        if constexpr (sizeof(T) == 4) {
            return f32;
        } else {
            return f64;
        }
    }
};

// One for each file kernels_*.cpp that this machine's kind compiles.
extern const Kernels kernels_portable;
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
extern const Kernels kernels_neon;

}  // namespace thalweg
