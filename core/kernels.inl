// Everything that is compiled once for each instruction set, and the table that the rest of the core sees of it.
//
// A kernels_*.cpp sets THALWEG_VECTOR_BYTES, THALWEG_ROWS, THALWEG_VECTORS and THALWEG_SET, then includes this file.
#include "kernels.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace thalweg {
namespace {

#include "simd.inl"
#include "math.inl"
#include "formula.inl"
#include "activations.inl"
#include "losses.inl"
#include "philox.inl"
#include "matmul.inl"
#include "space.inl"
#include "steps.inl"
#include "updates.inl"
#include "descent.inl"
#include "dense.inl"
#include "memory.inl"
#include "batch.inl"
#include "rows.inl"
#include "unpacked.inl"
#include "probes.inl"

// ── which way through the network ────────────────────────────────────────────────────────────────────────────────────

// Row by row where a vector of rows would be mostly empty, unless the network is so large that it does not stay in the
// cache from one row to the next.
template <class T>
bool goes_row_by_row(const Job<T>& job) {
    return job.task == Task::train && 4 * job.batch <= WIDTH<T> && job.network.n_parameters <= (int64_t{1} << 18);
}

template <class T>
int64_t widest(const Job<T>& job) {
    int64_t units = 1;
    for (int l = 0; l < job.network.n_layers; ++l)
        if (job.network.layers[l].above > units) units = job.network.layers[l].above;
    return units;
}

// Calls use(way) with the memory of the job seen as what it is, Rows of the narrowest vectors that hold its widest layer,
// or Batch: the ways that keep parameters of their own.
template <class T, class Use>
void with_packed_way(const Job<T>& job, Use&& use) {
    constexpr int SMALLEST = 16 / static_cast<int>(sizeof(T)), W = WIDTH<T>;
    if (!goes_row_by_row(job)) return use(static_cast<Batch<T>*>(job.space));
    const int64_t units = widest(job);
    if (units <= SMALLEST || W == SMALLEST) return use(static_cast<Rows<T, SMALLEST>*>(job.space));
    if constexpr (W > SMALLEST) {
        constexpr int MIDDLE = 2 * SMALLEST;
        if (units <= MIDDLE || W == MIDDLE) return use(static_cast<Rows<T, MIDDLE>*>(job.space));
        if constexpr (W > MIDDLE) return use(static_cast<Rows<T, W>*>(job.space));
    }
}

// Likewise for every job. `Way` is what stands at the beginning of the space.
template <class T, class Use>
void with_way(const Job<T>& job, Use&& use) {
    if (job.task == Task::predict && job.rows <= FEW_ROWS) return use(static_cast<Unpacked<T>*>(job.space));
    with_packed_way(job, use);
}

template <class Way>
int64_t round_up_size() {
    return (static_cast<int64_t>(sizeof(Way)) + 63) / 64 * 64;
}

template <class T>
int64_t space_of(const Job<T>& job) {
    int64_t bytes = 0;
    with_way(job, [&]<class Way>(Way*) {
        Space counting(nullptr);
        Way way(job, counting);
        bytes = round_up_size<Way>() + counting.used();
    });
    return bytes;
}

template <class T>
void prepare(Job<T>& job) {
    with_way(job, [&]<class Way>(Way* at) {
        Space space(reinterpret_cast<char*>(at) + round_up_size<Way>());
        const Way way(job, space);
        __builtin_memcpy(at, &way, sizeof way);
    });
}

template <class T>
void run(Job<T>& job) {
    with_way(job, [&](auto* way) { way->run(job); });
}

template <class T>
void state(const Job<T>& job, T* parameters, T* const* moments) {
    with_packed_way(job, [&](auto* way) {
        way->unpack(way->vectors().p, parameters);
        for (int i = 0; i < job.n_moments; ++i) way->unpack(way->vectors().moments[i], moments[i]);
    });
}

template <class T>
constexpr KernelsOf<T> table() {
    return {space_of<T>,      prepare<T>,        run<T>,       state<T>,
            multiply_rows<T>, multiply_space<T>, functions<T>, fma_peak<T>};
}

}  // namespace

constinit const Kernels THALWEG_SET = {THALWEG_SET_NAME, table<float>(), table<double>()};

}  // namespace thalweg
