// Jobs for the kernels: memory, threads, and the questions whether to stop. Knows nothing of Python.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "kernels.hpp"

namespace thalweg {

// The instructions of a formula, which copies share: they are never changed.
struct OwnedProgram {
    std::shared_ptr<const std::vector<Instruction>> code;
    int inputs = 1;  // and as many results
    int results[2] = {0, 0};

    Program view() const { return {code->data(), static_cast<int>(code->size()), {results[0], results[1]}}; }
};

// A network whose lists it owns, and the programs that these point into.
struct OwnedNetwork {
    std::vector<Layer> layers;
    std::vector<OwnedProgram> programs;
    std::vector<double> loss_parameters;  // of each output, where they differ
    Network network;  // its pointers are set when it is handed on

    Network view() const {
        Network copy = network;
        copy.layers = layers.data();
        copy.n_layers = static_cast<int>(layers.size());
        copy.loss_parameters = loss_parameters.empty() ? nullptr : loss_parameters.data();
        return copy;
    }
};

// The kernels of this instruction set; std::invalid_argument where it cannot run here.
const Kernels& find_kernels(std::string_view name);

// Threads for steps of `rows` rows: as many as pay for the waiting (contract 8: a tiny network is never slower for more
// cores), or `wanted` where that is not 0.
int threads_for(const Network& network, int64_t rows, bool is_training, int wanted);

// Asked now and then whether to stop.
using ShouldStop = std::function<bool()>;

struct Outcome {
    int64_t steps = 0;
    Broken broken;
    bool interrupted = false;
};

// A training in progress. The arrays of examples are the caller's and must outlive it; parameters and moments, too, until
// the first run.
template <class T>
class Trainer {
public:
    Trainer(const Kernels& kernels, OwnedNetwork network, const Optimizer& optimizer, const T* X, const T* Y,
            const T* weights, const T* parameters, std::vector<const T*> moments, int64_t t, int threads);

    // Steps of `batch` rows along `order` at these rates, `alpha` being that of the penalty over Σ_n s_n; the loss of each
    // goes to `losses`.
    Outcome run(const int64_t* order, int64_t rows, int64_t batch, const double* rates, int64_t steps, double alpha,
                uint64_t seed, uint64_t epoch, double* losses, const ShouldStop& should_stop);

    // Parameters and moments as they are now; each vector has room for the network's parameters.
    void state(T* parameters, const std::vector<T*>& moments) const;
    int64_t t() const { return job_.t; }
    int threads() const { return job_.threads; }  // of the last run
    size_t n_moments() const { return static_cast<size_t>(job_.n_moments); }
    int64_t n_parameters() const { return job_.network.n_parameters; }

private:
    void lay_out(int64_t batch);

    const KernelsOf<T>& kernels_;
    OwnedNetwork network_;
    int wanted_threads_;
    Job<T> job_;
    std::shared_ptr<void> memory_;
    int laid_out_for_ = 0;  // threads
    std::vector<std::vector<T>> between_;  // parameters and moments on their way from one layout to the next
};

// Loss of all rows, without penalty and never a gradient; or the objective and its gradient in `gradient`.
template <class T>
double mean_loss(const Kernels& kernels, const OwnedNetwork& network, const T* parameters, const T* X, const T* Y,
                 const T* weights, int64_t rows, int threads);
template <class T>
double loss_and_gradient(const Kernels& kernels, const OwnedNetwork& network, const T* parameters, const T* X,
                         const T* Y, const T* weights, int64_t rows, int threads, T* gradient);
template <class T>
void predict(const Kernels& kernels, const OwnedNetwork& network, const T* parameters, const T* X, int64_t rows,
             int threads, T* out);

}  // namespace thalweg
