// Every instruction set that can run here, without Python: products and functions beside the same in long double,
// training beside the portable set, any number of threads bit for bit, several callers at once, and a child of fork.
// For the sanitizers and for other machines (qemu); the tests in Python compare with the reference engine.
//
// Ends with status 1 and a sentence at the first difference. Built with -DTHALWEG_TESTS=ON. `test_kernels without-fork`
// leaves fork out: under qemu 7.2 a child of a process with threads cannot start any.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "cpu.hpp"
#include "engine.hpp"

using namespace thalweg;

namespace {

template <class T>
const std::string TYPE = sizeof(T) == 4 ? "float" : "double";

// long double only where it must be: where it has 128 bits, it is computed without the processor's help.
template <class T>
using Wider = std::conditional_t<sizeof(T) == 4, double, long double>;

[[noreturn]] void fail(const std::string& where) {
    std::fprintf(stderr, "test_kernels: %s\n", where.c_str());
    std::exit(1);
}

template <class T>
std::vector<T> random_numbers(int64_t n, unsigned seed, double low, double high) {
    std::mt19937_64 random(seed);  // the library's distribution takes logarithms in long double for each number
    std::vector<T> x(static_cast<size_t>(n));
    for (T& number : x) number = static_cast<T>(low + (high - low) * 0x1p-53 * static_cast<double>(random() >> 11));
    return x;
}

// ── products ─────────────────────────────────────────────────────────────────────────────────────────────────────────

// |error| ≤ (k + 1) · ½ epsilon · Σ |a| |b|: rounding, in any order (Higham 2002, §3.1).
template <class T>
void check_product(const Kernels& kernels, int64_t n, int64_t k, int64_t m, bool across) {
    const auto A = random_numbers<T>(n * k, 1, -1, 1), B = random_numbers<T>(k * m, 2, -1, 1);
    std::vector<T> C(static_cast<size_t>(n * m), std::numeric_limits<T>::quiet_NaN());
    const KernelsOf<T>& of = kernels.of<T>();
    std::vector<char> space(static_cast<size_t>(of.multiply_space(n, k, m)));
    of.multiply(A.data(), B.data(), C.data(), n, k, m, across, space.data());
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < m; ++j) {
            Wider<T> exact = 0, sizes = 0;
            for (int64_t t = 0; t < k; ++t) {
                const Wider<T> term = static_cast<Wider<T>>(A[static_cast<size_t>(i * k + t)]) *
                                      B[static_cast<size_t>(across ? j * k + t : t * m + j)];
                exact += term;
                sizes += std::fabs(term);
            }
            const Wider<T> bound = static_cast<Wider<T>>(k + 1) * std::numeric_limits<T>::epsilon() / 2 * sizes * 1.01;
            if (!(std::fabs(C[static_cast<size_t>(i * m + j)] - exact) <= bound))
                fail(std::string(kernels.name) + ": the product of " + TYPE<T> + (across ? " across" : "") + ", n = " +
                     std::to_string(n) + ", k = " + std::to_string(k) + ", m = " + std::to_string(m) + ", is off at (" +
                     std::to_string(i) + ", " + std::to_string(j) + ").");
        }
}

template <class T>
void check_products(const Kernels& kernels) {
    const int64_t sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 33};
    for (const bool across : {false, true}) {
        for (const int64_t n : sizes)
            for (const int64_t k : sizes)
                for (const int64_t m : sizes) check_product<T>(kernels, n, k, m, across);
        check_product<T>(kernels, 50, 577, 131, across);  // beyond what stays in the cache
    }
}

// ── functions ────────────────────────────────────────────────────────────────────────────────────────────────────────

using Real = long double;
struct True {
    const char* name;
    Real (*f)(Real);
};
const True TRUE[] = {
    {"exp", [](Real x) { return std::exp(x); }},
    {"expm1", [](Real x) { return std::expm1(x); }},
    {"log", [](Real x) { return std::log(x); }},
    {"log1p", [](Real x) { return std::log1p(x); }},
    {"tanh", [](Real x) { return std::tanh(x); }},
    {"logistic", [](Real x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }},
    {"softplus", [](Real x) { return x < 0 ? std::log1p(std::exp(x)) : x + std::log1p(std::exp(-x)); }},
    {"normal_distribution", [](Real x) { return std::erfc(-x * std::sqrt(Real(0.5))) / 2; }},
};

// Within 4 units in the last place where the result is a normal number; the last row, 12.
template <class T>
void check_functions(const Kernels& kernels) {
    std::vector<T> x = random_numbers<T>(2003, 3, -3, 3);
    for (const T exponent : random_numbers<T>(2003, 4, -30, 6))
        for (const int sign : {-1, 1}) x.push_back(sign * std::exp2(exponent));
    std::vector<T> out(x.size());
    int count = 0;
    const MathFunction<T>* functions = kernels.of<T>().functions(&count);
    for (int f = 0; f < count; ++f) {
        if (count != static_cast<int>(std::size(TRUE)) || std::string(functions[f].name) != TRUE[f].name)
            fail("the table TRUE of test_kernels.cpp names other functions than that of math.inl: add the new one.");
        functions[f].apply(x.data(), out.data(), static_cast<int64_t>(x.size()));
        const Real units = f + 1 < count ? 4 : 12;
        for (size_t i = 0; i < x.size(); ++i) {
            const Real exact = TRUE[f].f(x[i]), size = std::fabs(exact);
            if (!(size >= std::numeric_limits<T>::min() && size <= std::numeric_limits<T>::max())) continue;
            const Real ulp = std::ldexp(Real(1), std::ilogb(exact) - std::numeric_limits<T>::digits + 1);
            if (!(std::fabs(out[i] - exact) <= units * ulp))
                fail(std::string(kernels.name) + ": " + TRUE[f].name + "(" + std::to_string(x[i]) + ") of " + TYPE<T> +
                     " is off by " + std::to_string(static_cast<double>(std::fabs(out[i] - exact) / ulp)) + " ulp.");
        }
    }
}

// ── training ─────────────────────────────────────────────────────────────────────────────────────────────────────────

struct Case {
    std::vector<int64_t> sizes;
    Activation hidden, output;
    Loss loss;
    Optimizer rule;
    bool biases, mean;
    double l2, dropout;
};

// A large ε: no step hangs on rounding.
const Optimizer PLAIN{Rule::gradient_descent, 0, false, 0, 0, 0, 0, 0};
const Optimizer NESTEROV{Rule::gradient_descent, 0.9, true, 0, 0, 0, 0, 1};
const Optimizer RMSPROP{Rule::rmsprop, 0, false, 0, 0.99, 1e-3, 0, 0};
const Optimizer ADAM{Rule::adam, 0, false, 0.9, 0.99, 1e-3, 0, 0.5};
const Optimizer ADAMW{Rule::adamw, 0, false, 0.9, 0.99, 1e-3, 0.1, 0};
using A = Activation;
const Case CASES[] = {
    {{61, 67, 5}, A::silu, A::softmax, Loss::cross_entropy, ADAMW, true, true, 1e-3, 0.1},
    {{37, 131, 17, 2}, A::tanh, A::identity, Loss::squared_error, NESTEROV, false, true, 0, 0},
    {{61, 67, 1}, A::relu, A::sigmoid, Loss::binary_cross_entropy, RMSPROP, true, true, 0, 0},
    {{5, 16, 3}, A::gelu, A::exp, Loss::poisson, ADAM, true, false, 0, 0.3},
    {{3, 8, 33, 9, 2}, A::mish, A::identity, Loss::huber, PLAIN, true, true, 1e-2, 0},
    {{9, 31, 4}, A::elu, A::softplus, Loss::poisson, ADAMW, true, true, 0, 0},
    {{7, 5, 1}, A::selu, A::tanh, Loss::quantile, ADAM, false, true, 0, 0.2},
    {{2, 2, 2}, A::sigmoid, A::sigmoid, Loss::half_squared_error, PLAIN, true, false, 0, 0},
    {{15, 17, 3}, A::leaky_relu, A::softmax, Loss::squared_error, RMSPROP, true, true, 0, 0},
    {{8, 7, 3}, A::softplus, A::identity, Loss::absolute_error, NESTEROV, true, true, 0, 0},
    {{1, 1}, A::identity, A::exp, Loss::squared_error, PLAIN, true, true, 0, 0},
};
constexpr int64_t ROWS = 500;
constexpr int64_t BATCHES[] = {1, 3, 17, 64, ROWS};

OwnedNetwork network_of(const Case& of) {
    OwnedNetwork made;
    int64_t end = 0;
    for (size_t l = 0; l + 1 < of.sizes.size(); ++l) {
        const bool is_last = l + 2 == of.sizes.size();
        Layer layer;
        layer.below = of.sizes[l];
        layer.above = of.sizes[l + 1];
        layer.activation = is_last ? of.output : of.hidden;
        layer.parameter = of.hidden == A::leaky_relu ? 0.01 : 1.0;
        layer.dropout = is_last ? 0.0 : of.dropout;
        layer.weights = end;
        end += layer.below * layer.above;
        if (of.biases) {
            layer.biases = end;
            end += layer.above;
        }
        made.layers.push_back(layer);
    }
    made.network.n_parameters = end;
    made.network.loss = of.loss;
    made.network.loss_parameter = 0.3;
    for (int64_t k = 0; of.loss == Loss::quantile && k < of.sizes.back(); ++k)
        made.loss_parameters.push_back(0.3 + 0.1 * static_cast<double>(k % 5));
    made.network.mean = of.mean;
    made.network.l2 = of.l2;
    return made;
}

// What a training answers, and with batches of all rows the three questions too, one number after another.
template <class T>
std::vector<double> answers(const Kernels& kernels, const Case& of, int64_t batch, int threads, unsigned seed = 0) {
    const OwnedNetwork network = network_of(of);
    const int64_t inputs = of.sizes.front(), outputs = of.sizes.back(), n = network.network.n_parameters;
    const auto X = random_numbers<T>(ROWS * inputs, 5 + seed, -1, 1), Y = random_numbers<T>(ROWS * outputs, 6, 0, 1);
    const auto weights = random_numbers<T>(ROWS, 7, 0.5, 2), start = random_numbers<T>(n, 8, -0.3, 0.3);
    const std::vector<T> zeros(static_cast<size_t>(n));
    const Rule which = of.rule.rule;
    const size_t n_moments = which == Rule::gradient_descent ? of.rule.momentum > 0 : which == Rule::rmsprop ? 1 : 2;
    Trainer<T> trainer(kernels, network, of.rule, X.data(), Y.data(), weights.data(), start.data(),
                       std::vector<const T*>(n_moments, zeros.data()), 0, threads);
    const int64_t steps = batch < 64 ? 9 : 3;
    std::vector<int64_t> order;
    for (int64_t i = 0; i < batch * steps; ++i) order.push_back(i * 7 % ROWS);
    const std::vector<double> rates(static_cast<size_t>(steps), of.mean ? 1e-2 : 1e-4);
    std::vector<double> losses(static_cast<size_t>(steps));
    const int64_t rows = batch * steps - (batch > 1);  // the last batch is not full
    const Outcome outcome = trainer.run(order.data(), rows, batch, rates.data(), steps, 0.0, 9, 1, losses.data(),
                                        [] { return false; });
    if (outcome.steps != steps) fail(std::string(kernels.name) + ": the training of " + TYPE<T> + " broke down.");
    std::vector<std::vector<T>> parts(1 + n_moments, zeros);
    std::vector<T*> moments;
    for (size_t i = 1; i <= n_moments; ++i) moments.push_back(parts[i].data());
    trainer.state(parts[0].data(), moments);
    if (batch == ROWS) {
        const T *p = start.data(), *x = X.data(), *y = Y.data(), *s = weights.data();
        parts.resize(3 + n_moments, zeros);  // the gradient …
        parts.back().resize(static_cast<size_t>(ROWS * outputs));  // … and what is predicted
        losses.push_back(mean_loss(kernels, network, p, x, y, s, ROWS, threads));
        losses.push_back(loss_and_gradient(kernels, network, p, x, y, s, ROWS, threads, parts[1 + n_moments].data()));
        std::vector<T>& predicted = parts.back();
        for (const int64_t few : {1, 3, 8}) {  // of which there is a way of their own
            std::vector<T> out(static_cast<size_t>(few * outputs));
            predict(kernels, network, p, x, few, threads, out.data());
            losses.insert(losses.end(), out.begin(), out.end());
        }
        predict(kernels, network, p, x, ROWS, threads, predicted.data());
    }
    for (const std::vector<T>& part : parts) losses.insert(losses.end(), part.begin(), part.end());
    return losses;
}

// −1 where they agree within `tolerance`, relative to the larger of the number and 1; else where they first do not.
int64_t first_difference(const std::vector<double>& ours, const std::vector<double>& theirs, double tolerance) {
    for (size_t i = 0; i < theirs.size(); ++i)
        if (!(std::fabs(ours[i] - theirs[i]) <= tolerance * std::fmax(1.0, std::fabs(theirs[i])))) return int64_t(i);
    return -1;
}

template <class T>
void check_training(const std::vector<std::string>& sets) {
    const double tolerance = sizeof(T) == 4 ? 2e-4 : 1e-11;
    for (const Case& of : CASES)
        for (const int64_t batch : BATCHES) {
            const std::vector<double> portable = answers<T>(find_kernels("portable"), of, batch, 1);
            for (const std::string& set : sets) {
                const Kernels& kernels = find_kernels(set);
                const std::vector<double> alone = answers<T>(kernels, of, batch, 1);
                const std::string where = set + ", " + TYPE<T> + ", network " + std::to_string(&of - CASES) +
                                          ", batches of " + std::to_string(batch) + ": answer ";
                if (const int64_t at = first_difference(alone, portable, tolerance); at >= 0)
                    fail(where + std::to_string(at) + " is not that of the portable set.");
                for (const int n : {2, 3, 4})
                    if (const int64_t at = first_difference(answers<T>(kernels, of, batch, n), alone, 0); at >= 0)
                        fail(where + std::to_string(at) + " has other bits on " + std::to_string(n) + " threads.");
            }
        }
}

// ── callers at once, and fork ────────────────────────────────────────────────────────────────────────────────────────

void check_callers(const Kernels& kernels, bool with_fork) {
    constexpr unsigned CALLERS = 4;
    const std::string set = kernels.name;
    const auto train = [&](int threads, unsigned seed) {
        return answers<float>(kernels, CASES[0], ROWS, threads, seed);
    };
    std::vector<std::vector<double>> alone(CALLERS), together(CALLERS);
    for (unsigned i = 0; i < CALLERS; ++i) alone[i] = train(1, i);
    std::vector<std::thread> callers;
    for (unsigned i = 0; i < CALLERS; ++i)
        callers.emplace_back([&, i] { together[i] = train(2 + static_cast<int>(i) % 2, i); });
    for (std::thread& caller : callers) caller.join();
    if (together != alone) fail(set + ": several callers at once disturb one another.");
#if !defined(_WIN32)
    if (!with_fork) return;
    if (train(3, 0) != alone[0]) fail(set + ": three threads give other bits.");  // its helpers are there when we fork
    const pid_t child = fork();
    if (child == 0) _exit(train(3, 0) == alone[0] ? 0 : 1);
    int status = -1;
    if (waitpid(child, &status, 0) != child || status != 0)
        fail(set + ": a child of fork does not train as its parent did (status " + std::to_string(status) + ").");
    if (train(3, 0) != alone[0]) fail(set + ": after a fork the parent trains no more as before.");
#endif
}

}  // namespace

int main(int count, char** arguments) {
    const bool with_fork = count < 2 || std::string(arguments[1]) != "without-fork";
    const std::vector<std::string> sets = usable_sets(cpu_features());
    for (const std::string& set : sets) {
        const Kernels& kernels = find_kernels(set);
        check_products<float>(kernels);
        check_products<double>(kernels);
        check_functions<float>(kernels);
        check_functions<double>(kernels);
        check_callers(kernels, with_fork);
        std::printf("%s: products, functions, callers\n", set.c_str());
    }
    check_training<float>(sets);
    check_training<double>(sets);
    std::printf("training: the same on all sets, and on 1 to 4 threads bit for bit\n");
}
