// Elementary functions of whole vectors of float or double: no branches, no tables, no library.
//
// Included after simd.inl, inside the same unnamed namespace. Every function takes every number: what is not a number
// stays so, infinities and zeros give their limits, and results below the normal numbers may come out as 0 (also where
// the processor flushes them). tests/test_core_math.py measures the errors on every instruction set.
//
// The coefficients were fitted for this file in 60 digits or more: polynomials by Remez' exchange, each coefficient
// rounded in turn from the lowest and the rest fitted again; quotients by Lawson's reweighted least squares. The number
// in the comment is the largest relative error that leaves in the function, before any rounding of the arithmetic.
//
// Nothing may depend on whether a·b + c is rounded once or twice: that is the compiler's choice for each set.

template <class T>
struct Format;  // how a T is laid out, and the constants of T

template <>
struct Format<float> {
    using Bits = unsigned int;
    static constexpr int FRACTION = 23;  // bits of the significand that are stored
    static constexpr int BIAS = 127;
    static constexpr float SMALLEST = 0x1p-126f;   // normal number
    static constexpr float INTEGER = 0x1p23f;      // from here to twice it, the numbers are the integers
    static constexpr Bits SQUARABLE = 0xFFFFF000;  // what it keeps of a number has an exact square
    // ln 2, and in two parts, such that n · LN2_HIGH is exact for every exponent n.
    static constexpr float LN2 = 0x1.62e43p-1f, LN2_HIGH = 0x1.62e4p-1f, LN2_LOW = 0x1.7f7d1cp-20f;
    static constexpr float LOG2_E = 0x1.715476p+0f;
    static constexpr Bits SQRT_HALF = 0x3F3504F3;  // √½
    // (e^r − 1 − r) / r², for |r| ≤ ½ ln 2 in e^r − 1: 2.4e-9; on to r = ln 2 in e^r: 1.2e-8.
    static constexpr float EXPONENTIAL[] = {0.5f,         0.16666685f,   0.041666653f,
                                            0.008329131f, 0.0013915709f, 0.00022086478f};
    // (ln(1 + f) − f) / f², for √½ ≤ 1 + f ≤ √2: 5.8e-9.
    static constexpr float LOGARITHM[] = {-0.5f,       0.3333333f,   -0.2500082f, 0.20001242f, -0.1662341f,
                                          0.14201586f, -0.13159598f, 0.12762141f, -0.07636359f};
    // e^(a²/2) Φ(−a), for 0 ≤ a ≤ FAR: 2.0e-8.
    static constexpr float FAR = 14.0f;
    static constexpr float NORMAL_ABOVE[] = {0.5f, 0.4372467f, 0.18245864f, 0.040371455f, 0.004077441f};
    static constexpr float NORMAL_BELOW[] = {1.0f,        1.6723784f,  1.1992776f,
                                             0.46742067f, 0.10120305f, 0.0102205f};
};

template <>
struct Format<double> {
    using Bits = unsigned long long;
    static constexpr int FRACTION = 52;
    static constexpr int BIAS = 1023;
    static constexpr double SMALLEST = 0x1p-1022;
    static constexpr double INTEGER = 0x1p52;
    static constexpr Bits SQUARABLE = 0xFFFFFFFFF8000000;
    static constexpr double LN2 = 0x1.62e42fefa39efp-1, LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;
    static constexpr double LOG2_E = 0x1.71547652b82fep+0;
    static constexpr Bits SQRT_HALF = 0x3FE6A09E667F3BCD;
    // As above: 2.6e-17; on to r = ln 2: 3.9e-17.
    static constexpr double EXPONENTIAL[] = {
        0.5,                    0.1666666666666626,     0.041666666666656346,   0.00833333333361533,
        0.001388888889121634,   0.00019841269223203837, 2.4801589452108176e-05, 2.755785484940631e-06,
        2.7550613408613935e-07, 2.490968546687409e-08,  2.4128194026888235e-09};
    // (ln((1 + s) / (1 − s)) − 2s) / s³ in powers of s², where 1 + f = (1 + s) / (1 − s), for the same f: 1.3e-18.
    static constexpr double LOGARITHM[] = {0.6666666666666734,  0.39999999999416647, 0.2857142874218965,
                                           0.22222198569288784, 0.18183565576806332, 0.1531399831889739,
                                           0.14796613459700922};
    // As above: 1.0e-16.
    static constexpr double FAR = 39.0;
    static constexpr double NORMAL_ABOVE[] = {
        0.5,                   0.7748719478620586,     0.5940435242716184,   0.28933075785948154,
        0.09769854294482828,   0.023622188226399166,   0.004089264797964856, 0.0004904104780341266,
        3.725354076441273e-05, 1.3856737229492295e-06};
    static constexpr double NORMAL_BELOW[] = {
        1.0,                  2.3476284565269725,    2.5612235485078916,    1.7143695338382532,
        0.7820331275438717,   0.2549574236250141,    0.060434375374999266,  0.010343647532452748,
        0.001232750139548336, 9.338077860806029e-05, 3.473368933368055e-06};
};

template <class V>
using Bits = typename Vector<typename Format<Element<V>>::Bits, lanes<V>>::type;

// c[I] + c[I+1] x + c[I+2] x² …
template <int I = 0, class V, int N>
inline V polynomial(V x, const Element<V> (&c)[N]) {
    if constexpr (I == N - 1) {
        return splat<V>(c[I]);
    } else {
        return splat<V>(c[I]) + x * polynomial<I + 1>(x, c);
    }
}

// ---------------------------------------------------------------- exponential

// x = n ln 2 + rest, power = 2^n, and |rest| is at most ½ ln 2 or little more.
template <class V>
struct Split {
    V rest, power;
};

// Added to a number that is not too large, this rounds it to an integer n; and the last bits of the sum are n + BIAS,
// the exponent of 2^n.
template <class V>
constexpr Element<V> ROUNDING = Format<Element<V>>::INTEGER * 1.5f + Format<Element<V>>::BIAS;

template <class V>
inline V power_of(V sum) {
    return (V)((Bits<V>)sum << Format<Element<V>>::FRACTION);
}

// For every x. Below, x is held where n = −BIAS and power is 0. Above, n stops at BIAS, where 2^n is still a number;
// there rest goes on to ln 2, and beyond it e^rest · 2^n overflows, as it should: all coefficients are positive.
template <class V>
inline Split<V> split(V x) {
    using F = Format<Element<V>>;
    const V held = larger(splat<V>(-(F::BIAS - 0.4f) * 0.6931472f), x);
    const V sum = smaller(splat<V>(ROUNDING<V> + F::BIAS), held * F::LOG2_E + ROUNDING<V>);
    const V n = sum - ROUNDING<V>;
    return {(held - n * F::LN2_HIGH) - n * F::LN2_LOW, power_of<V>(sum)};
}

// For |x| ≤ 40; rest has an error of n times that of LN2.
template <class V>
inline Split<V> split_roughly(V x) {
    using F = Format<Element<V>>;
    const V sum = x * F::LOG2_E + ROUNDING<V>;
    return {x - (sum - ROUNDING<V>) * F::LN2, power_of<V>(sum)};
}

// e^r − 1
template <class V>
inline V difference(V r) {
    return r + r * r * polynomial(r, Format<Element<V>>::EXPONENTIAL);
}

// e^x − 1. The difference 1 − 2^n is exact, or one of its terms does not matter.
template <class V>
inline V difference(Split<V> s) {
    return s.power * difference<V>(s.rest) - (1 - s.power);
}

// e^(x − less), where less is small.
template <class V>
inline V exponential(V x, V less) {
    const Split<V> s = split(x);
    return (1 + difference<V>(s.rest - less)) * s.power;
}

template <class V>
inline V exponential(V x) {
    return exponential<V>(x, V{});
}

template <class V>
inline V exponential_minus_one(V x) {
    return difference(split(x));
}

template <class V>
inline V logistic(V x) {
    return 1 / (1 + exponential<V>(-x));
}

// (e^2x − 1) / (e^2x + 1). The error of the rough split does not matter: the larger n, the flatter the curve.
template <class V>
inline V hyperbolic_tangent(V x) {
    const V far = splat<V>(20);  // from here the result is 1
    const V e = difference(split_roughly<V>(2 * smaller(far, larger(-far, x))));
    return e / (e + 2);
}

// ---------------------------------------------------------------- logarithm

// x = 2^n (1 + f), for normal x > 0, where 1 + f is between √½ and √2; exponent = n + BIAS.
template <class V>
struct Scaled {
    Bits<V> exponent;
    V f;
};

template <class V>
inline Scaled<V> scaled(V x) {
    using F = Format<Element<V>>;
    using B = typename F::Bits;
    constexpr B one = static_cast<B>(F::BIAS) << F::FRACTION;
    const Bits<V> bits = (Bits<V>)x + (one - F::SQRT_HALF);
    const Bits<V> fraction = bits & ((static_cast<B>(1) << F::FRACTION) - 1);
    return {bits >> F::FRACTION, (V)(fraction + F::SQRT_HALF) - 1};
}

// bias − exponent, as numbers: the integer exponent becomes the last bits of INTEGER + exponent.
template <class V>
inline V subtract(V bias, Bits<V> exponent) {
    using F = Format<Element<V>>;
    constexpr typename F::Bits integer = static_cast<typename F::Bits>(F::BIAS + F::FRACTION) << F::FRACTION;
    return (bias + F::INTEGER) - (V)(exponent | integer);
}

// ln(2^−m (1 + f)). With −m, so that ln(1 + −0) is −0. For double after the log of Sun's fdlibm: the series in
// s = f / (2 + f) needs a third of the coefficients of one in f, for one division.
template <class V>
inline V logarithm_of(V f, V m) {
    using F = Format<Element<V>>;
    if constexpr (sizeof(Element<V>) == 4) {
        return (f + (f * f * polynomial(f, F::LOGARITHM) - m * F::LN2_LOW)) - m * F::LN2_HIGH;
    } else {
        const V s = f / (2 + f), z = s * s, half = f * f * static_cast<Element<V>>(0.5);
        const V series = z * polynomial(z, F::LOGARITHM);
        return (f - (half - (s * (half + series) - m * F::LN2_LOW))) - m * F::LN2_HIGH;
    }
}

// ln x: `finite`, but where that is wrong.
template <class V>
inline V with_limits(V x, V finite) {
    const V infinite = splat<V>(__builtin_inff()), none = splat<V>(__builtin_nanf(""));
    const V above = select<V>(x < infinite, finite, x);
    return select<V>(x > V{}, above, select<V>(x == V{}, -infinite, none));
}

template <class V>
inline V logarithm(V x) {
    using F = Format<Element<V>>;
    const Mask<V> tiny = x < splat<V>(F::SMALLEST);  // these have no exponent of their own
    const Scaled<V> s = scaled<V>(select<V>(tiny, x * F::INTEGER, x));
    const V bias = select<V>(tiny, splat<V>(F::BIAS + F::FRACTION), splat<V>(F::BIAS));
    return with_limits<V>(x, logarithm_of<V>(s.f, subtract<V>(bias, s.exponent)));
}

// ln(1 + x) for x > −1. Only the exponent n is taken from the rounded 1 + x; f = (1 + x) / 2^n − 1 comes from x itself.
// 2^−n is computed as a quarter of its fourfold, because for the largest x it is not a normal number.
template <class V>
inline V logarithm_one_plus_finite(V x) {
    using F = Format<Element<V>>;
    const Bits<V> exponent = scaled<V>(1 + x).exponent;
    const V four = (V)((static_cast<typename F::Bits>(2 * F::BIAS + 2) - exponent) << F::FRACTION);
    const V quarter = splat<V>(0.25f);
    const V f = x * four * quarter - (1 - four * quarter);
    return logarithm_of<V>(f, subtract<V>(splat<V>(F::BIAS), exponent));
}

template <class V>
inline V logarithm_one_plus(V x) {
    return with_limits<V>(1 + x, logarithm_one_plus_finite(x));
}

// ln(1 + e^x) = max(0, x) + ln(1 + e^−|x|)
template <class V>
inline V softplus(V x) {
    return larger(V{}, x) + logarithm_one_plus_finite(exponential<V>(smaller(x, -x)));
}

// ---------------------------------------------------------------- normal distribution

// Φ(x), with a small relative error in the lower tail too: Φ(−a) = e^(−a²/2) · quotient. The error of a rounded a²/2
// would be the relative error of the result, so a² is taken apart into an exact square and a small rest, as in the erfc
// of W. J. Cody (SPECFUN).
template <class V>
inline V normal_distribution(V x) {
    using F = Format<Element<V>>;
    const V a = smaller(splat<V>(F::FAR), larger(x, -x));
    const V head = (V)((Bits<V>)a & F::SQUARABLE);
    const V half = splat<V>(0.5f);
    const V density = exponential<V>(-half * head * head, half * (a - head) * (a + head));
    const V tail = density * polynomial(a, F::NORMAL_ABOVE) / polynomial(a, F::NORMAL_BELOW);
    return select<V>(x < V{}, tail, 1 - tail);
}

// ---------------------------------------------------------------- for the tests

template <class T, Wide<T> (*f)(Wide<T>)>
void apply(const T* in, T* out, int64_t n) {
    using V = Wide<T>;
    int64_t i = 0;
    for (; i + lanes<V> <= n; i += lanes<V>) store<V>(out + i, f(load<V>(in + i)));
    const int rest = static_cast<int>(n - i);
    if (rest > 0) store_some<V>(out + i, f(load_some<V>(in + i, rest)), rest);
}

template <class T>
inline const MathFunction<T>* functions(int* count) {
    using V = Wide<T>;
    static constexpr MathFunction<T> table[] = {
        {"exp", apply<T, exponential<V>>},
        {"expm1", apply<T, exponential_minus_one<V>>},
        {"log", apply<T, logarithm<V>>},
        {"log1p", apply<T, logarithm_one_plus<V>>},
        {"tanh", apply<T, hyperbolic_tangent<V>>},
        {"logistic", apply<T, logistic<V>>},
        {"softplus", apply<T, softplus<V>>},
        {"normal_distribution", apply<T, normal_distribution<V>>},
    };
    *count = static_cast<int>(sizeof table / sizeof table[0]);
    return table;
}
