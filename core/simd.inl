// Vectors in the compiler's own vector types (GCC and Clang), so that one source serves every instruction set.
//
// Included by each kernels_*.cpp inside namespace thalweg and an unnamed namespace, with THALWEG_VECTOR_BYTES set: no
// symbol of a file compiled for AVX-512 may be merged by the linker with the same symbol of a portable one. Hence also
// no standard library in .inl files. V is a vector of T; M the vector of integers that comparing two V gives.

template <class R>
struct Plain {
    using type = R;
};
template <class R>
struct Plain<R&> {  // what GCC says an element of a vector is
    using type = R;
};
template <class R>
struct Plain<R&&> {  // and Clang
    using type = R;
};

// Vector<float, 8>::type: eight floats.
template <class T, int N>
struct Vector {
    typedef T type __attribute__((vector_size(N * sizeof(T))));
};

template <class V>
using Element = typename Plain<decltype(V{}[0])>::type;
template <class V>
using Mask = decltype(V{} < V{});
template <class V>
constexpr int lanes = static_cast<int>(sizeof(V) / sizeof(Element<V>));

// The widest vector of this instruction set.
template <class T>
constexpr int WIDTH = THALWEG_VECTOR_BYTES / static_cast<int>(sizeof(T));
template <class T>
using Wide = typename Vector<T, WIDTH<T>>::type;

template <class V>
inline V load(const Element<V>* from) {
    V v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

template <class V>
inline void store(Element<V>* to, V v) {
    __builtin_memcpy(to, &v, sizeof v);
}

// The first `count` lanes, the others 0; nothing beyond them is read.
template <class V>
inline V load_some(const Element<V>* from, int count) {
#if defined(__AVX512VL__)
    constexpr bool is_float = sizeof(Element<V>) == 4;
    const unsigned mask = (1u << count) - 1u;
    if constexpr (sizeof(V) == 64 && is_float) return (V)_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
    if constexpr (sizeof(V) == 64 && !is_float) return (V)_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from);
    if constexpr (sizeof(V) == 32 && is_float) return (V)_mm256_maskz_loadu_ps(static_cast<__mmask8>(mask), from);
    if constexpr (sizeof(V) == 32 && !is_float) return (V)_mm256_maskz_loadu_pd(static_cast<__mmask8>(mask), from);
#endif
    V v{};
    for (int i = 0; i < count; ++i) v[i] = from[i];
    return v;
}

template <class V>
inline void store_some(Element<V>* to, V v, int count) {
#if defined(__AVX512VL__)
    constexpr bool is_float = sizeof(Element<V>) == 4;
    const unsigned mask = (1u << count) - 1u;
    if constexpr (sizeof(V) == 64 && is_float) return _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask), (__m512)v);
    if constexpr (sizeof(V) == 64 && !is_float)
        return _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), (__m512d)v);
    if constexpr (sizeof(V) == 32 && is_float) return _mm256_mask_storeu_ps(to, static_cast<__mmask8>(mask), (__m256)v);
    if constexpr (sizeof(V) == 32 && !is_float)
        return _mm256_mask_storeu_pd(to, static_cast<__mmask8>(mask), (__m256d)v);
#endif
    for (int i = 0; i < count; ++i) to[i] = v[i];
}

// The same number in every lane (x − 0 is x to the bit, −0 included).
template <class V>
inline V splat(Element<V> x) {
    return x - V{};
}

template <class V>
inline V select(Mask<V> mask, V yes, V no) {
    return mask ? yes : no;
}

// Both give the second argument where one of the two is not a number. (Written as a comparison, GCC makes two
// instructions of it where an argument is a constant.)
template <class V>
inline V larger(V a, V b) {
    [[maybe_unused]] constexpr bool is_float = sizeof(Element<V>) == 4;
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64 && is_float) return (V)_mm512_maskz_max_ps(0xFFFF, (__m512)a, (__m512)b);
    if constexpr (sizeof(V) == 64 && !is_float) return (V)_mm512_maskz_max_pd(0xFF, (__m512d)a, (__m512d)b);
#endif
#if defined(__AVX__)
    if constexpr (sizeof(V) == 32 && is_float) return (V)_mm256_max_ps((__m256)a, (__m256)b);
    if constexpr (sizeof(V) == 32 && !is_float) return (V)_mm256_max_pd((__m256d)a, (__m256d)b);
#endif
#if defined(__SSE2__)
    if constexpr (sizeof(V) == 16 && is_float) return (V)_mm_max_ps((__m128)a, (__m128)b);
    if constexpr (sizeof(V) == 16 && !is_float) return (V)_mm_max_pd((__m128d)a, (__m128d)b);
#endif
    return select<V>(a > b, a, b);
}
template <class V>
inline V smaller(V a, V b) {
    [[maybe_unused]] constexpr bool is_float = sizeof(Element<V>) == 4;
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64 && is_float) return (V)_mm512_maskz_min_ps(0xFFFF, (__m512)a, (__m512)b);
    if constexpr (sizeof(V) == 64 && !is_float) return (V)_mm512_maskz_min_pd(0xFF, (__m512d)a, (__m512d)b);
#endif
#if defined(__AVX__)
    if constexpr (sizeof(V) == 32 && is_float) return (V)_mm256_min_ps((__m256)a, (__m256)b);
    if constexpr (sizeof(V) == 32 && !is_float) return (V)_mm256_min_pd((__m256d)a, (__m256d)b);
#endif
#if defined(__SSE2__)
    if constexpr (sizeof(V) == 16 && is_float) return (V)_mm_min_ps((__m128)a, (__m128)b);
    if constexpr (sizeof(V) == 16 && !is_float) return (V)_mm_min_pd((__m128d)a, (__m128d)b);
#endif
    return select<V>(a < b, a, b);
}

template <class V>
inline V magnitude(V a) {
    return select<V>(a < V{}, -a, a);
}

template <class V>
struct Lanes;  // 0, 1, 2 … as a vector of integers

template <class V, int... I>
struct LanesOf {
    static inline Mask<V> value() { return Mask<V>{I...}; }
    // Stage h of a transposition of two rows: their blocks of h lanes change places across the diagonal.
    template <int H>
    static inline V low(V a, V b) {
#if defined(__clang__)
        return __builtin_shufflevector(a, b, ((I & H) ? (I - H + lanes<V>) : I)...);
#else
        return __builtin_shuffle(a, b, Mask<V>{((I & H) ? (I - H + lanes<V>) : I)...});
#endif
    }
    template <int H>
    static inline V high(V a, V b) {
#if defined(__clang__)
        return __builtin_shufflevector(a, b, ((I & H) ? (I + lanes<V>) : (I + H))...);
#else
        return __builtin_shuffle(a, b, Mask<V>{((I & H) ? (I + lanes<V>) : (I + H))...});
#endif
    }
};

template <class V, int N>
struct LanesFor;
template <class V>
struct LanesFor<V, 2> : LanesOf<V, 0, 1> {};
template <class V>
struct LanesFor<V, 4> : LanesOf<V, 0, 1, 2, 3> {};
template <class V>
struct LanesFor<V, 8> : LanesOf<V, 0, 1, 2, 3, 4, 5, 6, 7> {};
template <class V>
struct LanesFor<V, 16> : LanesOf<V, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15> {};
template <class V>
struct Lanes : LanesFor<V, lanes<V>> {};

// The first `count` lanes of v, 0 in the others.
template <class V>
inline V keep_first(V v, int count) {
    const Mask<V> number = Lanes<V>::value();
    return select<V>(number < static_cast<Element<Mask<V>>>(count), v, V{});
}

// Sum over the lanes, always in the same order: halves onto halves.
template <class V>
inline Element<V> sum(V v) {
    if constexpr (lanes<V> == 2) {
        return v[0] + v[1];
    } else {
        using Half = typename Vector<Element<V>, lanes<V> / 2>::type;
        Half halves[2];
        __builtin_memcpy(halves, &v, sizeof v);
        return sum<Half>(halves[0] + halves[1]);
    }
}

// Square roots have no operator. (The masked form spares GCC a warning of its own about an undefined register.)
template <class V>
inline V square_root(V v) {
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64 && sizeof(Element<V>) == 4) return (V)_mm512_maskz_sqrt_ps(0xFFFF, (__m512)v);
    if constexpr (sizeof(V) == 64 && sizeof(Element<V>) == 8) return (V)_mm512_maskz_sqrt_pd(0xFF, (__m512d)v);
#endif
#if defined(__AVX__)
    if constexpr (sizeof(V) == 32 && sizeof(Element<V>) == 4) return (V)_mm256_sqrt_ps((__m256)v);
    if constexpr (sizeof(V) == 32 && sizeof(Element<V>) == 8) return (V)_mm256_sqrt_pd((__m256d)v);
#endif
#if defined(__SSE2__)
    if constexpr (sizeof(V) == 16 && sizeof(Element<V>) == 4) return (V)_mm_sqrt_ps((__m128)v);
    if constexpr (sizeof(V) == 16 && sizeof(Element<V>) == 8) return (V)_mm_sqrt_pd((__m128d)v);
#elif defined(__aarch64__)
    if constexpr (sizeof(V) == 16 && sizeof(Element<V>) == 4) return (V)vsqrtq_f32((float32x4_t)v);
    if constexpr (sizeof(V) == 16 && sizeof(Element<V>) == 8) return (V)vsqrtq_f64((float64x2_t)v);
#endif
    V root;
    for (int i = 0; i < lanes<V>; ++i)
        root[i] = sizeof(Element<V>) == 4 ? __builtin_sqrtf(v[i]) : __builtin_sqrt(v[i]);
    return root;
}

// Whether all that it has seen was finite: a − a is 0 for a finite a, else not a number. Bits are gathered, because sums
// would have to wait for one another.
template <class V>
class Finite {
public:
    void see(V a) { bits_ |= (Mask<V>)(a - a); }
    bool all() const {
        uint64_t words[sizeof(V) / 8], any = 0;
        __builtin_memcpy(words, &bits_, sizeof words);
        for (const uint64_t word : words) any |= word;
        return any == 0;
    }

private:
    Mask<V> bits_{};
};

// The square block of rows at `rows` changes rows and columns.
template <class V, int H = lanes<V> / 2>
inline void transpose(V* rows) {
    if constexpr (H > 0) {
#pragma GCC unroll 16
        for (int i = 0; i < lanes<V>; ++i) {
            if (i & H) continue;
            const V a = rows[i], b = rows[i + H];
            rows[i] = Lanes<V>::template low<H>(a, b);
            rows[i + H] = Lanes<V>::template high<H>(a, b);
        }
        transpose<V, H / 2>(rows);
    }
}
