// Both passes for many rows at once, a vector being W = WIDTH<T> rows of the batch (matmul.inl tells how matrices lie).
//
// A step is three pieces of work that threads share: panels of rows go forward to a⁽ᴸ⁾ and back to δ⁽¹⁾; parts of each W
// get their gradient; parts of the vector of parameters are updated. What a task computes does not depend on how the work
// was cut, and sums over rows run in the order of the rows: the result has the same bits for any number of threads.

// A layer's matrices for the rows that are in memory.
template <class T>
struct Dense {
    Layer layer;
    int64_t inner_panels;      // of units below
    int64_t weights, biases;   // where they begin in the vectors of Descent; biases −1 where there are none
    T* z_below;                // [rows/W][below][W]: what enters the layer
    T* z_below_by_unit;        // [below/W][rows][W]: its transpose; only where a gradient is wanted
    T* a;                      // [rows/W][above][W], where g′ is computed from a, else null
    T* z;                      // likewise; the next layer's z_below unless there is dropout
    T* mask;                   // likewise: 0 or 1/(1 − dropout); null without dropout
    T* delta;                  // likewise: ∂E/∂a
};

template <class T>
class Batch {
public:
    using V = Wide<T>;
    static constexpr int64_t W = WIDTH<T>;

    // Takes the memory for this job from `space`; called a second time with memory behind it.
    Batch(const Job<T>& job, Space& space) : wants_gradient_(job.task == Task::train || job.task == Task::gradient) {
        n_layers_ = job.network.n_layers;
        layers_ = space.template take<Dense<T>>(n_layers_);
        rows_at_once_ = rows_in_memory(job);
        const int64_t panels = rows_at_once_ / W;
        int64_t length = 0;
        T* below = space.template take<T>(rows_at_once_ * job.network.layers[0].below);
        for (int l = 0; l < n_layers_; ++l) {
            const Layer& layer = job.network.layers[l];
            const bool is_last = l + 1 == n_layers_;
            Dense<T> dense{};
            dense.layer = layer;
            dense.inner_panels = (layer.below + W - 1) / W;
            dense.weights = length;
            length += dense.inner_panels * layer.above * W;
            dense.biases = layer.biases < 0 ? -1 : length;
            if (layer.biases >= 0) length += (layer.above + W - 1) / W * W;
            dense.z_below = below;
            const int64_t size = panels * layer.above * W;
            if (wants_gradient_) dense.z_below_by_unit = space.template take<T>(dense.inner_panels * rows_at_once_ * W);
            if (wants_gradient_) dense.delta = space.template take<T>(size);
            if (is_last || (wants_gradient_ && saves_a(layer.activation))) dense.a = space.template take<T>(size);
            dense.z = space.template take<T>(size);
            below = dense.z;
            if (has_dropout(job, layer)) {
                dense.mask = space.template take<T>(size);
                below = space.template take<T>(size);
            }
            if (layers_) layers_[l] = dense;
        }
        targets_ = space.template take<T>(rows_at_once_ * job.network.layers[n_layers_ - 1].above);
        errors_ = space.template take<T>(rows_at_once_);
        factors_ = space.template take<T>(rows_at_once_);
        panel_losses_ = space.template take<double>(panels);
        poison_ = space.template take<T>(MAX_THREADS * 2 * n_layers_);
        parts_ = space.template take<Part>(n_layers_ + PARTS_PER_THREAD * MAX_THREADS);
        int n_segments = 0;
        for (int l = 0; l < n_layers_; ++l) n_segments += job.network.layers[l].biases < 0 ? 1 : 2;
        descent_.lay_out(space, job, length, n_segments);
        if (!layers_) return;
        Segment* segment = descent_.segments;
        for (int l = 0; l < n_layers_; ++l) {
            const Dense<T>& dense = layers_[l];
            *segment++ = {dense.weights, dense.weights + dense.inner_panels * dense.layer.above * W, l, true};
            if (dense.biases >= 0) *segment++ = {dense.biases, dense.biases + dense.layer.above, l, false};
        }
        pack(job.parameters, descent_.vectors.p);
        for (int i = 0; i < job.n_moments; ++i) pack(job.moments[i], descent_.vectors.moments[i]);
        for (int64_t i = 0; i < descent_.n; ++i) descent_.vectors.g[i] = 0;
    }

    // From the public layout to panels and back.
    void pack(const T* from, T* to) const {
        for (int64_t i = 0; i < descent_.n + 2 * W; ++i) to[i] = 0;
        each_weight([&](int64_t flat, int64_t packed) { to[packed] = from[flat]; });
    }
    void unpack(const T* from, T* to) const {
        each_weight([&](int64_t flat, int64_t packed) { to[flat] = from[packed]; });
    }
    const Vectors<T>& vectors() const { return descent_.vectors; }

    void run(Job<T>& job) {
        descent_.begin(job);
        switch (job.task) {
            case Task::train: return train(job);
            case Task::predict: return predict(job);
            default: return evaluate(job);
        }
    }

private:
    struct Range {
        int64_t first, last;
    };
    // A part of one layer's weights, as a task.
    struct Part {
        int layer;
        int64_t part, parts;
    };
    // The rows in memory: places [first, first + count) of the order, `done` rows of the step before them.
    struct Chunk {
        int64_t first, count, done, step;
        double divisor;  // of the sum over rows
        int64_t panels() const { return (count + W - 1) / W; }
    };

    // Parts that a thread gets of each piece of work: some, so that what a busy core leaves is taken by others.
    static constexpr int PARTS_PER_THREAD = 2;

    // work(task, thread) for each task.
    template <class Work>
    static void share_out(const Job<T>& job, int64_t tasks, Work work) {
        if (job.threads == 1) {
            for (int64_t i = 0; i < tasks; ++i) work(i, 0);
            return;
        }
        job.share_out(job.threads, tasks,
                      [](void* context, int64_t index, int thread) { (*static_cast<Work*>(context))(index, thread); },
                      &work);
    }

    // Tasks over panels of rows: work(range, thread).
    template <class Work>
    static void share_panels(const Job<T>& job, int64_t panels, Work&& work) {
        const int64_t most = job.threads == 1 ? 1 : job.threads * PARTS_PER_THREAD;
        const int64_t tasks = panels < most ? panels : most;
        share_out(job, tasks, [&](int64_t i, int thread) {
            work(Range{panels * i / tasks, panels * (i + 1) / tasks}, thread);
        });
    }

    static bool has_dropout(const Job<T>& job, const Layer& layer) {
        return job.task == Task::train && layer.dropout > 0.0;
    }

    // Rows that are in memory at a time: all of a batch while they fit, else as many as stay near the second-level cache,
    // whatever the number of threads, because the sums over rows are cut there.
    static int64_t rows_in_memory(const Job<T>& job) {
        int64_t numbers = 1;
        for (int l = 0; l < job.network.n_layers; ++l)
            numbers += 3 * (job.network.layers[l].below + job.network.layers[l].above);
        const int64_t row = numbers * static_cast<int64_t>(sizeof(T));
        int64_t most = (int64_t{1} << 20) / row;
        if (most < 512) most = 512;
        if (most * row > (int64_t{40} << 20)) most = (int64_t{40} << 20) / row;
        if (most > job.batch) most = job.batch;
        return (most + W - 1) / W * W;
    }

    template <class Use>
    void each_weight(Use&& use) const {
        for (int l = 0; l < n_layers_; ++l) {
            const Dense<T>& dense = layers_[l];
            const int64_t above = dense.layer.above;
            for (int64_t panel = 0; panel < dense.inner_panels; ++panel) {
                const int64_t lanes_used = dense.layer.below - panel * W < W ? dense.layer.below - panel * W : W;
                for (int64_t j = 0; j < above; ++j)
                    for (int64_t lane = 0; lane < lanes_used; ++lane)
                        use(dense.layer.weights + (panel * W + lane) * above + j,
                            dense.weights + (panel * above + j) * W + lane);
            }
            if (dense.biases >= 0)
                for (int64_t j = 0; j < above; ++j) use(dense.layer.biases + j, dense.biases + j);
        }
    }

    static int64_t row_at(const Job<T>& job, int64_t place) { return job.order ? job.order[place] : place; }

    // ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    void train(Job<T>& job) {
        cut_weights(job);
        for (int64_t step = 0; step < job.steps; ++step) {
            const int64_t first = step * job.batch;
            const int64_t count = first + job.batch < job.rows ? job.batch : job.rows - first;
            const double weight = weight_of(job, first, count);
            if (weight > 0.0) {
                double loss = 0.0;
                if (!gradient(job, first, count, step, weight, loss)) {
                    job.interrupted = true;
                    return;
                }
                if (descent_.needs_squares) loss += look(job);
                if (breaks(job, loss, step)) return;
                const typename Descent<T>::Step next = descent_.next_step(job.rates[step]);
                share_blocks(job, [&](int64_t from, int64_t to, int) { descent_.update(from, to, next); });
                job.losses[step] = loss;
            } else {
                job.losses[step] = __builtin_nan("");
            }
            job.steps_done = step + 1;
            job.t = descent_.t;
            if ((step + 1) % job.poll_every == 0 && step + 1 < job.steps && job.poll(job.poller)) {
                job.interrupted = true;
                return;
            }
        }
    }

    void predict(Job<T>& job) {
        for (int64_t first = 0; first < job.rows; first += rows_at_once_) {
            const Chunk chunk{first, job.rows - first < rows_at_once_ ? job.rows - first : rows_at_once_, 0, 0, 1.0};
            share_panels(job, chunk.panels(), [&](Range panels, int thread) {
                take_rows(job, chunk, panels);
                pass_forward(job, chunk, panels, thread);
                pass_output(job, panels);
                hand_out(job, chunk, panels);
            });
        }
    }

    // Loss, or loss and gradient, of all rows.
    void evaluate(Job<T>& job) {
        cut_weights(job);
        gradient(job, 0, job.rows, 0, weight_of(job, 0, job.rows), job.loss);
        if (job.task == Task::loss) return;
        job.loss += look(job);
        unpack(descent_.vectors.g, job.out);
    }

    // Σ s_n of a step's rows.
    static double weight_of(const Job<T>& job, int64_t first, int64_t count) {
        if (!job.weights) return static_cast<double>(count);
        double total = 0.0;
        for (int64_t n = 0; n < count; ++n) total += static_cast<double>(job.weights[row_at(job, first + n)]);
        return total;
    }

    // The objective without penalty and its gradient over `count` rows from `first` on; false if told to stop.
    bool gradient(Job<T>& job, int64_t first, int64_t count, int64_t step, double weight, double& loss) {
        for (int i = 0; i < job.threads * 2 * n_layers_; ++i) poison_[i] = 0;
        const bool mean = job.network.mean || job.task == Task::loss;
        double total = 0.0;
        for (int64_t done = 0; done < count; done += rows_at_once_) {
            if (done > 0 && job.poll && job.poll(job.poller)) return false;
            const Chunk chunk{first + done, count - done < rows_at_once_ ? count - done : rows_at_once_, done, step,
                              mean ? weight : 1.0};
            share_panels(job, chunk.panels(), [&](Range panels, int thread) {
                take_rows(job, chunk, panels);
                take_targets(job, chunk, panels);
                pass_forward(job, chunk, panels, thread);
                pass_output(job, panels);
                sum_losses(job, chunk, panels);
                if (wants_gradient_) pass_backward(panels);
            });
            for (int64_t panel = 0; panel < chunk.panels(); ++panel) total += panel_losses_[panel];
            if (!wants_gradient_) continue;
            share_out(job, n_parts_,
                      [&](int64_t i, int thread) { weight_gradient(chunk, parts_[i], done > 0, thread); });
        }
        loss = mean ? total / weight : total;
        return true;
    }

    // The penalty, which is added to the gradient too.
    double look(const Job<T>& job) {
        share_blocks(job, [&](int64_t from, int64_t to, int thread) { descent_.look(from, to, gradient_poison(thread)); });
        return descent_.penalty();
    }

    // Tasks over the vector of parameters: work(first, last, thread).
    template <class Work>
    void share_blocks(const Job<T>& job, Work&& work) {
        // A block or two is not worth waking anyone for.
        const int64_t blocks = (descent_.n + BLOCK - 1) / BLOCK;
        const int64_t most = job.threads == 1 ? 1 : job.threads * PARTS_PER_THREAD;
        const int64_t tasks = blocks < 4 ? 1 : blocks / 2 < most ? blocks / 2 : most;
        share_out(job, tasks, [&](int64_t i, int thread) {
            work(descent_.part(i, tasks), descent_.part(i + 1, tasks), thread);
        });
    }

    // Cuts the weights of all layers into tasks, of about the same size.
    void cut_weights(const Job<T>& job) {
        n_parts_ = 0;
        const int64_t most = job.threads == 1 ? 0 : job.threads * PARTS_PER_THREAD;
        for (int l = 0; l < n_layers_; ++l) {
            const int64_t weights = layers_[l].inner_panels * layers_[l].layer.above * W;
            const int64_t share = weights * most / descent_.n, parts = share < 1 ? 1 : share;
            for (int64_t part = 0; part < parts; ++part) parts_[n_parts_++] = {l, part, parts};
        }
    }

    // ── what is not finite ───────────────────────────────────────────────────────────────────────────────────────────

    T* output_poison(int thread) { return poison_ + thread * 2 * n_layers_; }
    T* gradient_poison(int thread) { return output_poison(thread) + n_layers_; }

    bool breaks(Job<T>& job, double loss, int64_t step) {
        const int threads = job.threads;
        Broken broken;
        broken.step = step;
        for (int l = 0; l < n_layers_ && broken.what == What::nothing; ++l)
            for (int t = 0; t < threads; ++t)
                if (!(output_poison(t)[l] == 0)) broken = {What::output, step, l + 1};
        if (broken.what == What::nothing && !(loss - loss == 0.0)) broken = {What::loss, step, n_layers_};
        for (int l = n_layers_ - 1; l >= 0 && broken.what == What::nothing; --l)
            for (int t = 0; t < threads; ++t)
                if (!(gradient_poison(t)[l] == 0)) broken = {What::gradient, step, l + 1};
        job.broken = broken;
        return broken.what != What::nothing;
    }

    // ── rows in ──────────────────────────────────────────────────────────────────────────────────────────────────────

    // Rows into memory, both ways round; the last panel is filled up with copies of the last row, which count nothing but
    // bring no odd values either.
    void take_rows(const Job<T>& job, const Chunk& chunk, Range panels) {
        const Dense<T>& dense = layers_[0];
        const int64_t d = dense.layer.below, whole = d / W;
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            const T* rows[W];
            for (int64_t r = 0; r < W; ++r) rows[r] = job.X + row_of(job, chunk, panel * W + r) * d;
            if (job.order) fetch_ahead(job, chunk.first + panel * W + job.batch, d);
            for (int64_t inner = 0; inner < dense.inner_panels; ++inner) {
                V block[W];
                if (inner < whole) {
                    for (int r = 0; r < W; ++r) block[r] = load<V>(rows[r] + inner * W);
                } else {
                    for (int r = 0; r < W; ++r) block[r] = load_some<V>(rows[r] + inner * W, static_cast<int>(d % W));
                }
                if (wants_gradient_) put(block, dense.z_below_by_unit + (inner * rows_at_once_ + panel * W) * W, W);
                transpose(block);
                put(block, dense.z_below + (panel * d + inner * W) * W, inner < whole ? W : d % W);
            }
        }
    }

    // Asks for the rows of X that the next step takes in this place: rows in a random order are not foreseen by the
    // processor. Long rows are; it sees their beginning.
    static void fetch_ahead(const Job<T>& job, int64_t place, int64_t d) {
        constexpr int64_t LINE = 64 / sizeof(T);
        const int64_t length = d < 16 * LINE ? d : 16 * LINE;
        for (int64_t i = place; i < place + W && i < job.rows; ++i)
            for (int64_t at = 0; at < length; at += LINE) __builtin_prefetch(job.X + job.order[i] * d + at);
    }

    // Targets, and what each row's δ is multiplied by.
    void take_targets(const Job<T>& job, const Chunk& chunk, Range panels) {
        const int64_t units = job.network.layers[n_layers_ - 1].above;
        const V factor = splat<V>(T(1.0 / chunk.divisor));
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            for (int64_t r = 0; r < W; ++r) {
                const T* from = job.Y + row_of(job, chunk, panel * W + r) * units;
                T* to = targets_ + panel * units * W + r;
                for (int64_t j = 0; j < units; ++j) to[j * W] = from[j];
            }
            store(factors_ + panel * W, factor);
            if (!job.weights && (panel + 1) * W <= chunk.count) continue;
            for (int64_t n = panel * W; n < (panel + 1) * W; ++n)
                factors_[n] = n < chunk.count ? T(weight(job, chunk, n) / chunk.divisor) : T(0);
        }
    }

    // The row that stands at place n of the memory; behind the last one, the last one.
    static int64_t row_of(const Job<T>& job, const Chunk& chunk, int64_t n) {
        return row_at(job, chunk.first + (n < chunk.count ? n : chunk.count - 1));
    }
    static double weight(const Job<T>& job, const Chunk& chunk, int64_t n) {
        return job.weights ? static_cast<double>(job.weights[row_of(job, chunk, n)]) : 1.0;
    }

    // The first `count` vectors of a block.
    static void put(const V (&block)[W], T* to, int64_t count) {
        if (count == W) {
            for (int i = 0; i < W; ++i) store(to + i * W, block[i]);
        } else {
            for (int64_t i = 0; i < count; ++i) store(to + i * W, block[i]);
        }
    }

    void hand_out(const Job<T>& job, const Chunk& chunk, Range panels) const {
        const Dense<T>& last = layers_[n_layers_ - 1];
        const int64_t units = last.layer.above;
        for (int64_t n = panels.first * W; n < panels.last * W && n < chunk.count; ++n)
            for (int64_t j = 0; j < units; ++j)
                job.out[(chunk.first + n) * units + j] = last.z[(n / W * units + j) * W + n % W];
    }

    // Σ s_n E_n of each panel.
    void sum_losses(const Job<T>& job, const Chunk& chunk, Range panels) {
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            const int64_t first = panel * W, last = first + W < chunk.count ? first + W : chunk.count;
            double total = 0.0;
            for (int64_t n = first; n < last; ++n) total += weight(job, chunk, n) * static_cast<double>(errors_[n]);
            panel_losses_[panel] = total;
        }
    }

    // ── the passes ───────────────────────────────────────────────────────────────────────────────────────────────────

    // (2), (3): a = z W + b, z = g(a) for every layer.
    void pass_forward(const Job<T>& job, const Chunk& chunk, Range rows_of, int thread) {
        for (int l = 0; l < n_layers_; ++l) {
            const Dense<T>& dense = layers_[l];
            const Layer& layer = dense.layer;
            const bool is_last = l + 1 == n_layers_;
            if (l > 0 && wants_gradient_) turn(dense, rows_of);
            if (dense.mask) draw_masks(job, chunk, rows_of, l);
            const int64_t panel_size = layer.above * W;
            const Vectors<T>& v = descent_.vectors;
            Product<T> product{v.p + dense.weights, panel_size, dense.z_below, layer.below * W,
                               dense.a ? dense.a : dense.z, panel_size, layer.above, layer.below,
                               rows_of.first, rows_of.last,
                               dense.biases < 0 ? nullptr : v.p + dense.biases};
            V poison{};
            T* const below = is_last ? nullptr : layers_[l + 1].z_below;
            const V setting = splat<V>(T(layer.parameter));
            multiply<false>(product, [&](int64_t row, int rows, int64_t panel, int panels) {
                for (int64_t at_panel = panel; at_panel < panel + panels; ++at_panel) {
                    const int64_t begin = at_panel * panel_size + row * W, end = begin + rows * W;
                    const T* a = product.C;
                    if (is_last) {
                        for (int64_t i = begin; i < end; i += W) poison += load<V>(a + i) * V{};
                        continue;
                    }
                    with_activation<V>(layer.activation, [&](auto g) {
                        for (int64_t i = begin; i < end; i += W) {
                            const V in = load<V>(a + i), out = g.g(in, setting);
                            poison += in * V{};
                            store(dense.z + i, out);
                            if (dense.mask) store(below + i, out * load<V>(dense.mask + i));
                        }
                    });
                }
            });
            output_poison(thread)[l] += sum(poison);
        }
    }

    // (4), (5): E and δ⁽ᴸ⁾.
    void pass_output(const Job<T>& job, Range panels) {
        const Dense<T>& last = layers_[n_layers_ - 1];
        const int64_t size = last.layer.above * W;
        const bool wants_delta = job.task != Task::predict;
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            const T* y = targets_ + panel * size;
            // Where no gradient is wanted, δ goes where the targets came from: each is read before its place is written.
            T* delta = wants_gradient_ ? last.delta + panel * size : targets_ + panel * size;
            const V E = output_layer<V>(last.layer, job.network.loss, job.network.loss_parameter,
                                        last.a + panel * size, last.z + panel * size, delta, W,
                                        [y](int64_t j) { return load<V>(y + j * W); }, load<V>(factors_ + panel * W),
                                        wants_delta);
            store(errors_ + panel * W, E);
        }
    }

    // (6), (7): δ of every layer below the last.
    void pass_backward(Range panels_of) {
        for (int l = n_layers_ - 1; l > 0; --l) {
            const Dense<T>& dense = layers_[l];
            const Dense<T>& under = layers_[l - 1];
            const int64_t panel_size = dense.layer.above * W, under_size = under.layer.above * W;
            const Product<T> product{descent_.vectors.p + dense.weights, panel_size, dense.delta, panel_size,
                                     under.delta, under_size, dense.layer.below, dense.layer.above,
                                     panels_of.first, panels_of.last};
            const T* saved = under.a ? under.a : under.z;
            const V setting = splat<V>(T(under.layer.parameter));
            multiply<true>(product, [&](int64_t row, int rows, int64_t panel, int panels) {
                with_activation<V>(under.layer.activation, [&](auto g) {
                    for (int64_t at_panel = panel; at_panel < panel + panels; ++at_panel) {
                        const int64_t begin = at_panel * under_size + row * W, end = begin + rows * W;
                        for (int64_t i = begin; i < end; i += W) {
                            V dz = load<V>(under.delta + i);
                            if (under.mask) dz *= load<V>(under.mask + i);
                            store(under.delta + i, dz * g.slope(load<V>(saved + i), setting));
                        }
                    }
                });
            });
        }
    }

    // ∂E/∂W = zᵀ δ and ∂E/∂b = Σ_n δ (L13, L15) for a part of a layer: some panels of W, or some of its columns where
    // those are more tiles.
    void weight_gradient(const Chunk& chunk, const Part& of, bool add, int thread) {
        const Dense<T>& dense = layers_[of.layer];
        const int64_t above = dense.layer.above;
        const auto cut = [&](int64_t whole) { return Range{whole * of.part / of.parts, whole * (of.part + 1) / of.parts}; };
        const int64_t tiles = (above + ROWS - 1) / ROWS;
        const Range tiled = cut(tiles);
        const Range mine{tiled.first * ROWS, tiled.last * ROWS < above ? tiled.last * ROWS : above};
        const bool by_panels = dense.inner_panels >= tiles;
        const Range inner = by_panels ? cut(dense.inner_panels) : Range{0, dense.inner_panels};
        const Range columns = by_panels ? Range{0, above} : mine;
        T* g = descent_.vectors.g;
        const Product<T> product{dense.delta + columns.first * W, above * W, dense.z_below_by_unit, rows_at_once_ * W,
                                 g + dense.weights + columns.first * W, above * W, columns.last - columns.first,
                                 chunk.count, inner.first, inner.last, nullptr, add};
        V poison{};
        multiply<false>(product, [&](int64_t row, int rows, int64_t panel, int panels) {
            for (int64_t at = panel; at < panel + panels; ++at)
                for (int64_t i = row; i < row + rows; ++i)
                    poison += load<V>(product.C + at * product.c_panel + i * W) * V{};
        });
        if (dense.biases >= 0) {
            for (int64_t j = mine.first; j < mine.last; ++j) {
                V total{};
                for (int64_t panel = 0; panel < chunk.panels(); ++panel)
                    total += load<V>(dense.delta + (panel * above + j) * W);
                T& db = g[dense.biases + j];
                db = (add ? db : T(0)) + sum(total);
                poison[0] += db * T(0);
            }
        }
        gradient_poison(thread)[of.layer] += sum(poison);
    }

    // z_below of these panels of rows into its transpose.
    void turn(const Dense<T>& dense, Range panels) {
        const int64_t below = dense.layer.below;
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            for (int64_t inner = 0; inner < dense.inner_panels; ++inner) {
                V block[W];
                const T* from = dense.z_below + (panel * below + inner * W) * W;
                if (const int64_t left = below - inner * W; left >= W) {
                    for (int k = 0; k < W; ++k) block[k] = load<V>(from + k * W);
                } else {
                    for (int64_t k = 0; k < W; ++k) block[k] = k < left ? load<V>(from + k * W) : V{};
                }
                transpose(block);
                put(block, dense.z_below_by_unit + (inner * rows_at_once_ + panel * W) * W, W);
            }
        }
    }

    // Inverted dropout (Srivastava et al. 2014): layer l of step k draws from the stream k · L + l, row by row.
    void draw_masks(const Job<T>& job, const Chunk& chunk, Range panels, int l) {
        const Dense<T>& dense = layers_[l];
        const int64_t units = dense.layer.above;
        const T kept = T(1) / T(1.0 - dense.layer.dropout);
        Masks masks(job.seed, job.epoch, static_cast<uint64_t>(chunk.step * n_layers_ + l), dense.layer.dropout);
        for (int64_t n = panels.first * W; n < panels.last * W; ++n)
            for (int64_t j = 0; j < units; ++j)
                dense.mask[(n / W * units + j) * W + n % W] =
                    masks.keeps(static_cast<uint64_t>((chunk.done + n) * units + j)) ? kept : T(0);
    }

    bool wants_gradient_;
    int n_layers_;
    Dense<T>* layers_;
    int64_t rows_at_once_;
    T* targets_;   // [rows/W][k][W]
    T* errors_;    // E of each row
    T* factors_;   // s_n / Σ s_n or s_n; 0 for the copies behind the last row
    double* panel_losses_;  // Σ s_n E_n of each panel
    Part* parts_;           // tasks of the weights' gradient
    int64_t n_parts_ = 0;
    T* poison_;    // [thread][output, gradient][layer]: 0 while all is finite, then not a number
    Descent<T> descent_;
};
