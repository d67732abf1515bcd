// Both passes for many rows at once, a vector being W = WIDTH<T> rows of the batch.
//
// Threads share the work of a step in one of two ways, chosen by the problem and not by the number of threads:
//   by slots   small networks: each slot of rows goes forward, back and into a gradient of its own, on one thread with
//              memory of its own; the gradients of the slots are then added up, in order;
//   by parts   where a gradient is larger than what passes through the layers: all rows go forward and back in one
//              memory, then the weights' gradient is computed part by part.
// What a task computes does not depend on how the work was cut, and sums over rows run in the order of the rows: the
// result has the same bits for any number of threads.

template <class T>
class Batch {
public:
    using V = Wide<T>;
    static constexpr int64_t W = WIDTH<T>;

    // Takes the memory for this job from `space`; called a second time with memory behind it.
    Batch(const Job<T>& job, Space& space)
        : wants_gradient_(job.task == Task::train || job.task == Task::gradient), n_layers_(job.network.n_layers),
          cut_(job) {
        const int64_t panels = (job.batch + W - 1) / W;
        const int n_memories = cut_.has_slots() ? job.threads : 1;
        memories_ = space.template take<Memory<T>>(n_memories);
        int64_t length = 0;
        for (int m = 0; m < n_memories; ++m) {
            const Memory<T> memory(job, space, cut_.rows_at_once);
            length = memory.length;
            if (memories_) memories_[m] = memory;
        }
        panel_losses_ = space.template take<double>(panels);
        bad_ = space.template take<bool>(MAX_THREADS * 2 * n_layers_);
        parts_ = space.template take<Part>(n_layers_ + PARTS_PER_THREAD * MAX_THREADS);
        int n_segments = 0;
        for (int l = 0; l < n_layers_; ++l) n_segments += job.network.layers[l].biases < 0 ? 1 : 2;
        descent_.lay_out(space, job, length, n_segments);
        if (wants_gradient_ && cut_.has_slots()) slots_ = space.template take<T>(cut_.slots * (descent_.n + 2 * W));
        if (!memories_) return;
        Segment* segment = descent_.segments;
        for (int l = 0; l < n_layers_; ++l) {
            const Dense<T>& dense = memories_[0].layers[l];
            *segment++ = {dense.weights, dense.weights + dense.inner_panels * dense.layer.above * W, l, true};
            if (dense.biases >= 0) *segment++ = {dense.biases, dense.biases + dense.layer.above, l, false};
        }
        pack(job.parameters, descent_.vectors.p);
        for (int i = 0; i < job.n_moments; ++i) pack(job.moments[i], descent_.vectors.moments[i]);
        if (wants_gradient_) clear(descent_.vectors.g, descent_.n + 2 * W);  // behind the biases of a layer nothing is ever written
        if (slots_) clear(slots_, cut_.slots * (descent_.n + 2 * W));
    }

    // From the public layout to panels and back.
    void pack(const T* from, T* to) const {
        clear(to, descent_.n + 2 * W);
        for (int l = 0; l < n_layers_; ++l) memories_[0].layers[l].pack(from, to);
    }
    void unpack(const T* from, T* to) const {
        for (int l = 0; l < n_layers_; ++l) memories_[0].layers[l].unpack(from, to);
    }
    const Vectors<T>& vectors() const { return descent_.vectors; }

    void run(Job<T>& job) {
        descent_.begin(job);
        cut_weights(job);
        switch (job.task) {
            case Task::train: return train(job);
            case Task::predict: return predict(job);
            default: return evaluate(job);
        }
    }

private:
    // A part of one layer's weights, as a task.
    struct Part {
        int layer;
        int64_t part, parts;
    };
    // The rows in memory: places [first, first + count) of the order, number `done` of the step onwards.
    struct Chunk {
        int64_t first, count, done, step;
        double divisor;  // of the sum over rows
        int64_t panels() const { return (count + W - 1) / W; }
    };

    // Parts that a thread gets of each piece of work: some, so that what a busy core leaves is taken by others.
    static constexpr int PARTS_PER_THREAD = 4;

    static void clear(T* at, int64_t n) { __builtin_memset(at, 0, static_cast<size_t>(n) * sizeof(T)); }

    // ── sharing out ──────────────────────────────────────────────────────────────────────────────────────────────────

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
        const int64_t most = job.threads == 1 ? 1 : job.threads * 2;
        const int64_t tasks = panels < most ? panels : most;
        share_out(job, tasks, [&](int64_t i, int thread) {
            work(Range{panels * i / tasks, panels * (i + 1) / tasks}, thread);
        });
    }

    // Tasks over the vector of parameters: work(first, last, thread). A few blocks are not worth sharing.
    template <class Work>
    void share_blocks(const Job<T>& job, Work&& work) {
        const int64_t blocks = (descent_.n + BLOCK - 1) / BLOCK, most = job.threads == 1 ? 1 : job.threads * 2;
        const int64_t tasks = blocks / 8 < 1 ? 1 : blocks / 8 < most ? blocks / 8 : most;
        share_out(job, tasks, [&](int64_t i, int thread) {
            work(descent_.part(i, tasks), descent_.part(i + 1, tasks), thread);
        });
    }

    // Cuts the weights of all layers into tasks of about the same size.
    void cut_weights(const Job<T>& job) {
        n_parts_ = 0;
        const int64_t most = job.threads == 1 ? 0 : job.threads * PARTS_PER_THREAD;
        for (int l = 0; l < n_layers_; ++l) {
            const Dense<T>& dense = memories_[0].layers[l];
            const int64_t share = dense.inner_panels * dense.layer.above * W * most / descent_.n;
            const int64_t parts = share < 1 ? 1 : share;
            for (int64_t part = 0; part < parts; ++part) parts_[n_parts_++] = {l, part, parts};
        }
    }

    // ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    void train(Job<T>& job) {
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
                if (descent_.needs_squares) loss += look(job, weight);
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
        each_chunk(job, 0, job.rows, 0, 1.0, [&](const Memory<T>& memory, const Chunk& chunk, Range panels, int thread) {
            take_rows(job, memory, chunk, panels);
            pass_forward(job, memory, chunk, panels, thread);
            pass_output(job, memory, panels, thread);
            hand_out(job, memory, chunk, panels);
        });
    }

    // Loss, or loss and gradient, of all rows.
    void evaluate(Job<T>& job) {
        const double weight = weight_of(job, 0, job.rows);
        gradient(job, 0, job.rows, 0, weight, job.loss);
        if (job.task == Task::loss) return;
        job.loss += look(job, weight);
        unpack(descent_.vectors.g, job.out);
    }

    // The objective without penalty and its gradient over `count` rows from `first` on; false if told to stop.
    bool gradient(Job<T>& job, int64_t first, int64_t count, int64_t step, double weight, double& loss) {
        for (int i = 0; i < job.threads * 2 * n_layers_; ++i) bad_[i] = false;
        const bool mean = job.network.mean || job.task == Task::loss;
        const bool done = each_chunk(
            job, first, count, step, mean ? weight : 1.0,
            [&](const Memory<T>& memory, const Chunk& chunk, Range panels, int thread) {
                take_rows(job, memory, chunk, panels);
                take_targets(job, memory, chunk, panels);
                pass_forward(job, memory, chunk, panels, thread);
                pass_output(job, memory, panels, thread);
                sum_losses(job, memory, chunk, panels);
                if (!wants_gradient_) return;
                for (int l = n_layers_ - 1; l > 0; --l)
                    memory.layers[l].backward(descent_.vectors.p, panels, memory.layers[l - 1]);
            });
        if (!done) return false;
        double total = 0.0;
        for (int64_t panel = 0; panel * W < count; ++panel) total += panel_losses_[panel];
        loss = mean ? total / weight : total;
        if (wants_gradient_ && cut_.has_slots()) {
            const int64_t slots = cut_.slots_for(count);
            share_blocks(job, [&](int64_t from, int64_t to, int thread) {
                for (int64_t i = from; i < to; i += W) {
                    V total = load<V>(slot(0) + i);
                    for (int64_t s = 1; s < slots; ++s) total += load<V>(slot(s) + i);
                    store(descent_.vectors.g + i, total);
                }
                descent_.check(from, to, bad_gradients(thread));
            });
        }
        return true;
    }

    // pass(memory, chunk, panels, thread) over all rows of a step, some panels at a time, and where it is wanted the
    // gradient of the weights behind it; false if told to stop.
    template <class Pass>
    bool each_chunk(Job<T>& job, int64_t first, int64_t count, int64_t step, double divisor, Pass&& pass) {
        const auto in_groups = [&](const Memory<T>& memory, const Chunk& chunk, Range panels, int thread) {
            for (int64_t at = panels.first; at < panels.last;) {
                const int64_t left = panels.last - at, most = cut_.panels_together;
                const int64_t group = most == VECTORS ? vectors_of(left) : left < most ? left : most;
                pass(memory, chunk, Range{at, at + group}, thread);
                at += group;
            }
        };
        if (!cut_.has_slots()) {
            const Memory<T>& memory = memories_[0];
            for (int64_t done = 0; done < count; done += cut_.rows_at_once) {
                if (done > 0 && job.poll && job.poll(job.poller)) return false;
                const int64_t rows = count - done < cut_.rows_at_once ? count - done : cut_.rows_at_once;
                const Chunk chunk{first + done, rows, done, step, divisor};
                share_panels(job, chunk.panels(),
                             [&](Range panels, int thread) { in_groups(memory, chunk, panels, thread); });
                if (!wants_gradient_) continue;
                share_out(job, n_parts_, [&](int64_t i, int thread) {
                    const auto& [layer, part, parts] = parts_[i];
                    if (!memory.layers[layer].gradient(descent_.vectors.g, chunk.count, part, parts, done > 0))
                        bad_gradients(thread)[layer] = true;
                });
            }
            return true;
        }
        const int64_t slots = cut_.slots_for(count), panels = (count + W - 1) / W, together = cut_.rows_at_once / W;
        // In rounds, each a part of every slot, so that there is an answer to "stop?" in between.
        const int64_t chunks = MOST_WORK / job.network.n_parameters / slots / cut_.rows_at_once;
        const int64_t round = (chunks < 1 ? 1 : chunks) * together;
        for (int64_t done = 0; done * slots < panels + slots; done += round) {
            if (done > 0 && job.poll && job.poll(job.poller)) return false;
            share_out(job, slots, [&](int64_t s, int thread) {
                const Memory<T>& memory = memories_[thread];
                const Range mine{panels * s / slots, panels * (s + 1) / slots};
                const int64_t last = mine.first + done + round < mine.last ? mine.first + done + round : mine.last;
                for (int64_t at = mine.first + done; at < last; at += together) {
                    const int64_t end = (at + together < last ? at + together : last) * W;
                    const Chunk chunk{first + at * W, (end < count ? end : count) - at * W, at * W, step, divisor};
                    in_groups(memory, chunk, Range{0, chunk.panels()}, thread);
                    for (int l = 0; wants_gradient_ && l < n_layers_; ++l)
                        if (!memory.layers[l].gradient(slot(s), chunk.count, 0, 1, at > mine.first))
                            bad_gradients(thread)[l] = true;
                }
            });
        }
        return true;
    }

    T* slot(int64_t s) const { return slots_ + s * (descent_.n + 2 * W); }

    // The penalty, which is added to the gradient too.
    double look(const Job<T>& job, double weight) {
        descent_.weigh(weight);
        share_blocks(job, [&](int64_t from, int64_t to, int thread) { descent_.look(from, to, bad_gradients(thread)); });
        return descent_.penalty();
    }

    // ── what is not finite ───────────────────────────────────────────────────────────────────────────────────────────

    bool* bad_outputs(int thread) { return bad_ + thread * 2 * n_layers_; }
    bool* bad_gradients(int thread) { return bad_outputs(thread) + n_layers_; }

    bool breaks(Job<T>& job, double loss, int64_t step) {
        const auto any = [&](bool* (Batch::*of)(int), int l) {
            for (int t = 0; t < job.threads; ++t)
                if ((this->*of)(t)[l]) return true;
            return false;
        };
        job.broken = first_broken(
            n_layers_, loss, step, [&](int l) { return any(&Batch::bad_outputs, l); },
            [&](int l) { return any(&Batch::bad_gradients, l); });
        return job.broken.what != What::nothing;
    }

    // ── rows in and out ──────────────────────────────────────────────────────────────────────────────────────────────

    // The row that stands at place n of the memory; behind the last one, the last one: a panel is filled up with copies,
    // which count nothing but bring no odd values either.
    static int64_t row_of(const Job<T>& job, const Chunk& chunk, int64_t n) {
        return row_at(job, chunk.first + (n < chunk.count ? n : chunk.count - 1));
    }
    static double weight(const Job<T>& job, const Chunk& chunk, int64_t n) {
        return job.weights ? static_cast<double>(job.weights[row_of(job, chunk, n)]) : 1.0;
    }

    void take_rows(const Job<T>& job, const Memory<T>& memory, const Chunk& chunk, Range panels) {
        const int64_t d = memory.layers[0].layer.below;
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            const T* rows[W];
            for (int64_t r = 0; r < W; ++r) rows[r] = job.X + row_of(job, chunk, panel * W + r) * d;
            if (job.order) fetch_ahead(job, chunk.first + panel * W + job.batch, d);
            memory.layers[0].take(rows, panel);
        }
    }

    // Asks for the rows that the next step takes in this place: rows in a random order are not foreseen by the processor.
    // Long rows are; it sees their beginning.
    static void fetch_ahead(const Job<T>& job, int64_t place, int64_t d) {
        constexpr int64_t LINE = 64 / sizeof(T);
        const int64_t length = d < 16 * LINE ? d : 16 * LINE, k = job.network.layers[job.network.n_layers - 1].above;
        for (int64_t i = place; i < place + W && i < job.rows; ++i) {
            for (int64_t at = 0; at < length; at += LINE) __builtin_prefetch(job.X + job.order[i] * d + at);
            if (job.Y) __builtin_prefetch(job.Y + job.order[i] * k);
        }
    }

    // Targets, and what each row's δ is multiplied by.
    void take_targets(const Job<T>& job, const Memory<T>& memory, const Chunk& chunk, Range panels) {
        const int64_t units = job.network.layers[n_layers_ - 1].above;
        const V factor = splat<V>(T(1.0 / chunk.divisor));
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            const T* rows[W];
            for (int64_t r = 0; r < W; ++r) rows[r] = job.Y + row_of(job, chunk, panel * W + r) * units;
            T* to = memory.targets + panel * units * W;
            for (int64_t j = 0; j < units; ++j)
                for (int64_t r = 0; r < W; ++r) to[j * W + r] = rows[r][j];
            store(memory.factors + panel * W, factor);
            if (!job.weights && (panel + 1) * W <= chunk.count) continue;
            for (int64_t n = panel * W; n < (panel + 1) * W; ++n)
                memory.factors[n] = n < chunk.count ? T(weight(job, chunk, n) / chunk.divisor) : T(0);
        }
    }

    void hand_out(const Job<T>& job, const Memory<T>& memory, const Chunk& chunk, Range panels) const {
        const Dense<T>& last = memory.layers[n_layers_ - 1];
        const int64_t units = last.layer.above;
        for (int64_t n = panels.first * W; n < panels.last * W && n < chunk.count; ++n)
            for (int64_t j = 0; j < units; ++j)
                job.out[(chunk.first + n) * units + j] = last.z[(n / W * units + j) * W + n % W];
    }

    // Σ s_n E_n of each panel.
    void sum_losses(const Job<T>& job, const Memory<T>& memory, const Chunk& chunk, Range panels) {
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            const int64_t first = panel * W, last = first + W < chunk.count ? first + W : chunk.count;
            double total = 0.0;
            for (int64_t n = first; n < last; ++n) total += weight(job, chunk, n) * static_cast<double>(memory.errors[n]);
            panel_losses_[chunk.done / W + panel] = total;
        }
    }

    // ── the passes ───────────────────────────────────────────────────────────────────────────────────────────────────

    void pass_forward(const Job<T>& job, const Memory<T>& memory, const Chunk& chunk, Range panels, int thread) {
        for (int l = 0; l < n_layers_; ++l) {
            const Dense<T>& dense = memory.layers[l];
            const bool is_last = l + 1 == n_layers_;
            if (l > 0 && wants_gradient_) dense.turn(panels);
            if (dense.mask)  // layer l of step k draws from the stream k · L + l
                dense.draw_mask(panels, chunk.done,
                                Masks(job.seed, job.epoch, static_cast<uint64_t>(chunk.step * n_layers_ + l),
                                      dense.layer.dropout));
            T* const masked = is_last ? nullptr : memory.layers[l + 1].z_below;
            if (!dense.forward(descent_.vectors.p, panels, is_last, masked)) bad_outputs(thread)[l] = true;
        }
    }

    // (4), (5): E and δ⁽ᴸ⁾.
    void pass_output(const Job<T>& job, const Memory<T>& memory, Range panels, int thread) {
        const Dense<T>& last = memory.layers[n_layers_ - 1];
        const int64_t size = last.layer.above * W;
        const bool wants_delta = job.task != Task::predict;
        Finite<V> finite;
        for (int64_t panel = panels.first; panel < panels.last; ++panel) {
            const T* y = memory.targets + panel * size;
            // Where no gradient is wanted, δ goes where the targets came from: each is read before its place is written.
            T* delta = (wants_gradient_ ? last.delta : memory.targets) + panel * size;
            const V E = output_layer<V>(last.layer, job.network, last.a + panel * size, last.z + panel * size,
                                        delta, W, [y](int64_t j) { return load<V>(y + j * W); },
                                        load<V>(memory.factors + panel * W), wants_delta, finite);
            store(memory.errors + panel * W, E);
        }
        if (!finite.all()) bad_outputs(thread)[n_layers_ - 1] = true;
    }

    bool wants_gradient_;
    int n_layers_;
    Cut<T> cut_;
    Memory<T>* memories_;      // one for all threads, or one for each where they work by slots
    T* slots_ = nullptr;    // gradients of the slots
    double* panel_losses_;  // Σ s_n E_n of each panel of a step
    Part* parts_;           // tasks of the weights' gradient
    int64_t n_parts_ = 0;
    bool* bad_;  // [thread][output, gradient][layer]: was there a value that is not finite?
    Descent<T> descent_;
};
