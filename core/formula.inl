// Formulas of the user's own, as programs that src/thalweg/engines/programs.py compiles: run on whole vectors, some of
// them to an instruction, so that choosing it costs little beside its work.
//
// A formula has no value where it divides by 0, or takes the logarithm of 0: what is not a number says so, as in the
// reference engine, where IEEE 754 would go on with an infinity.

template <class V>
inline V nothing() {
    return splat<V>(__builtin_nanf(""));
}

template <class V>
inline V formula_logarithm(V x) {
    return select<V>(x == V{}, nothing<V>(), logarithm(x));
}

template <class V>
inline V formula_quotient(V x, V by) {
    return select<V>(by == V{}, nothing<V>(), x / by);
}

// x^n, n ≥ 2 a whole number, by squaring.
template <class V>
inline V whole_power(V x, int n) {
    V result = n % 2 ? x : splat<V>(1);
    for (n /= 2; n > 0; n /= 2) {
        x = x * x;
        if (n % 2) result = result * x;
    }
    return result;
}

template <class V>
inline V rounded(V x) {
    const V large = splat<V>(Format<Element<V>>::INTEGER), m = magnitude(x), near = (m + large) - large;
    const V whole = select<V>(m < large, near, m);
    return select<V>(x < V{}, -whole, whole);
}

// |x|^y by the logarithm, with a relative error of |y ln x| ε; negative x have powers with whole exponents only.
template <class V>
inline V real_power(V x, V y) {
    const V zero{}, one = splat<V>(1), half = y * splat<V>(Element<V>(0.5));
    V size = exponential(y * logarithm(magnitude(x)));
    size = select<V>(x == zero, select<V>(y > zero, zero, nothing<V>()), size);
    const V negative = select<V>(rounded(half) == half, size, -size);
    const V power = select<V>(x < zero, select<V>(rounded(y) == y, negative, nothing<V>()), size);
    return select<V>(y == zero, one, select<V>(x == one, one, power));
}

// sinh x = (e^x − e^−x) / 2 from e^|x| − 1, which keeps the digits of a small x.
template <class V>
inline V hyperbolic_sine(V x) {
    const V half = splat<V>(Element<V>(0.5)), e = exponential_minus_one(magnitude(x));
    const V sine = half * (e + select<V>(e < splat<V>(__builtin_inff()), e / (e + splat<V>(1)), splat<V>(1)));
    return select<V>(x < V{}, -sine, select<V>(x == V{}, x, sine));
}

template <class V>
inline V hyperbolic_cosine(V x) {
    const V half = splat<V>(Element<V>(0.5)), e = exponential(magnitude(x));
    return half * e + half / e;
}

// erf x = 2 Φ(√2 x) − 1; near 0, where that loses digits, by its series 2/√π Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)), to 1e-17.
template <class T>
struct ErrorFunction {
    T series[13] = {};
    constexpr ErrorFunction() {
        double factorial = 1.0;
        for (int n = 0; n < 13; ++n) {
            if (n > 0) factorial *= n;
            series[n] = T((n % 2 ? -1.1283791670955126 : 1.1283791670955126) / (factorial * (2 * n + 1)));
        }
    }
};
template <class T>
constexpr ErrorFunction<T> ERROR_FUNCTION{};

template <class V>
inline V error_function(V x) {
    using T = Element<V>;
    const V m = magnitude(x), tail = normal_distribution(m * splat<V>(T(-1.4142135623730951)));
    const V far = splat<V>(1) - (tail + tail), near = m * polynomial(m * m, ERROR_FUNCTION<T>.series);
    const V size = select<V>(m < splat<V>(T(0.5)), near, far);
    return select<V>(x < V{}, -size, size);
}

// Reads P vectors of each input and gives P of each result. Registers are on the stack of this function, which is kept out
// of its callers: a large frame would cost them time where there is no formula.
template <class V, int P, int INPUTS>
[[gnu::noinline]] void run_program(const Program& program, const V (&in)[INPUTS][P], V (&out)[INPUTS][P]) {
    using T = Element<V>;
    V r[MAX_REGISTERS][P];
    for (int k = 0; k < INPUTS; ++k)
        for (int p = 0; p < P; ++p) r[k][p] = in[k][p];
    for (int i = 0; i < program.length; ++i) {
        const Instruction& now = program.code[i];
        V* const to = r[now.to];
        const V *const a = r[now.from[0]], *const b = r[now.from[1]];
        const V *const c = r[now.from[2]], *const d = r[now.from[3]];
        const V value = splat<V>(T(now.value));
        const auto each = [to](auto&& f) {
            for (int p = 0; p < P; ++p) to[p] = f(p);
        };
        switch (now.op) {
            case Op::constant: each([&](int) { return value; }); break;
            case Op::add: each([&](int p) { return a[p] + b[p]; }); break;
            case Op::subtract: each([&](int p) { return a[p] - b[p]; }); break;
            case Op::multiply: each([&](int p) { return a[p] * b[p]; }); break;
            case Op::divide: each([&](int p) { return formula_quotient(a[p], b[p]); }); break;
            case Op::shift: each([&](int p) { return a[p] + value; }); break;
            case Op::scale: each([&](int p) { return a[p] * value; }); break;
            case Op::whole_power: each([&](int p) { return whole_power(a[p], static_cast<int>(now.value)); }); break;
            case Op::power: each([&](int p) { return real_power(a[p], b[p]); }); break;
            case Op::if_less: each([&](int p) { return select<V>(a[p] < b[p], c[p], d[p]); }); break;
            case Op::if_less_equal: each([&](int p) { return select<V>(a[p] <= b[p], c[p], d[p]); }); break;
            case Op::exp: each([&](int p) { return exponential(a[p]); }); break;
            case Op::log: each([&](int p) { return formula_logarithm(a[p]); }); break;
            case Op::sqrt: each([&](int p) { return square_root(a[p]); }); break;
            case Op::tanh: each([&](int p) { return hyperbolic_tangent(a[p]); }); break;
            case Op::sinh: each([&](int p) { return hyperbolic_sine(a[p]); }); break;
            case Op::cosh: each([&](int p) { return hyperbolic_cosine(a[p]); }); break;
            case Op::sigmoid: each([&](int p) { return logistic(a[p]); }); break;
            case Op::softplus: each([&](int p) { return softplus(a[p]); }); break;
            case Op::erf: each([&](int p) { return error_function(a[p]); }); break;
            case Op::relu: each([&](int p) { return select<V>(a[p] < V{}, V{}, a[p]); }); break;
            case Op::abs: each([&](int p) { return magnitude(a[p]); }); break;
            case Op::sign:
                each([&](int p) {
                    return select<V>(a[p] > V{}, splat<V>(1), select<V>(a[p] < V{}, splat<V>(-1), a[p]));
                });
                break;
        }
    }
    for (int k = 0; k < INPUTS; ++k)
        for (int p = 0; p < P; ++p) out[k][p] = r[program.results[k]][p];
}

// f(a)
template <class V>
inline V result_of(const Program& program, V a) {
    const V in[1][1] = {{a}};
    V out[1][1];
    run_program<V, 1, 1>(program, in, out);
    return out[0][0];
}

template <class V>
struct ValueAndDelta {
    V value, delta;
};
template <class V>
inline ValueAndDelta<V> results_of(const Program& program, V z, V y) {
    const V in[2][1] = {{z}, {y}};
    V out[2][1];
    run_program<V, 1, 2>(program, in, out);
    return {out[0][0], out[1][0]};
}

// use(i, a, f(a)) for the vectors at `from` + i, i < n: P of them to an instruction, the last filled up with copies.
template <class V, class Use>
inline void each_result(const Program& program, const Element<V>* from, int64_t n, Use&& use) {
    constexpr int P = 4, W = lanes<V>;
    for (int64_t i = 0; i < n; i += P * W) {
        const int64_t left = (n - i) / W;
        const int count = static_cast<int>(left < P ? left : P);
        V in[1][P], out[1][P];
        for (int p = 0; p < P; ++p) in[0][p] = load<V>(from + i + (p < count ? p : 0) * W);
        run_program<V, P, 1>(program, in, out);
        for (int p = 0; p < count; ++p) use(i + p * W, in[0][p], out[0][p]);
    }
}
