// Products of matrices kept in panels, C = A B or C += A B: the one kernel behind both passes and the weights' gradient.
//
// A panel is W = WIDTH<T> columns of a matrix stored row after row, so that a vector of W numbers is one load, and a walk
// down the panel is one stream. Three matrices of a layer (rows n, units below k, units above j) are kept so:
//   W  [k/W][j][W]     weights; the optimizer works on the panels, nothing is repacked between steps
//   z  [n/W][k][W]     what enters the layer, a vector being W rows of the batch; a and δ likewise, [n/W][j][W]
//   zᵀ [k/W][n][W]     the same numbers, a vector being W units
// and the three products take every operand as it lies:
//   forward   a[n][j]  = Σ_k W[k][j] z[n][k]     A = W along its panels,  B = z,  C = a
//   gradient  ∂W[k][j] = Σ_n δ[n][j] zᵀ[k][n]    A = δ along its panels,  B = zᵀ, C = ∂W
//   backward  ∂z[n][k] = Σ_j W[k][j] δ[n][j]     A = W across its panels, B = δ,  C = ∂z
//
// A tile of ROWS rows × VECTORS vectors of C stays in registers while its sum runs (Goto & van de Geijn 2008). Every
// element of C is summed in the order of t, however the tiles are shared among threads.

constexpr int ROWS = THALWEG_ROWS;        // rows of a tile of C
constexpr int VECTORS = THALWEG_VECTORS;  // vectors of a tile of C

// Terms of the sum, and rows of A, that stay in cache together: 192 × 48 floats of B are 36 KB, of A 96 KB.
constexpr int64_t TERMS_AT_ONCE = 192;
constexpr int64_t ROWS_AT_ONCE = 128;

template <class T>
struct Product {
    const T* A;
    ptrdiff_t a_panel;  // from one panel of A to the next, in elements; likewise below
    const T* B;
    ptrdiff_t b_panel;
    T* C;
    ptrdiff_t c_panel;
    int64_t rows, terms;        // of A
    int64_t first, last;        // vectors (panels) of B and C to compute
    const T* bias = nullptr;    // C starts from bias[row] …
    bool add = false;           // … or from what it holds, else from 0
};

template <class T, bool across, int R, int N>
void tile(const T* A, ptrdiff_t a_panel, const T* B, ptrdiff_t b_panel, T* C, ptrdiff_t c_panel, int64_t terms,
                 const T* bias, bool add) {
    using V = Wide<T>;
    constexpr int W = WIDTH<T>;
    V sums[R][N];
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
        for (int v = 0; v < N; ++v) sums[i][v] = V{};
    if (bias)
#pragma GCC unroll 8
        for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
            for (int v = 0; v < N; ++v) sums[i][v] = splat<V>(bias[i]);
    if (add)
#pragma GCC unroll 8
        for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
            for (int v = 0; v < N; ++v) sums[i][v] = load<V>(C + v * c_panel + i * W);

    const auto term = [&](const T* a) __attribute__((always_inline)) {
        V b[N];
#pragma GCC unroll 8
        for (int v = 0; v < N; ++v) b[v] = load<V>(B + v * b_panel);
#pragma GCC unroll 8
        for (int i = 0; i < R; ++i) {
            const V factor = splat<V>(a[across ? i : i * W]);
#pragma GCC unroll 8
            for (int v = 0; v < N; ++v) sums[i][v] += factor * b[v];
        }
        B += W;
    };
    if constexpr (across) {
        for (int64_t t = 0; t < terms; ++t) term(A + t * W);
    } else {
        for (; terms >= W; terms -= W, A += a_panel)
            for (int t = 0; t < W; ++t) term(A + t);
        for (int t = 0; t < terms; ++t) term(A + t);
    }
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
        for (int v = 0; v < N; ++v) store(C + v * c_panel + i * W, sums[i][v]);
}

template <class T>
using Tile = void (*)(const T*, ptrdiff_t, const T*, ptrdiff_t, T*, ptrdiff_t, int64_t, const T*, bool);

// The tile functions by size.
template <class T, bool across>
struct Tiles {
    Tile<T> of[ROWS + 1][VECTORS + 1] = {};

    constexpr Tiles() { fill<1, 1>(); }

private:
    template <int R, int N>
    constexpr void fill() {
        of[R][N] = &tile<T, across, R, N>;
        if constexpr (N < VECTORS) {
            fill<R, N + 1>();
        } else if constexpr (R < ROWS) {
            fill<R + 1, 1>();
        }
    }
};

template <class T, bool across>
constexpr Tiles<T, across> TILES{};

// Vectors of the next tile: as many as fit, but no single one is left over, which would run at half the speed.
inline int vectors_of(int64_t left) {
    if (VECTORS > 2 && left == VECTORS + 1) return VECTORS - 1;
    return static_cast<int>(left < VECTORS ? left : VECTORS);
}

struct Nothing {
    void operator()(int64_t, int64_t, int64_t, int) const {}
};

// C = (bias or C or 0) + A B over the panels [first, last); `finish(row, rows, panel, panels)` follows each column of tiles
// of C when its sums are complete and still in the cache. (Not each tile: what has just been stored cannot be loaded before
// it has left the processor, and the next tile would wait with it.)
template <bool across, class T, class Finish = Nothing>
inline void multiply(const Product<T>& p, Finish&& finish = {}) {
    constexpr int64_t W = WIDTH<T>;
    constexpr int64_t R = across && W < ROWS ? W : ROWS;  // a tile across lies within one panel
    int64_t from = 0;
    do {
        const int64_t terms = p.terms - from < TERMS_AT_ONCE ? p.terms - from : TERMS_AT_ONCE;
        const bool is_last = from + terms == p.terms;
        for (int64_t block = 0; block < p.rows; block += ROWS_AT_ONCE) {
            const int64_t end = block + ROWS_AT_ONCE < p.rows ? block + ROWS_AT_ONCE : p.rows;
            for (int64_t v = p.first; v < p.last;) {
                const int n = vectors_of(p.last - v);
                for (int64_t i = block; i < end;) {
                    const int64_t left = (across && end - i > W - i % W ? W - i % W : end - i);
                    const int r = static_cast<int>(left < R ? left : R);
                    const T* A = across ? p.A + i / W * p.a_panel + i % W + from * W : p.A + from / W * p.a_panel + i * W;
                    TILES<T, across>.of[r][n](A, p.a_panel, p.B + v * p.b_panel + from * W, p.b_panel,
                                              p.C + v * p.c_panel + i * W, p.c_panel, terms,
                                              from == 0 && p.bias ? p.bias + i : nullptr, from > 0 || p.add);
                    i += r;
                }
                if (is_last) finish(block, end - block, v, n);
                v += n;
            }
        }
        from += terms;
    } while (from < p.terms);
}
