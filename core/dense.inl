// A dense layer for many rows at once, a vector being W = WIDTH<T> of them; matmul.inl tells how the matrices lie. Batch
// goes through a list of layers and asks each for what it does: another kind of layer would answer to the same names.

struct Range {
    int64_t first, last;
};

template <class T>
struct Dense {
    using V = Wide<T>;
    static constexpr int64_t W = WIDTH<T>;

    Layer layer;
    int64_t inner_panels;     // of units below
    int64_t weights, biases;  // where they begin in the vectors of Descent; biases −1 where there are none
    int64_t rows;             // that are in memory
    T* z_below;               // [rows/W][below][W]: what enters the layer
    T* z_below_by_unit;       // [below/W][rows][W]: its transpose; only where a gradient is wanted
    T* a;                     // [rows/W][above][W], where it is needed after z is known, else null
    T* z;                     // likewise; the next layer's z_below unless there is dropout
    T* mask;                  // likewise: 0 or 1/(1 − dropout); null without dropout
    T* delta;                 // likewise: ∂E/∂a

    // (2), (3): a = z W + b, and z = g(a) unless the layer is the last, whose output belongs to the loss; `masked` gets
    // z times the mask. Returns whether every a is finite.
    bool forward(const T* p, Range panels, bool is_last, T* masked) const {
        Finite<V> finite;
        const int64_t panel_size = layer.above * W;
        const Product<T> product{p + weights, panel_size, z_below, layer.below * W, a ? a : z, panel_size, layer.above,
                                 layer.below, panels.first, panels.last, biases < 0 ? nullptr : p + biases};
        const V setting = splat<V>(T(layer.parameter));
        multiply<false>(product, [&](int64_t row, int64_t count, int64_t panel, int panel_count) {
            Finite<V> seen = finite;  // a copy that stays in a register
            for (int64_t at = panel; at < panel + panel_count; ++at) {
                const int64_t begin = at * panel_size + row * W, end = begin + count * W;
                if (is_last) {
                    for (int64_t i = begin; i < end; i += W) seen.see(load<V>(product.C + i));
                    continue;
                }
                with_activation<V>(layer, [&](auto g) {
                    Finite<V> inner = seen;
                    each_value(g, product.C + begin, end - begin, setting, [&](int64_t from, V in, V out) {
                        const int64_t i = begin + from;
                        inner.see(in);
                        if constexpr (overflows<decltype(g)>) inner.see(out);
                        store(z + i, out);
                        if (mask) store(masked + i, out * load<V>(mask + i));
                    });
                    seen = inner;
                });
            }
            finite = seen;
        });
        return finite.all();
    }

    // (6), (7): δ of the layer under this one.
    void backward(const T* p, Range panels, const Dense& under) const {
        const int64_t under_size = under.layer.above * W;
        const Product<T> product{p + weights, layer.above * W, delta, layer.above * W, under.delta, under_size,
                                 layer.below, layer.above, panels.first, panels.last};
        const T* saved = under.a ? under.a : under.z;
        const V setting = splat<V>(T(under.layer.parameter));
        multiply<true>(product, [&](int64_t row, int64_t count, int64_t panel, int panel_count) {
            with_activation<V>(under.layer, [&](auto g) {
                for (int64_t at = panel; at < panel + panel_count; ++at) {
                    const int64_t begin = at * under_size + row * W;
                    each_slope(g, saved + begin, count * W, setting, [&](int64_t from, V slope) {
                        const int64_t i = begin + from;
                        V dz = load<V>(under.delta + i);
                        if (under.mask) dz *= load<V>(under.mask + i);
                        store(under.delta + i, dz * slope);
                    });
                }
            });
        });
    }

    // ∂E/∂W = zᵀ δ and ∂E/∂b = Σ_n δ over the first `count` rows (L13, L15), put into g or added to it: part `part` of
    // `parts`, some panels of W, or some of its columns where those are more tiles. Returns whether all of it is finite.
    bool gradient(T* g, int64_t count, int64_t part, int64_t parts, bool add) const {
        const auto cut = [&](int64_t whole) { return Range{whole * part / parts, whole * (part + 1) / parts}; };
        const int64_t above = layer.above, tiles = (above + ROWS - 1) / ROWS;
        const Range tiled = cut(tiles);
        const Range mine{tiled.first * ROWS, tiled.last * ROWS < above ? tiled.last * ROWS : above};
        const bool by_panels = inner_panels >= tiles;
        const Range inner = by_panels ? cut(inner_panels) : Range{0, inner_panels};
        const Range columns = by_panels ? Range{0, above} : mine;
        const Product<T> product{delta + columns.first * W, above * W, z_below_by_unit, rows * W,
                                 g + weights + columns.first * W, above * W, columns.last - columns.first, count,
                                 inner.first, inner.last, nullptr, add};
        Finite<V> finite;
        multiply<false>(product, [&](int64_t row, int64_t row_count, int64_t panel, int panel_count) {
            Finite<V> seen = finite;
            for (int64_t at = panel; at < panel + panel_count; ++at)
                for (int64_t i = row; i < row + row_count; ++i)
                    seen.see(load<V>(product.C + at * product.c_panel + i * W));
            finite = seen;
        });
        if (biases >= 0) {
            for (int64_t j = mine.first; j < mine.last; ++j) {
                V total{};
                for (int64_t panel = 0; panel * W < count; ++panel) total += load<V>(delta + (panel * above + j) * W);
                T& db = g[biases + j];
                db = (add ? db : T(0)) + sum(total);
                finite.see(splat<V>(db));
            }
        }
        return finite.all();
    }

    // z_below of these panels of rows into its transpose, in blocks of W × W.
    void turn(Range panels) const {
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            for (int64_t inner = 0; inner < inner_panels; ++inner) {
                V block[W];
                const T* from = z_below + (panel * layer.below + inner * W) * W;
                if (const int64_t left = layer.below - inner * W; left >= W) {
                    for (int k = 0; k < W; ++k) block[k] = load<V>(from + k * W);
                } else {
                    for (int64_t k = 0; k < W; ++k) block[k] = k < left ? load<V>(from + k * W) : V{};
                }
                transpose(block);
                put(block, by_unit(inner, panel), W);
            }
        }
    }

    // Rows of examples, one pointer for each lane, into both forms of z_below.
    void take(const T* const* from, int64_t panel) const {
        const int64_t below = layer.below, whole = below / W;
        for (int64_t inner = 0; inner < inner_panels; ++inner) {
            V block[W];
            if (inner < whole) {
                for (int r = 0; r < W; ++r) block[r] = load<V>(from[r] + inner * W);
            } else {
                for (int r = 0; r < W; ++r) block[r] = load_some<V>(from[r] + inner * W, static_cast<int>(below % W));
            }
            if (z_below_by_unit) put(block, by_unit(inner, panel), W);
            transpose(block);
            put(block, z_below + (panel * below + inner * W) * W, inner < whole ? W : below % W);
        }
    }

    // Inverted dropout (Srivastava et al. 2014), drawn row by row; row 0 is number `done` of the step.
    void draw_mask(Range panels, int64_t done, Masks masks) const {
        const T kept = T(1) / T(1.0 - layer.dropout);
        const int64_t units = layer.above;
        for (int64_t n = panels.first * W; n < panels.last * W; ++n)
            for (int64_t j = 0; j < units; ++j)
                mask[(n / W * units + j) * W + n % W] =
                    masks.keeps(static_cast<uint64_t>((done + n) * units + j)) ? kept : T(0);
    }

    // The layer's weights and biases from the public vector into panels, surplus lanes left alone; and back.
    void pack(const T* from, T* to) const {
        const int64_t above = layer.above;
        for (int64_t k = 0; k < layer.below; ++k)
            for (int64_t j = 0; j < above; ++j)
                to[weights + (k / W * above + j) * W + k % W] = from[layer.weights + k * above + j];
        for (int64_t j = 0; biases >= 0 && j < above; ++j) to[biases + j] = from[layer.biases + j];
    }
    void unpack(const T* from, T* to) const {
        const int64_t above = layer.above;
        for (int64_t inner = 0; inner < inner_panels; ++inner) {
            const int64_t units = layer.below - inner * W < W ? layer.below - inner * W : W;
            for (int64_t j = 0; j < above; j += W) {
                const int64_t columns = above - j < W ? above - j : W;
                V block[W] = {};
                for (int64_t c = 0; c < columns; ++c) block[c] = load<V>(from + weights + (inner * above + j + c) * W);
                transpose(block);
                T* row = to + layer.weights + inner * W * above + j;
                for (int64_t k = 0; k < units; ++k, row += above) store_some(row, block[k], static_cast<int>(columns));
            }
        }
        for (int64_t j = 0; biases >= 0 && j < above; ++j) to[layer.biases + j] = from[biases + j];
    }

private:
    T* by_unit(int64_t inner, int64_t panel) const { return z_below_by_unit + (inner * rows + panel * W) * W; }

    // The first `count` vectors of a block.
    static void put(const V (&block)[W], T* to, int64_t count) {
        if (count == W) {
            for (int i = 0; i < W; ++i) store(to + i * W, block[i]);
        } else {
            for (int64_t i = 0; i < count; ++i) store(to + i * W, block[i]);
        }
    }
};
