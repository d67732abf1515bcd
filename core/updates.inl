// Update rules over one flat vector, as in src/thalweg/optimizers.py: p the parameters, g the gradient, γ the rate.

// βᵗ as a function of t alone, so that a training that is resumed sees the same bits: β^(64 q) · β^r.
class Powers {
public:
    explicit Powers(double base = 0.0) : base_(base) {
        double power = 1.0;
        for (double& low : low_) {
            low = power;
            power *= base;
        }
    }
    double at(int64_t t) {
        if (t / SPAN != span_) {
            span_ = t / SPAN;
            high_ = raised(base_, span_ * SPAN);
        }
        return high_ * low_[t % SPAN];
    }

private:
    static constexpr int64_t SPAN = 64;
    static double raised(double base, int64_t n) {
        double power = 1.0;
        for (; n > 0; n /= 2, base *= base)
            if (n % 2) power *= base;
        return power;
    }
    double base_, high_ = 1.0, low_[SPAN];
    int64_t span_ = 0;
};

template <class T>
struct Vectors {
    T* p = nullptr;
    T* g = nullptr;
    T* moments[2] = {nullptr, nullptr};
};

// p := (1 − γ · weight_decay) p for the weights in [first, last): AdamW's decoupled decay.
template <class T>
inline void decay(T* p, int64_t first, int64_t last, T factor) {
    using V = Wide<T>;
    int64_t i = first;
    for (; i + WIDTH<T> <= last; i += WIDTH<T>) store(p + i, load<V>(p + i) * splat<V>(factor));
    for (; i < last; ++i) p[i] *= factor;
}

// One step for the elements [first, last), which begin and end with whole vectors. `clip` is what g is multiplied by.
template <class T>
inline void update(const Optimizer& rule, const Vectors<T>& of, int64_t first, int64_t last, double rate, double power1,
                   double power2, double clip) {
    using V = Wide<T>;
    constexpr int W = WIDTH<T>;
    const V scale = splat<V>(T(clip)), gamma = splat<V>(T(rate));
    switch (rule.rule) {
        case Rule::gradient_descent: {
            if (rule.momentum == 0.0) {
                for (int64_t i = first; i < last; i += W)
                    store(of.p + i, load<V>(of.p + i) - gamma * (load<V>(of.g + i) * scale));
                return;
            }
            const V mu = splat<V>(T(rule.momentum));
            for (int64_t i = first; i < last; i += W) {
                const V step = gamma * (load<V>(of.g + i) * scale);
                const V v = mu * load<V>(of.moments[0] + i) - step;
                store(of.moments[0] + i, v);
                store(of.p + i, load<V>(of.p + i) + (rule.nesterov ? mu * v - step : v));
            }
            return;
        }
        case Rule::rmsprop: {
            const V rho = splat<V>(T(rule.beta2)), rest = splat<V>(T(1.0 - rule.beta2));
            const V epsilon = splat<V>(T(rule.epsilon));
            for (int64_t i = first; i < last; i += W) {
                const V g = load<V>(of.g + i) * scale;
                const V v = rho * load<V>(of.moments[0] + i) + rest * g * g;
                store(of.moments[0] + i, v);
                store(of.p + i, load<V>(of.p + i) - gamma * g / (square_root(v) + epsilon));
            }
            return;
        }
        case Rule::adam:
        case Rule::adamw: {
            const V beta1 = splat<V>(T(rule.beta1)), rest1 = splat<V>(T(1.0 - rule.beta1));
            const V beta2 = splat<V>(T(rule.beta2)), rest2 = splat<V>(T(1.0 - rule.beta2));
            const V epsilon = splat<V>(T(rule.epsilon));
            const double root = __builtin_sqrt(1.0 - power2);
            const V unbias = splat<V>(T(rule.epsilon_hat ? 1.0 : 1.0 / root));
            const V step = splat<V>(T(rate / (1.0 - power1) * (rule.epsilon_hat ? root : 1.0)));
            for (int64_t i = first; i < last; i += W) {
                const V g = load<V>(of.g + i) * scale;
                const V m = beta1 * load<V>(of.moments[0] + i) + rest1 * g;
                const V v = beta2 * load<V>(of.moments[1] + i) + rest2 * (g * g);
                store(of.moments[0] + i, m);
                store(of.moments[1] + i, v);
                store(of.p + i, load<V>(of.p + i) - step * (m / (square_root(v) * unbias + epsilon)));
            }
            return;
        }
    }
}

// Σ g² over [first, last) in double, always in the same order.
template <class T>
inline double sum_of_squares(const T* g, int64_t first, int64_t last) {
    using D = Wide<double>;
    using Part = typename Vector<T, WIDTH<double>>::type;
    constexpr int W = WIDTH<double>;
    D sums[2] = {};
    int64_t i = first;
    for (; i + 2 * W <= last; i += 2 * W) {
        const D one = __builtin_convertvector(load<Part>(g + i), D);
        const D two = __builtin_convertvector(load<Part>(g + i + W), D);
        sums[0] += one * one;
        sums[1] += two * two;
    }
    double total = sum(sums[0] + sums[1]);
    for (; i < last; ++i) total += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    return total;
}

// What g is multiplied by so that its Euclidean norm is at most `limit` (Pascanu, Mikolov & Bengio 2013), from Σ g². Where
// the squares overflow or vanish, g is scaled by its largest entry first.
template <class T>
inline double clip_factor(double squares, double limit, const T* g, int64_t n) {
    if (squares > 1e-280 && squares < 1e280) {
        const double norm = __builtin_sqrt(squares);
        return norm > limit ? limit / norm : 1.0;
    }
    double largest = 0.0, scaled = 0.0;
    for (int64_t i = 0; i < n; ++i) {
        const double size = __builtin_fabs(static_cast<double>(g[i]));
        if (size > largest) largest = size;
    }
    if (largest == 0.0) return 1.0;
    for (int64_t i = 0; i < n; ++i) {
        const double share = static_cast<double>(g[i]) / largest;
        scaled += share * share;
    }
    const double norm = __builtin_sqrt(scaled);
    return largest * norm > limit ? limit / norm / largest : 1.0;
}
