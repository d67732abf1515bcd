// For tests and benchmarks: the products on matrices as people write them, and the peak of this instruction set.

template <class T>
int64_t padded(int64_t n) {
    return (n + WIDTH<T> - 1) / WIDTH<T> * WIDTH<T>;
}

template <class T>
int64_t multiply_space(int64_t n, int64_t k, int64_t m) {
    return (padded<T>(n) * (k + m) + padded<T>(k) * m + padded<T>(m) * k) * static_cast<int64_t>(sizeof(T));
}

// A matrix (rows, columns), row by row, in panels [rows/W][columns][W], surplus lanes 0; and back.
template <class T>
void into_panels(const T* from, T* to, int64_t rows, int64_t columns) {
    constexpr int64_t W = WIDTH<T>;
    for (int64_t r = 0; r < padded<T>(rows); ++r)
        for (int64_t c = 0; c < columns; ++c)
            to[(r / W * columns + c) * W + r % W] = r < rows ? from[r * columns + c] : T(0);
}
template <class T>
void from_panels(const T* from, T* to, int64_t rows, int64_t columns) {
    constexpr int64_t W = WIDTH<T>;
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c) to[r * columns + c] = from[(r / W * columns + c) * W + r % W];
}

template <class T>
void multiply_rows(const T* A, const T* B, T* C, int64_t n, int64_t k, int64_t m, bool across, void* space) {
    constexpr int64_t W = WIDTH<T>;
    T* z = static_cast<T*>(space);
    T* out = z + padded<T>(n) * k;
    T* weights = out + padded<T>(n) * m;
    into_panels(A, z, n, k);
    if (across) {
        into_panels(B, weights, m, k);
        multiply<true>(Product<T>{weights, k * W, z, k * W, out, m * W, m, k, 0, padded<T>(n) / W});
    } else {
        into_panels(B, weights, k, m);
        multiply<false>(Product<T>{weights, m * W, z, k * W, out, m * W, m, k, 0, padded<T>(n) / W});
    }
    from_panels(out, C, n, m);
}

template <class T>
double fma_peak(double seconds, double (*clock)()) {
    using V = Wide<T>;
    constexpr int CHAINS = 12;
    V sums[CHAINS], factor = splat<V>(T(0.999)), term = splat<V>(T(0.001));
    for (V& sum : sums) sum = splat<V>(T(0.5));
    const double begin = clock();
    double now = begin, done = 0.0;
    while ((now = clock()) - begin < seconds) {
        for (int turn = 0; turn < 100000; ++turn) {
#pragma GCC unroll 12
            for (int c = 0; c < CHAINS; ++c) sums[c] = sums[c] * factor + term;
            __asm__ volatile("" : "+r"(turn));  // the loop is not to be thought away
        }
        done += 100000.0 * CHAINS * 2.0 * WIDTH<T>;
    }
    V total = sums[0];
    for (int c = 1; c < CHAINS; ++c) total += sums[c];
    volatile T sink = sum(total);
    (void)sink;
    return done / (now - begin) * 1e-9;
}
