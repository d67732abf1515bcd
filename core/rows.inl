// Both passes for one row after another: incremental gradient descent and other small steps, where a vector of rows would
// be mostly empty. A vector is N units of one layer; everything stays in the first-level cache, on one thread.
//
// Parameters lie as the public vector has them, row by row without gaps, so that a network of 12 weights is one vector to
// the optimizer. A vector may therefore reach over the end of a row of W: when it is read, the surplus lanes meet a 0 of
// δ or are cut off; when ∂E/∂W is written, the rows follow in ascending order and each puts right what the one before
// has overrun.

template <class T>
struct RowLayer {
    Layer layer;
    bool from_a;  // g′ is computed from a
    const T* below;  // what enters the layer; for the first one, set for each row of X
    T* a;
    T* z;
    T* masked;  // z times mask; z itself without dropout
    T* mask;    // null without dropout
    T* delta;   // 0 behind the last unit
};

template <class T, int N>
class Rows {
public:
    using V = typename Vector<T, N>::type;
    using Few = typename Vector<T, 16 / sizeof(T)>::type;  // the output layer: one row in every lane

    Rows(const Job<T>& job, Space& space) {
        n_layers_ = job.network.n_layers;
        layers_ = space.template take<RowLayer<T>>(n_layers_);
        int n_segments = 0;
        const T* below = nullptr;
        for (int l = 0; l < n_layers_; ++l) {
            const Layer& layer = job.network.layers[l];
            n_segments += layer.biases < 0 ? 1 : 2;
            const int64_t size = (layer.above + N - 1) / N * N + N;
            RowLayer<T> row{layer, saves_a(layer.activation), below, nullptr, nullptr, nullptr, nullptr, nullptr};
            row.a = space.template take<T>(size);
            row.z = space.template take<T>(size);
            row.delta = space.template take<T>(size);
            row.masked = row.z;
            if (layer.dropout > 0.0) {
                row.mask = space.template take<T>(size);
                row.masked = space.template take<T>(size);
            }
            below = row.masked;
            if (layers_) layers_[l] = row;
        }
        constexpr int64_t FEW = lanes<Few>;
        const int64_t outputs = job.network.layers[n_layers_ - 1].above;
        for (T*& array : output_) array = space.template take<T>(outputs * FEW);
        outputs_ = space.template take<Finite<V>>(n_layers_);
        bad_gradients_ = space.template take<bool>(n_layers_);
        constexpr int64_t W = WIDTH<T>;
        descent_.lay_out(space, job, (job.network.n_parameters + W - 1) / W * W, n_segments);
        if (!layers_) return;
        Segment* segment = descent_.segments;
        for (int l = 0; l < n_layers_; ++l) {
            const Layer& layer = layers_[l].layer;
            *segment++ = {layer.weights, layer.weights + layer.below * layer.above, l, true};
            if (layer.biases >= 0) *segment++ = {layer.biases, layer.biases + layer.above, l, false};
            const int64_t size = (layer.above + N - 1) / N * N + N;
            for (int64_t j = 0; j < size; ++j) layers_[l].a[j] = layers_[l].z[j] = layers_[l].delta[j] = 0;
            if (layers_[l].mask)
                for (int64_t j = 0; j < size; ++j) layers_[l].masked[j] = layers_[l].mask[j] = 0;
        }
        n_parameters_ = job.network.n_parameters;
        pack(job.parameters, descent_.vectors.p);
        for (int i = 0; i < job.n_moments; ++i) pack(job.moments[i], descent_.vectors.moments[i]);
        for (int64_t i = 0; i < descent_.n + 2 * W; ++i) descent_.vectors.g[i] = 0;
    }

    void pack(const T* from, T* to) const {
        for (int64_t i = 0; i < descent_.n + 2 * WIDTH<T>; ++i) to[i] = i < n_parameters_ ? from[i] : T(0);
    }
    void unpack(const T* from, T* to) const { __builtin_memcpy(to, from, static_cast<size_t>(n_parameters_) * sizeof(T)); }
    const Vectors<T>& vectors() const { return descent_.vectors; }

    void run(Job<T>& job) {
        descent_.begin(job);
        for (int64_t step = 0; step < job.steps; ++step) {
            const int64_t first = step * job.batch;
            const int64_t count = first + job.batch < job.rows ? job.batch : job.rows - first;
            const double weight = weight_of(job, first, count);
            if (weight > 0.0) {
                double loss = gradient(job, first, count, step, weight);
                for (int l = 0; l < n_layers_; ++l) bad_gradients_[l] = false;
                if (descent_.needs_squares) {
                    descent_.weigh(weight);
                    descent_.look(0, descent_.n, bad_gradients_);
                    loss += descent_.penalty();
                } else {
                    descent_.check(0, descent_.n, bad_gradients_);
                }
                if (breaks(job, loss, step)) return;
                descent_.update(0, descent_.n, descent_.next_step(job.rates[step]));
                job.t = descent_.t;
                job.losses[step] = loss;
            } else {
                job.losses[step] = __builtin_nan("");
            }
            job.steps_done = step + 1;
            if ((step + 1) % job.poll_every == 0 && step + 1 < job.steps && job.poll(job.poller)) {
                job.interrupted = true;
                return;
            }
        }
    }

private:
    // The objective without penalty; its gradient is left in the vectors of Descent.
    double gradient(const Job<T>& job, int64_t first, int64_t count, int64_t step, double weight) {
        const double divisor = job.network.mean ? weight : 1.0;
        const int64_t outputs = layers_[n_layers_ - 1].layer.above;
        double total = 0.0;
        for (int l = 0; l < n_layers_; ++l) outputs_[l] = Finite<V>();
        answers_ = Finite<Few>();
        for (int64_t n = 0; n < count; ++n) {
            const int64_t row = row_at(job, first + n);
            const double s = job.weights ? static_cast<double>(job.weights[row]) : 1.0;
            layers_[0].below = job.X + row * layers_[0].layer.below;
            for (int l = 0; l < n_layers_; ++l) forward(job, l, n, step);
            total += s * output(job, job.Y + row * outputs, T(s / divisor));
            for (int l = n_layers_ - 1; l > 0; --l) backward(l);
            for (int l = 0; l < n_layers_; ++l)
                narrowly(l, [&]<class U>(U) { n == 0 ? outer_product<U, false>(l) : outer_product<U, true>(l); });
        }
        return total / divisor;
    }

    // Calls use(U{}) with the vectors for products with this layer's W: short ones do for a few units above.
    template <class Use>
    void narrowly(int l, Use&& use) const {
        if (N > lanes<Few> && layers_[l].layer.above <= lanes<Few>) return use(Few{});
        use(V{});
    }

    // (2), (3): a_j = Σ_i z_i W_ij + b_j, z = g(a).
    void forward(const Job<T>& job, int l, int64_t n, int64_t step) {
        const RowLayer<T>& row = layers_[l];
        const int64_t above = row.layer.above;
        narrowly(l, [&]<class U>(U) {
            constexpr int64_t M = lanes<U>;
            int64_t j = 0;
            for (; j + 3 * M < above; j += 4 * M) weighted_sums<U, 4>(row, j);
            for (; j + M < above; j += 2 * M) weighted_sums<U, 2>(row, j);
            for (; j < above; j += M) weighted_sums<U, 1>(row, j);
        });
        const bool is_last = l + 1 == n_layers_;
        Finite<V> finite = outputs_[l];
        const V setting = splat<V>(T(row.layer.parameter));
        if (row.mask) draw_mask(job, l, n, step);
        static constexpr Layer LINEAR;  // the output belongs to the loss
        with_activation<V>(is_last ? LINEAR : row.layer, [&](auto g) {
            for (int64_t i = 0; i < above; i += N) {
                V a = load<V>(row.a + i);
                if (i + N > above) {
                    a = keep_first(a, static_cast<int>(above - i));
                    store(row.a + i, a);
                }
                finite.see(a);
                V z = g.g(a, setting);
                if constexpr (overflows<decltype(g)>) {
                    if (i + N > above) z = keep_first(z, static_cast<int>(above - i));  // g(0) may be no number
                    finite.see(z);
                }
                store(row.z + i, z);
                if (row.mask) store(row.masked + i, z * load<V>(row.mask + i));
            }
        });
        outputs_[l] = finite;
    }

    // M vectors of a from unit j on; where they are few, the sum runs in several chains to hide the latency of adding.
    template <class U, int M>
    void weighted_sums(const RowLayer<T>& row, int64_t j) {
        constexpr int CHAINS = 4 / M, WIDE = lanes<U>;
        const int64_t below = row.layer.below, above = row.layer.above;
        const T* W = descent_.vectors.p + row.layer.weights + j;
        U sums[CHAINS][M] = {};
        if (row.layer.biases >= 0)
            for (int m = 0; m < M; ++m) sums[0][m] = load<U>(descent_.vectors.p + row.layer.biases + j + m * WIDE);
        int64_t i = 0;
        for (; i + CHAINS <= below; i += CHAINS)
#pragma GCC unroll 4
            for (int c = 0; c < CHAINS; ++c)
#pragma GCC unroll 4
                for (int m = 0; m < M; ++m)
                    sums[c][m] += splat<U>(row.below[i + c]) * load<U>(W + (i + c) * above + m * WIDE);
        for (; i < below; ++i)
            for (int m = 0; m < M; ++m) sums[0][m] += splat<U>(row.below[i]) * load<U>(W + i * above + m * WIDE);
        if (below >= CHAINS)
            for (int m = 0; m < M; ++m)
                for (int c = 1; c < CHAINS; ++c) sums[0][m] += sums[c][m];
        for (int m = 0; m < M; ++m) store(row.a + j + m * WIDE, sums[0][m]);
    }

    // to[i] = value(i) for `count` units, 0 behind them. Short vectors are put together before they are stored: a vector
    // that is loaded soon after its numbers were stored one by one has to wait until they have left the processor.
    template <class Value>
    static void gather(T* to, int64_t count, Value&& value) {
        constexpr int FEW = lanes<Few>;
        if (N > FEW && count > FEW) {
            for (int64_t i = 0; i < count; ++i) to[i] = value(i);
            return;
        }
        for (int64_t i = 0; i < count; i += FEW) {
            Few few{};
#pragma GCC unroll 4
            for (int lane = 0; lane < FEW; ++lane)
                if (i + lane < count) few[lane] = value(i + lane);
            store(to + i, few);
        }
    }

    // (4), (5): E and δ⁽ᴸ⁾ of this row.
    double output(const Job<T>& job, const T* y, T factor) {
        constexpr int FEW = lanes<Few>;
        const RowLayer<T>& last = layers_[n_layers_ - 1];
        const int64_t units = last.layer.above;
        for (int64_t k = 0; k < units; ++k) store(output_[0] + k * FEW, splat<Few>(last.a[k]));
        const Few E = output_layer<Few>(last.layer, job.network, output_[0], output_[1], output_[2], FEW,
                                        [y](int64_t k) { return splat<Few>(y[k]); }, splat<Few>(factor), true,
                                        answers_);
        gather(last.delta, units, [&](int64_t k) { return output_[2][k * FEW]; });
        return static_cast<double>(E[0]);
    }

    // (6), (7): δ_j = (Σ_k δ_k W_jk) g′(a_j) of the layer under l.
    void backward(int l) {
        const RowLayer<T>& row = layers_[l];
        const RowLayer<T>& under = layers_[l - 1];
        const int64_t below = row.layer.below, above = row.layer.above;
        const T* W = descent_.vectors.p + row.layer.weights;
        narrowly(l, [&]<class U>(U) {
            gather(under.delta, below, [&](int64_t i) {
                U total{};
                for (int64_t j = 0; j < above; j += lanes<U>)
                    total += load<U>(W + i * above + j) * load<U>(row.delta + j);
                return sum(total);
            });
        });
        const T* saved = under.from_a ? under.a : under.z;
        const V setting = splat<V>(T(under.layer.parameter));
        with_activation<V>(under.layer, [&](auto g) {
            for (int64_t i = 0; i < below; i += N) {
                V dz = load<V>(under.delta + i);
                if (under.mask) dz *= load<V>(under.mask + i);
                const V delta = dz * g.slope(load<V>(saved + i), setting);
                store(under.delta + i, i + N > below ? keep_first(delta, static_cast<int>(below - i)) : delta);
            }
        });
    }

    // ∂E/∂W_ij = z_i δ_j and ∂E/∂b_j = δ_j, put down for the first row of a step and added for the others (L13).
    template <class U, bool add>
    void outer_product(int l) {
        const RowLayer<T>& row = layers_[l];
        const int64_t below = row.layer.below, above = row.layer.above;
        T* g = descent_.vectors.g + row.layer.weights;
        const auto put = [](T* to, U value) { store(to, add ? load<U>(to) + value : value); };
        for (int64_t i = 0; i < below; ++i) {
            const U z = splat<U>(row.below[i]);
            for (int64_t j = 0; j < above; j += lanes<U>) put(g + i * above + j, z * load<U>(row.delta + j));
        }
        if (row.layer.biases < 0) return;
        T* db = descent_.vectors.g + row.layer.biases;
        for (int64_t j = 0; j < above; j += lanes<U>) put(db + j, load<U>(row.delta + j));
    }

    void draw_mask(const Job<T>& job, int l, int64_t n, int64_t step) {
        const RowLayer<T>& row = layers_[l];
        const int64_t units = row.layer.above;
        const T kept = T(1) / T(1.0 - row.layer.dropout);
        Masks masks(job.seed, job.epoch, static_cast<uint64_t>(step * n_layers_ + l), row.layer.dropout);
        for (int64_t j = 0; j < units; ++j)
            row.mask[j] = masks.keeps(static_cast<uint64_t>(n * units + j)) ? kept : T(0);
    }

    bool breaks(Job<T>& job, double loss, int64_t step) {
        job.broken = first_broken(
            n_layers_, loss, step, [&](int l) { return !outputs_[l].all() || (l + 1 == n_layers_ && !answers_.all()); },
            [&](int l) { return bad_gradients_[l]; });
        return job.broken.what != What::nothing;
    }

    int n_layers_;
    int64_t n_parameters_ = 0;
    RowLayer<T>* layers_;
    T* output_[3];        // a, z, δ of the outputs, each number in every lane of a Few
    Finite<V>* outputs_;  // of each layer
    Finite<Few> answers_;  // z of the last layer
    bool* bad_gradients_;
    Descent<T> descent_;
};
