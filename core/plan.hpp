// What the compiled engine is asked to do, as plain structures that Python's side fills and the kernels read.
// No standard library here: these headers are seen by files compiled for one instruction set each.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace thalweg {

// In the order of the rows of activations.py, losses.py, optimizers.py; the names stand in names.cpp. `own` is a formula
// of the user's, handed over as a program.
enum class Activation {
    identity, sigmoid, tanh, relu, leaky_relu, elu, selu, gelu, silu, mish, softplus, exp, softmax, own
};
enum class Loss {
    squared_error, half_squared_error, cross_entropy, binary_cross_entropy, absolute_error, huber, quantile, poisson, own
};
enum class Rule { gradient_descent, rmsprop, adam, adamw };

// The instructions that formulas are made of, each on whole vectors; formula.inl says what they do.
enum class Op {
    constant, add, subtract, multiply, divide, shift, scale, whole_power, power, if_less, if_less_equal,
    exp, log, sqrt, tanh, sinh, cosh, sigmoid, softplus, erf, relu, abs, sign
};
constexpr int MAX_REGISTERS = 32;
struct Instruction {
    Op op = Op::constant;
    int to = 0;                   // the register that gets the result
    int from[4] = {0, 0, 0, 0};   // those that the op reads, as many as it has operands
    double value = 0.0;           // of a constant, shift, scale or whole_power
};
struct Program {
    const Instruction* code = nullptr;
    int length = 0;
    int results[2] = {0, 0};  // the registers that hold them in the end
};

struct Layer {
    int64_t below = 0, above = 0;  // units
    Activation activation = Activation::identity;
    double parameter = 0.0;    // of the activation
    Program g, slope;          // of an own activation: z and g′, both from a
    double dropout = 0.0;      // share of the units that a training step switches off
    int64_t weights = 0;       // where W begins in the public parameter vector: row by row, (below, above)
    int64_t biases = -1;       // where b begins; −1 where there are none
};

struct Network {
    const Layer* layers = nullptr;
    int n_layers = 0;
    int64_t n_parameters = 0;
    Loss loss = Loss::squared_error;
    double loss_parameter = 0.0;
    const double* loss_parameters = nullptr;  // of each output, where they differ
    Program own_loss;  // value and slope, from ŷ and y
    bool mean = true;  // the objective is the weighted mean over the rows, else their weighted sum
    double l2 = 0.0;
};

struct Optimizer {
    Rule rule = Rule::gradient_descent;
    double momentum = 0.0;   // gradient descent: μ
    bool nesterov = false;
    double beta1 = 0.0;      // Adam: β₁
    double beta2 = 0.0;      // Adam: β₂; RMSprop: ρ
    double epsilon = 0.0;
    double weight_decay = 0.0;
    double clip = 0.0;       // 0 where gradients are not clipped
    bool epsilon_hat = false;  // Adam: ε is added to √v, not to √v̂
};

enum class Task { train, gradient, loss, predict };
enum class What { nothing, output, loss, gradient };

// Where a value that is not finite was first met.
struct Broken {
    What what = What::nothing;
    int64_t step = 0;
    int layer = 0;  // from 1
};

constexpr int MAX_THREADS = 64;

// One call of the engine. Arrays of T are the caller's; `space` is laid out by the kernels.
template <class T>
struct Job {
    Task task = Task::predict;
    Network network;
    Optimizer optimizer;

    const T* X = nullptr;        // (n, d), row by row
    const T* Y = nullptr;        // (n, k)
    const T* weights = nullptr;  // (n); null where all are 1

    const int64_t* order = nullptr;  // rows to visit; null for 0, 1, 2 …
    int64_t rows = 0;                // how many are visited
    int64_t batch = 0;               // rows of a step
    const double* rates = nullptr;   // learning rate of each step
    int64_t steps = 0;
    double alpha = 0.0;              // of the penalty ½ · alpha · ‖W‖² / Σ_n s_n over the rows of a step, beside l2
    uint64_t seed = 0, epoch = 0;    // of the dropout masks

    const T* parameters = nullptr;                 // public layout: what the kernels start from
    const T* moments[2] = {nullptr, nullptr};      // the optimizer's vectors, as far as it has any
    int n_moments = 0;
    int64_t t = 0;                                 // updates done so far, which Adam counts

    double* losses = nullptr;  // train: objective of each step; nan where all weights were 0
    double loss = 0.0;         // gradient, loss: over all rows
    T* out = nullptr;          // gradient: ∂E/∂p in the public layout; predict: ŷ (rows, k)
    int64_t steps_done = 0;
    Broken broken;
    bool interrupted = false;

    int threads = 1;
    void* space = nullptr;  // what `prepare` laid out
    // Runs task(context, 0 … tasks − 1, thread) on up to `threads` threads; see pool.hpp.
    void (*share_out)(int threads, int64_t tasks, void (*task)(void*, int64_t, int), void* context) = nullptr;
    void* poller = nullptr;                // handed to `poll`
    bool (*poll)(void* poller) = nullptr;  // true to stop
    int64_t poll_every = 1;                // steps between two questions
};

}  // namespace thalweg
