// Predictions of a few rows, straight from the public vector of parameters: putting it into panels for Batch would take
// many times as long as the products do. Sums run as there, term after term, so that a row has the same bits in any company.
//
// Each W is read once and from front to back, some of its rows at a time for all rows of X, so that it comes at the speed
// of the memory; the sums wait in the first-level cache. A vector may reach over the end of a row of W, where its surplus
// lanes meet what comes next and count nothing, but never over the end of the parameters.

// Measured: for twice as many, packing and whole vectors of rows begin to pay (57-20-2 to 1024-2048-10, all sets).
constexpr int64_t FEW_ROWS = 8;

template <class T>
class Unpacked {
public:
    Unpacked(const Job<T>& job, Space& space) : size_(padded(job.network.layers[0].above)) {
        const Network& network = job.network;
        for (int l = 1; l < network.n_layers; ++l)
            if (const int64_t size = padded(network.layers[l].above); size > size_) size_ = size;
        for (T*& array : sums_) array = space.template take<T>(job.rows * size_);
        for (T*& array : output_) array = space.template take<T>(network.layers[network.n_layers - 1].above * BESIDE);
    }

    void run(Job<T>& job) const {
        const Network& network = job.network;
        const T* below = job.X;
        int64_t stride = network.layers[0].below;  // from one row of `below` to the next
        for (int l = 0; l < network.n_layers; ++l) {
            const Layer& layer = network.layers[l];
            T* a = sums_[l % 2];
            weighted_sums(job, layer, below, stride, a);
            below = a;
            stride = size_;
            if (l + 1 == network.n_layers) break;  // the output belongs to the loss
            with_activation<V>(layer, [&](auto g) {
                const V setting = splat<V>(T(layer.parameter));
                for (int64_t n = 0; n < job.rows; ++n) {
                    T* z = a + n * size_;
                    each_value(g, z, padded(layer.above), setting, [&](int64_t i, V, V out) { store(z + i, out); });
                }
            });
        }
        for (int64_t n = 0; n < job.rows; n += BESIDE) hand_out(job, below, n);
    }

private:
    using V = Wide<T>;
    using Beside = typename Vector<T, 16 / sizeof(T)>::type;  // the output layer: rows side by side
    static constexpr int64_t W = WIDTH<T>, BESIDE = lanes<Beside>;
    static constexpr int TOGETHER = 4;  // rows of a W, so that sums are fetched and put back a quarter as often

    static int64_t padded(int64_t units) { return (units + W - 1) / W * W; }

    // (2), (3): a_j = Σ_i z_i W_ij + b_j for all rows.
    void weighted_sums(const Job<T>& job, const Layer& layer, const T* z, int64_t stride, T* a) const {
        const int64_t above = layer.above, left = job.network.n_parameters - layer.weights - padded(above);
        const T* const weights = job.parameters + layer.weights;
        for (int64_t j = 0; j < above; j += W) {
            const V b = layer.biases < 0 ? V{} : load_within<true>(job.parameters + layer.biases + j, above - j);
            for (int64_t n = 0; n < job.rows; ++n) store(a + n * size_ + j, b);
        }
        // Rows of W behind which there are parameters enough for whole vectors.
        const int64_t whole = left < 0 ? 0 : left / above + 1 < layer.below ? left / above + 1 : layer.below;
        const auto each_row = [&](auto add, int64_t i) {
            for (int64_t n = 0; n < job.rows; ++n) add(weights + i * above, z + n * stride + i, a + n * size_, above);
        };
        int64_t i = 0;
        for (; i + TOGETHER <= whole; i += TOGETHER) each_row(add_rows<TOGETHER, false>, i);
        for (; i < layer.below; ++i) each_row(add_rows<1, true>, i);
    }

    // The products of so many z with their rows of W are added to the sums.
    template <int ROWS_OF_W, bool at_the_end>
    static void add_rows(const T* weights, const T* z, T* sums, int64_t above) {
        V factors[ROWS_OF_W];
        for (int r = 0; r < ROWS_OF_W; ++r) factors[r] = splat<V>(z[r]);
        for (int64_t j = 0; j < above; j += W) {
            V total = load<V>(sums + j);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS_OF_W; ++r)
                total += factors[r] * load_within<at_the_end>(weights + r * above + j, above - j);
            store(sums + j, total);
        }
    }

    // A vector of which `count` lanes count; `at_the_end` none but those may be read.
    template <bool at_the_end>
    static V load_within(const T* from, int64_t count) {
        return at_the_end && count < W ? load_some<V>(from, static_cast<int>(count)) : load<V>(from);
    }

    // ŷ of the rows from n on, as many as stand side by side; behind the last one, copies of it.
    void hand_out(const Job<T>& job, const T* a, int64_t n) const {
        const Layer& last = job.network.layers[job.network.n_layers - 1];
        const int64_t units = last.above, count = job.rows - n < BESIDE ? job.rows - n : BESIDE;
        for (int64_t r = 0; r < BESIDE; ++r) {
            const T* row = a + (n + (r < count ? r : count - 1)) * size_;
            for (int64_t j = 0; j < units; ++j) output_[0][j * BESIDE + r] = row[j];
        }
        Finite<Beside> unused;
        output_layer<Beside>(last, job.network, output_[0], output_[1], static_cast<T*>(nullptr), BESIDE,
                             [](int64_t) { return Beside{}; }, Beside{}, false, unused);
        for (int64_t r = 0; r < count; ++r)
            for (int64_t j = 0; j < units; ++j) job.out[(n + r) * units + j] = output_[1][j * BESIDE + r];
    }

    int64_t size_;  // places for the sums of one row
    T* sums_[2];    // of this layer and of the one below, [row][unit]
    T* output_[2];  // a and z of the outputs, [unit][row]
};
