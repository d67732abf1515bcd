// From the gradient to the next parameters: penalty, finite or not, clipping, update. Both ways through a network
// (batch.inl, rows.inl) end here; they differ in how the parameters lie in memory, which the segments tell.

// The weights or the biases of one layer in the vector of parameters.
struct Segment {
    int64_t first, last;
    int layer;  // from 0
    bool is_weights;
};

// The elements that one partial sum covers: sums over the vector are made of these, whoever computes them.
constexpr int64_t BLOCK = 1024;

template <class T>
class Descent {
public:
    Vectors<T> vectors;
    Segment* segments = nullptr;
    int n_segments = 0;
    int64_t n = 0;         // length of the vectors, a multiple of WIDTH<T>
    int64_t t = 0;         // updates done
    bool needs_squares = false;  // for penalty or clipping: `look` comes before `update`, else `check` is enough

    void lay_out(Space& space, const Job<T>& job, int64_t length, int count) {
        n = length;
        n_segments = count;
        vectors.p = space.take<T>(n + 2 * WIDTH<T>);
        if (job.task == Task::train || job.task == Task::gradient) vectors.g = space.take<T>(n + 2 * WIDTH<T>);
        for (int i = 0; i < job.n_moments; ++i) vectors.moments[i] = space.take<T>(n + 2 * WIDTH<T>);
        blocks_ = (n + BLOCK - 1) / BLOCK;
        penalties_ = space.take<double>(blocks_);
        squares_ = space.take<double>(blocks_);
        segments = space.take<Segment>(count);
    }

    void begin(const Job<T>& job) {
        rule_ = job.optimizer;
        l2_ = job.network.l2;
        alpha_ = job.task == Task::train ? job.alpha : 0.0;
        t = job.t;
        powers1_ = Powers(rule_.beta1);
        powers2_ = Powers(rule_.beta2);
        needs_squares = l2_ > 0.0 || alpha_ > 0.0 || (rule_.clip > 0.0 && job.task == Task::train);
    }

    // Σ_n s_n over the rows of the step, by which the penalty of strength `alpha` is divided. Comes before `look`.
    void weigh(double weight) { strength_ = l2_ + alpha_ / weight; }

    // Where part `part` of `parts` begins: at a whole block.
    int64_t part(int64_t part, int64_t parts) const {
        const int64_t at = blocks_ * part / parts * BLOCK;
        return at < n ? at : n;
    }

    // Adds the penalty to the gradient in [first, last), whole blocks; bad[layer] is set where the gradient is not finite.
    // When all blocks are through, `penalty` is known and `update` may follow.
    void look(int64_t first, int64_t last, bool* bad) {
        for (int64_t block = first / BLOCK; block * BLOCK < last; ++block) {
            const int64_t begin = block * BLOCK, end = begin + BLOCK < n ? begin + BLOCK : n;
            penalties_[block] = 0.0;
            for (int s = 0; s < n_segments; ++s) {
                const Segment& segment = segments[s];
                const int64_t from = segment.first > begin ? segment.first : begin;
                const int64_t to = segment.last < end ? segment.last : end;
                if (from >= to) continue;
                if (strength_ > 0.0 && segment.is_weights) {
                    penalties_[block] += sum_of_squares(vectors.p, from, to);
                    penalize(from, to);
                }
                if (!is_finite(vectors.g, from, to)) bad[segment.layer] = true;
            }
            if (rule_.clip > 0.0) squares_[block] = sum_of_squares(vectors.g, begin, end);
        }
    }

    // Of `look`, the question whether the gradient is finite alone.
    void check(int64_t first, int64_t last, bool* bad) const {
        if (is_finite(vectors.g, first, last)) return;
        for (int s = 0; s < n_segments; ++s) {
            const int64_t from = segments[s].first > first ? segments[s].first : first;
            const int64_t to = segments[s].last < last ? segments[s].last : last;
            if (from < to && !is_finite(vectors.g, from, to)) bad[segments[s].layer] = true;
        }
    }

    // ½ · (l2 + alpha / Σ_n s_n) · ‖W‖² at the parameters before the update.
    double penalty() const { return strength_ > 0.0 ? 0.5 * strength_ * total(penalties_) : 0.0; }

    // What the step number t + 1 needs to know, and counts it.
    struct Step {
        double rate, clip, power1, power2;
    };
    Step next_step(double rate) {
        Step step{rate, 1.0, 0.0, 0.0};
        if (rule_.clip > 0.0) step.clip = clip_factor(total(squares_), rule_.clip, vectors.g, n);
        ++t;
        if (rule_.rule == Rule::adam || rule_.rule == Rule::adamw) {
            step.power1 = powers1_.at(t);
            step.power2 = powers2_.at(t);
        }
        return step;
    }

    // Takes the step for [first, last), whole blocks.
    void update(int64_t first, int64_t last, const Step& step) const {
        if (rule_.rule == Rule::adamw && rule_.weight_decay > 0.0) {
            for (int s = 0; s < n_segments; ++s) {
                if (!segments[s].is_weights) continue;
                const int64_t from = segments[s].first > first ? segments[s].first : first;
                const int64_t to = segments[s].last < last ? segments[s].last : last;
                if (from < to) decay(vectors.p, from, to, T(1.0 - step.rate * rule_.weight_decay));
            }
        }
        thalweg::update(rule_, vectors, first, last, step.rate, step.power1, step.power2, step.clip);
    }

private:
    double total(const double* parts) const {
        double sum = 0.0;
        for (int64_t block = 0; block < blocks_; ++block) sum += parts[block];
        return sum;
    }

    void penalize(int64_t first, int64_t last) {
        using V = Wide<T>;
        constexpr int W = WIDTH<T>;
        const T l2 = T(strength_);
        int64_t i = first;
        for (; i + W <= last; i += W)
            store(vectors.g + i, load<V>(vectors.g + i) + splat<V>(l2) * load<V>(vectors.p + i));
        for (; i < last; ++i) vectors.g[i] += l2 * vectors.p[i];
    }

    static bool is_finite(const T* g, int64_t first, int64_t last) {
        using V = Wide<T>;
        constexpr int W = WIDTH<T>;
        Finite<V> finite;
        int64_t i = first;
        for (; i + W <= last; i += W) finite.see(load<V>(g + i));
        if (i < last) finite.see(load_some<V>(g + i, static_cast<int>(last - i)));
        return finite.all();
    }

    Optimizer rule_;
    double l2_ = 0.0, alpha_ = 0.0, strength_ = 0.0;  // of the penalty; `strength_` that of the step
    Powers powers1_, powers2_;
    int64_t blocks_ = 0;
    double* penalties_ = nullptr;  // Σ p² of each block
    double* squares_ = nullptr;    // Σ g² of each block
};
