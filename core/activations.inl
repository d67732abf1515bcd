// Activations: g(a), and g′ from what was saved, z where the formula allows, else a. One struct and one row in
// `with_activation` each; the definitions are those of src/thalweg/activations.py, which the contract tests hold them to.

template <class V>
struct Identity {
    static V g(V a, V) { return a; }
    static V slope(V, V) { return splat<V>(1); }
};
template <class V>
struct Sigmoid {
    static V g(V a, V) { return logistic(a); }
    static V slope(V z, V) { return z * (splat<V>(1) - z); }
};
template <class V>
struct Tanh {
    static V g(V a, V) { return hyperbolic_tangent(a); }
    static V slope(V z, V) { return splat<V>(1) - z * z; }
};
template <class V>
struct Relu {
    static V g(V a, V) { return select<V>(a < V{}, V{}, a); }  // in this order what is not a number stays so
    static V slope(V z, V) { return select<V>(z > V{}, splat<V>(1), V{}); }
};
template <class V>
struct LeakyRelu {
    static V g(V a, V slope) { return select<V>(a > V{}, a, slope * a); }
    static V slope(V a, V slope) { return select<V>(a > V{}, splat<V>(1), slope); }
};
template <class V>
struct Elu {
    static V g(V a, V alpha) { return select<V>(a > V{}, a, alpha * exponential_minus_one(smaller(V{}, a))); }
    static V slope(V z, V alpha) { return select<V>(z > V{}, splat<V>(1), z + alpha); }
};
template <class V>
struct Selu {
    static constexpr bool OVERFLOWS = true;
    // Klambauer et al. 2017, equation 14
    static constexpr double SCALE = 1.0507009873554804934193349852946;
    static constexpr double ALPHA = 1.6732632423543772848170429916717;
    using T = Element<V>;
    static V g(V a, V) { return splat<V>(T(SCALE)) * Elu<V>::g(a, splat<V>(T(ALPHA))); }
    static V slope(V z, V) { return select<V>(z > V{}, splat<V>(T(SCALE)), z + splat<V>(T(SCALE * ALPHA))); }
};
template <class V>
struct Gelu {
    static constexpr double DENSITY_AT_0 = 0.39894228040143267793994605993438;  // 1/√(2π)
    static V g(V a, V) { return a * normal_distribution(a); }
    static V slope(V a, V) {
        using T = Element<V>;
        return normal_distribution(a) + a * exponential(splat<V>(T(-0.5)) * a * a) * splat<V>(T(DENSITY_AT_0));
    }
};
template <class V>
struct Silu {
    static V g(V a, V) { return a * logistic(a); }
    static V slope(V a, V) {
        const V s = logistic(a);
        return s * (splat<V>(1) + a * (splat<V>(1) - s));
    }
};
template <class V>
struct Mish {
    static V g(V a, V) { return a * hyperbolic_tangent(softplus(a)); }
    static V slope(V a, V) {
        const V t = hyperbolic_tangent(softplus(a));
        return t + a * logistic(a) * (splat<V>(1) - t * t);
    }
};
template <class V>
struct Softplus {
    static V g(V a, V) { return softplus(a); }
    static V slope(V a, V) { return logistic(a); }
};
template <class V>
struct Exp {
    static constexpr bool OVERFLOWS = true;
    static V g(V a, V) { return exponential(a); }
    static V slope(V z, V) { return z; }
};

// A formula of the user's own.
template <class V>
struct Own {
    static constexpr bool OVERFLOWS = true;
    const Layer* layer;
    V g(V a, V) const { return result_of(layer->g, a); }
    V slope(V a, V) const { return result_of(layer->slope, a); }
};
template <class Row>
constexpr bool is_own = false;
template <class V>
constexpr bool is_own<Own<V>> = true;

// Whether z may be infinite where a is not.
template <class Row>
constexpr bool overflows = requires { Row::OVERFLOWS; };

// Whether g′ is computed from a, not from z.
inline bool saves_a(Activation which) {
    switch (which) {
        case Activation::leaky_relu:
        case Activation::gelu:
        case Activation::silu:
        case Activation::mish:
        case Activation::softplus:
        case Activation::own: return true;
        default: return false;
    }
}

// Calls use(row) with the row of this layer's activation, so that a loop is chosen once and not in every turn. Softmax ties
// the units of a layer together; the loss sees to it.
template <class V, class Use>
inline void with_activation(const Layer& layer, Use&& use) {
    switch (layer.activation) {
        case Activation::identity:
        case Activation::softmax: return use(Identity<V>{});
        case Activation::sigmoid: return use(Sigmoid<V>{});
        case Activation::tanh: return use(Tanh<V>{});
        case Activation::relu: return use(Relu<V>{});
        case Activation::leaky_relu: return use(LeakyRelu<V>{});
        case Activation::elu: return use(Elu<V>{});
        case Activation::selu: return use(Selu<V>{});
        case Activation::gelu: return use(Gelu<V>{});
        case Activation::silu: return use(Silu<V>{});
        case Activation::mish: return use(Mish<V>{});
        case Activation::softplus: return use(Softplus<V>{});
        case Activation::exp: return use(Exp<V>{});
        case Activation::own: return use(Own<V>{&layer});
    }
}

// use(i, a, g(a)) for the vectors at `a` + i, i < n.
template <class V, class Row, class Use>
inline void each_value(Row row, const Element<V>* a, int64_t n, V setting, Use&& use) {
    if constexpr (is_own<Row>) {
        each_result<V>(row.layer->g, a, n, use);
    } else {
        for (int64_t i = 0; i < n; i += lanes<V>) {
            const V in = load<V>(a + i);
            use(i, in, row.g(in, setting));
        }
    }
}
// use(i, g′) likewise, from what was saved.
template <class V, class Row, class Use>
inline void each_slope(Row row, const Element<V>* saved, int64_t n, V setting, Use&& use) {
    if constexpr (is_own<Row>) {
        each_result<V>(row.layer->slope, saved, n, [&](int64_t i, V, V slope) { use(i, slope); });
    } else {
        for (int64_t i = 0; i < n; i += lanes<V>) use(i, row.slope(load<V>(saved + i), setting));
    }
}
