// Losses: E of a row and δ⁽ᴸ⁾ = ∂E/∂a⁽ᴸ⁾ (equation 5 and the base case of 7), a vector being several rows side by side.
// The definitions are those of src/thalweg/losses.py. Where output and loss cancel, both come from a directly.

// ln softplus(a) and its derivative; below −30 they are a − ½ eᵃ and 1 − ½ eᵃ to the last bit.
template <class V>
inline V log_softplus(V a) {
    const V low = splat<V>(-30);
    return select<V>(a < low, a - splat<V>(Element<V>(0.5)) * exponential(smaller(low, a)),
                     logarithm(softplus(larger(low, a))));
}
template <class V>
inline V log_softplus_slope(V a) {
    const V low = splat<V>(-30), high = larger(low, a);
    return select<V>(a < low, splat<V>(1) - splat<V>(Element<V>(0.5)) * exponential(smaller(low, a)),
                     logistic(high) / softplus(high));
}

// y · logarithm, with 0 · (−∞) = 0.
template <class V>
inline V times(V y, V logarithm) {
    return select<V>(y != V{}, y * logarithm, V{});
}

// Value and ∂E/∂ŷ of one output: the losses that go with any activation.
template <class V>
inline V value_of(Loss loss, V z, V y, V parameter) {
    using T = Element<V>;
    const V r = z - y;
    switch (loss) {
        case Loss::squared_error: return r * r;
        case Loss::half_squared_error: return splat<V>(T(0.5)) * r * r;
        case Loss::absolute_error: return magnitude(r);
        case Loss::huber: {
            const V m = magnitude(r), half = splat<V>(T(0.5));
            return select<V>(m <= parameter, half * m * m, parameter * (m - half * parameter));
        }
        case Loss::quantile: return larger(parameter * -r, (parameter - splat<V>(1)) * -r);
        case Loss::poisson: return z - times(y, logarithm(z));  // behind a positive activation of the user's own
        default: return V{};
    }
}
template <class V>
inline V slope_of(Loss loss, V z, V y, V parameter) {
    const V r = z - y;
    switch (loss) {
        case Loss::squared_error: return r + r;
        case Loss::half_squared_error: return r;
        case Loss::absolute_error: return select<V>(r > V{}, splat<V>(1), select<V>(r < V{}, splat<V>(-1), r));
        case Loss::huber: return larger(smaller(r, parameter), -parameter);
        case Loss::quantile:
            return select<V>(z > y, splat<V>(1) - parameter, select<V>(z < y, -parameter, V{}));
        case Loss::poisson: return splat<V>(1) - y / z;
        default: return V{};
    }
}

// Both, the loss a formula of the user's own or not.
template <class V>
inline ValueAndDelta<V> both_of(const Network& network, V z, V y, V parameter) {
    if (network.loss == Loss::own) return results_of(network.own_loss, z, y);
    return {value_of(network.loss, z, y, parameter), slope_of(network.loss, z, y, parameter)};
}

// The fused pairs of one output.
template <class V>
inline ValueAndDelta<V> binary_cross_entropy(V a, V z, V y) {
    // softplus(a) − a y; max(a, 0) comes first, so that the small term is not lost.
    return {larger(a, V{}) - a * y + softplus(-magnitude(a)), z - y};
}
template <class V>
inline ValueAndDelta<V> poisson(Activation output, V a, V z, V y) {
    switch (output) {
        case Activation::exp: return {z - times(y, a), z - y};
        case Activation::softplus: return {z - y * log_softplus(a), logistic(a) - y * log_softplus_slope(a)};
        default: return {z + y * softplus(-a), (splat<V>(1) - z) * (z - y)};  // sigmoid
    }
}

// The output layer for as many rows as V has lanes. Arrays are [units][lanes of V], `stride` elements from one unit to the
// next: a is given, z and δ are filled in; y(j) gives the targets of unit j, `factor` what each row's δ is multiplied by.
// Returns E, and shows every output to `finite`. Without `wants_delta`, z alone is filled in and y is never called.
template <class V, class Targets>
inline V output_layer(const Layer& layer, const Network& network, const Element<V>* a, Element<V>* z, Element<V>* delta,
                      ptrdiff_t stride, Targets&& y, V factor, bool wants_delta, Finite<V>& finite) {
    using T = Element<V>;
    const Loss loss = network.loss;
    const int64_t units = layer.above;
    const double* const several = network.loss_parameters;
    V E{};
    if (layer.activation == Activation::softmax) {
        V largest = load<V>(a), total{};
        for (int64_t j = 1; j < units; ++j) largest = larger(load<V>(a + j * stride), largest);
        for (int64_t j = 0; j < units; ++j) {
            const V e = exponential(load<V>(a + j * stride) - largest);
            store(z + j * stride, e);
            total += e;
        }
        const V share = splat<V>(1) / total;
        for (int64_t j = 0; j < units; ++j) store(z + j * stride, load<V>(z + j * stride) * share);
        if (!wants_delta) return E;
        if (loss == Loss::cross_entropy) {
            const V log_total = logarithm(total);
            V sum_of_y{};
            for (int64_t j = 0; j < units; ++j) sum_of_y += y(j);
            for (int64_t j = 0; j < units; ++j) {
                const V target = y(j);
                E -= times(target, (load<V>(a + j * stride) - largest) - log_total);
                store(delta + j * stride, (load<V>(z + j * stride) * sum_of_y - target) * factor);
            }
            return E;
        }
        V parameter = splat<V>(T(network.loss_parameter)), product{};  // Σ_k ∂E/∂ŷ_k ŷ_k, of softmax's full Jacobian (L15)
        for (int64_t j = 0; j < units; ++j) {
            const V out = load<V>(z + j * stride);
            if (several) parameter = splat<V>(T(several[j]));
            const ValueAndDelta<V> both = both_of(network, out, y(j), parameter);
            E += both.value;
            product += both.delta * out;
            store(delta + j * stride, both.delta);
        }
        for (int64_t j = 0; j < units; ++j)
            store(delta + j * stride,
                  load<V>(z + j * stride) * (load<V>(delta + j * stride) - product) * factor);
        return E;
    }
    const V setting = splat<V>(T(layer.parameter));
    V loss_setting = splat<V>(T(network.loss_parameter));
    const bool from_a = saves_a(layer.activation);
    with_activation<V>(layer, [&](auto row) {
        Finite<V> seen = finite;
        for (int64_t j = 0; j < units; ++j) {
            const V in = load<V>(a + j * stride), out = row.g(in, setting);
            store(z + j * stride, out);
            seen.see(out);
            if (!wants_delta) continue;
            const V target = y(j);
            ValueAndDelta<V> both;
            if (loss == Loss::binary_cross_entropy) {
                both = binary_cross_entropy(in, out, target);
            } else if (loss == Loss::poisson && !is_own<decltype(row)>) {
                both = poisson(layer.activation, in, out, target);
            } else {
                if (several) loss_setting = splat<V>(T(several[j]));
                both = both_of(network, out, target, loss_setting);
                both.delta = both.delta * row.slope(from_a ? in : out, setting);
            }
            E += both.value;
            store(delta + j * stride, both.delta * factor);
        }
        finite = seen;
    });
    return E;
}
