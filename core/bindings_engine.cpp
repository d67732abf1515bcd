// The engine as Python sees it: arrays become pointers, their sizes are looked at, and Python's lock is let go meanwhile.
#include "bindings.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>

#include "engine.hpp"
#include "names.hpp"
#include "order.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace thalweg {

namespace {

template <class T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Table = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using OutTable = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Weights = std::optional<In<T>>;

// The arrays were checked where users come in; these are the sizes without which native code would read what is not there.
void require(bool holds, const char* rule) {
    if (!holds) throw std::invalid_argument(rule);
}

template <class T>
void require_examples(const OwnedNetwork& network, const In<T>& parameters, const Table<T>& X, const Table<T>& Y,
                      const Weights<T>& weights) {
    const int64_t n = static_cast<int64_t>(X.shape(0));
    require(n >= 1, "there must be at least one row");
    require(static_cast<int64_t>(parameters.shape(0)) == network.network.n_parameters, "a vector of n_parameters numbers");
    require(static_cast<int64_t>(X.shape(1)) == network.layers.front().below, "X must have a column for each input");
    require(static_cast<int64_t>(Y.shape(0)) == n, "Y must have a row for each row of X");
    require(static_cast<int64_t>(Y.shape(1)) == network.layers.back().above, "Y must have a column for each output");
    require(!weights || static_cast<int64_t>(weights->shape(0)) == n, "a weight for each row of X");
}

template <class T>
const T* pointer(const Weights<T>& weights) {
    return weights ? weights->data() : nullptr;
}

using InstructionRow = std::tuple<std::string, int, std::vector<int>, double>;

// What every instruction reads has been written before, or went in.
OwnedProgram make_program(int inputs, const std::vector<InstructionRow>& rows, const std::vector<int>& results) {
    require(inputs >= 1 && inputs <= 2, "what goes in is a, or ŷ and y");
    bool written[MAX_REGISTERS] = {};
    for (int i = 0; i < inputs; ++i) written[i] = true;
    const auto require_written = [&](int place) {
        require(place >= 0 && place < MAX_REGISTERS && written[place], "what is read has been written");
    };
    std::vector<Instruction> code;
    for (const auto& [name, to, from, value] : rows) {
        const auto row = std::find_if(OPS.begin(), OPS.end(), [&](const NamedOp& one) { return one.name == name; });
        require(row != OPS.end(), "an instruction that there is");
        require(static_cast<int>(from.size()) == row->operands, "an instruction has its operands");
        require(to >= 0 && to < MAX_REGISTERS, "a register that there is");
        require(row->op != Op::whole_power || (value >= 2.0 && value <= 1e6), "a whole power from 2 to a million");
        Instruction made;
        made.op = row->op;
        made.to = to;
        made.value = value;
        for (size_t i = 0; i < from.size(); ++i) {
            require_written(from[i]);
            made.from[i] = from[i];
        }
        written[to] = true;
        code.push_back(made);
    }
    require(static_cast<int>(results.size()) == inputs, "a program has a result, and that of a loss a slope too");
    OwnedProgram made;
    made.inputs = inputs;
    for (size_t i = 0; i < results.size(); ++i) {
        require_written(results[i]);
        made.results[i] = results[i];
    }
    made.code = std::make_shared<const std::vector<Instruction>>(std::move(code));
    return made;
}

using OptionalProgram = std::optional<OwnedProgram>;
using LayerRow = std::tuple<int64_t, int64_t, std::string, double, double, int64_t, int64_t, OptionalProgram,
                            OptionalProgram>;

OwnedNetwork make_network(const std::vector<LayerRow>& rows, const std::string& loss,
                          const std::vector<double>& loss_parameters, bool mean, double l2,
                          const OptionalProgram& own_loss) {
    OwnedNetwork made;
    const auto keep = [&](const OptionalProgram& program, bool is_own, int inputs) {
        require(program.has_value() == is_own, "an own row has programs, and no other");
        require(!is_own || program->inputs == inputs, "the programs of an own row have its inputs");
        if (!is_own) return Program{};
        made.programs.push_back(*program);
        return program->view();
    };
    require(!rows.empty(), "a network has at least one layer");
    int64_t end = 0;
    for (const auto& [below, above, activation, parameter, dropout, weights, biases, g, slope] : rows) {
        require(below >= 1 && above >= 1 && below <= (int64_t{1} << 40) / above, "a layer has at least one unit");
        require(made.layers.empty() || made.layers.back().above == below, "layers must fit one another");
        require(weights == end && (biases == -1 || biases == weights + below * above), "layers follow one another");
        end = biases < 0 ? weights + below * above : biases + above;
        Layer layer;
        layer.below = below;
        layer.above = above;
        layer.activation = find_activation(activation);
        layer.parameter = parameter;
        layer.g = keep(g, layer.activation == Activation::own, 1);
        layer.slope = keep(slope, layer.activation == Activation::own, 1);
        layer.dropout = dropout;
        layer.weights = weights;
        layer.biases = biases;
        made.layers.push_back(layer);
    }
    made.network.n_parameters = end;
    made.network.loss = find_loss(loss);
    const auto n_parameters = static_cast<int64_t>(loss_parameters.size());
    require(n_parameters == 1 || n_parameters == made.layers.back().above, "one parameter of the loss, or one for each output");
    made.network.loss_parameter = loss_parameters.front();
    if (n_parameters > 1) made.loss_parameters = loss_parameters;
    made.network.own_loss = keep(own_loss, made.network.loss == Loss::own, 2);
    made.network.mean = mean;
    made.network.l2 = l2;
    return made;
}

Optimizer make_optimizer(const std::string& rule, double momentum, bool nesterov, double beta1, double beta2,
                         double epsilon, bool epsilon_hat, double weight_decay, double clip) {
    Optimizer made;
    made.rule = find_rule(rule);
    made.momentum = momentum;
    made.nesterov = nesterov;
    made.beta1 = beta1;
    made.beta2 = beta2;
    made.epsilon = epsilon;
    made.epsilon_hat = epsilon_hat;
    made.weight_decay = weight_decay;
    made.clip = clip;
    return made;
}

size_t vectors_of(const Optimizer& optimizer) {
    if (optimizer.rule == Rule::gradient_descent) return optimizer.momentum > 0.0 ? 1 : 0;
    return optimizer.rule == Rule::rmsprop ? 1 : 2;
}

const char* name_of(What what) {
    switch (what) {
        case What::output: return "the output";
        case What::loss: return "the loss";
        case What::gradient: return "the gradient";
        default: return "";
    }
}

// A training, with the arrays that it reads kept alive.
template <class T>
class BoundTrainer {
public:
    BoundTrainer(const OwnedNetwork& network, const Optimizer& optimizer, Table<T> X, Table<T> Y, Weights<T> weights,
                 In<T> parameters, const std::vector<In<T>>& moments, int64_t t, int threads,
                 const std::string& instruction_set)
        : X_(X), Y_(Y), weights_(weights), parameters_(parameters), moments_(moments) {
        require_examples(network, parameters, X, Y, weights);
        require(t >= 0 && t < (int64_t{1} << 62), "steps are counted from 0, and there is no end in sight");
        require(moments.size() == vectors_of(optimizer), "an optimizer has as many vectors as its rule needs");
        std::vector<const T*> starts;
        for (const In<T>& moment : moments) {
            require(moment.shape(0) == parameters.shape(0), "a moment for each parameter");
            starts.push_back(moment.data());
        }
        trainer_ = std::make_unique<Trainer<T>>(find_kernels(instruction_set), network, optimizer, X.data(), Y.data(),
                                                pointer(weights_), parameters.data(), starts, t, threads);
    }

    // (steps done, (step, layer, what) where a value was not finite, interrupted)
    using Answer = std::tuple<int64_t, std::optional<std::tuple<int64_t, int, std::string>>, bool>;

    Answer run(uint64_t epoch, In<int64_t> order, int64_t batch, In<double> rates, double alpha, uint64_t seed,
               Out<double> losses, nb::callable should_stop) {
        const auto rows = static_cast<int64_t>(order.shape(0)), steps = static_cast<int64_t>(rates.shape(0));
        const auto n = static_cast<int64_t>(X_.shape(0));
        require(batch >= 1 && batch <= n, "a batch has at least one row, and no more than there are");
        require(static_cast<int64_t>(losses.shape(0)) == steps, "a place for the loss of each step");
        require(steps == 0 || (steps - 1) * batch < rows, "each step must have a row");
        for (int64_t i = 0; i < rows; ++i) require(order.data()[i] >= 0 && order.data()[i] < n, "rows must exist");
        std::exception_ptr failure;  // raised in Python while other threads wait: kept until they are home
        const ShouldStop ask = [&] {
            const nb::gil_scoped_acquire lock;
            try {
                return nb::cast<bool>(should_stop());
            } catch (...) {
                failure = std::current_exception();
                return true;
            }
        };
        Outcome outcome;
        {
            const nb::gil_scoped_release unlocked;
            outcome = trainer_->run(order.data(), rows, batch, rates.data(), steps, alpha, seed, epoch, losses.data(), ask);
        }
        if (failure) std::rethrow_exception(failure);
        if (outcome.steps > 0) parameters_ = {}, moments_.clear();
        std::optional<std::tuple<int64_t, int, std::string>> broken;
        if (outcome.broken.what != What::nothing)
            broken = {outcome.broken.step, outcome.broken.layer, name_of(outcome.broken.what)};
        return {outcome.steps, broken, outcome.interrupted};
    }

    void state(Out<T> parameters, const std::vector<Out<T>>& moments) const {
        require(moments.size() == trainer_->n_moments(), "a place for each of the optimizer's vectors");
        std::vector<T*> places;
        for (const Out<T>& moment : moments) {
            require(static_cast<int64_t>(moment.shape(0)) == trainer_->n_parameters(), "a place for each parameter");
            places.push_back(moment.data());
        }
        require(static_cast<int64_t>(parameters.shape(0)) == trainer_->n_parameters(), "a place for each parameter");
        trainer_->state(parameters.data(), places);
    }

    int64_t t() const { return trainer_->t(); }
    int threads() const { return trainer_->threads(); }

private:
    Table<T> X_, Y_;
    Weights<T> weights_;
    In<T> parameters_;  // where it starts; let go after the first run
    std::vector<In<T>> moments_;
    std::unique_ptr<Trainer<T>> trainer_;
};

double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class T>
void bind(nb::module_& m, const char* trainer_name) {
    nb::class_<BoundTrainer<T>>(m, trainer_name)
        .def(nb::init<const OwnedNetwork&, const Optimizer&, Table<T>, Table<T>, Weights<T>, In<T>,
                      const std::vector<In<T>>&, int64_t, int, const std::string&>(),
             "network"_a, "optimizer"_a, "X"_a.noconvert(), "Y"_a.noconvert(), "weights"_a.noconvert().none(), "parameters"_a.noconvert(), "moments"_a.noconvert(), "t"_a,
             "threads"_a, "instruction_set"_a)
        .def("run", &BoundTrainer<T>::run, "epoch"_a, "order"_a.noconvert(), "batch"_a, "rates"_a.noconvert(), "alpha"_a, "seed"_a, "losses"_a.noconvert(),
             "should_stop"_a)
        .def("state", &BoundTrainer<T>::state, "parameters"_a.noconvert(), "moments"_a.noconvert())
        .def_prop_ro("t", &BoundTrainer<T>::t)
        .def_prop_ro("threads", &BoundTrainer<T>::threads);

    m.def(
        "mean_loss",
        [](const OwnedNetwork& network, In<T> parameters, Table<T> X, Table<T> Y, Weights<T> weights, int threads,
           const std::string& instruction_set) {
            require_examples(network, parameters, X, Y, weights);
            const Kernels& kernels = find_kernels(instruction_set);
            const nb::gil_scoped_release unlocked;
            return mean_loss(kernels, network, parameters.data(), X.data(), Y.data(), pointer(weights),
                             static_cast<int64_t>(X.shape(0)), threads);
        },
        "network"_a, "parameters"_a.noconvert(), "X"_a.noconvert(), "Y"_a.noconvert(), "weights"_a.noconvert().none(), "threads"_a, "instruction_set"_a,
        "Σ_n s_n E_n / Σ_n s_n.");
    m.def(
        "loss_and_gradient",
        [](const OwnedNetwork& network, In<T> parameters, Table<T> X, Table<T> Y, Weights<T> weights, int threads,
           const std::string& instruction_set, Out<T> gradient) {
            require_examples(network, parameters, X, Y, weights);
            require(gradient.shape(0) == parameters.shape(0), "a place for each parameter");
            const Kernels& kernels = find_kernels(instruction_set);
            const nb::gil_scoped_release unlocked;
            return loss_and_gradient(kernels, network, parameters.data(), X.data(), Y.data(), pointer(weights),
                                     static_cast<int64_t>(X.shape(0)), threads, gradient.data());
        },
        "network"_a, "parameters"_a.noconvert(), "X"_a.noconvert(), "Y"_a.noconvert(), "weights"_a.noconvert().none(), "threads"_a, "instruction_set"_a, "gradient"_a.noconvert(),
        "The objective; its gradient is written into `gradient`.");
    m.def(
        "predict",
        [](const OwnedNetwork& network, In<T> parameters, Table<T> X, int threads, const std::string& instruction_set,
           OutTable<T> out) {
            require(static_cast<int64_t>(parameters.shape(0)) == network.network.n_parameters,
                    "a vector of n_parameters numbers");
            require(X.shape(0) >= 1 && static_cast<int64_t>(X.shape(1)) == network.layers.front().below,
                    "X must have rows, and a column for each input");
            require(out.shape(0) == X.shape(0) && static_cast<int64_t>(out.shape(1)) == network.layers.back().above,
                    "a place for each output");
            const Kernels& kernels = find_kernels(instruction_set);
            const nb::gil_scoped_release unlocked;
            predict(kernels, network, parameters.data(), X.data(), static_cast<int64_t>(X.shape(0)), threads, out.data());
        },
        "network"_a, "parameters"_a.noconvert(), "X"_a.noconvert(), "threads"_a, "instruction_set"_a, "out"_a.noconvert(),
        "Write ŷ of each row into `out`.");

    m.def(
        "multiply",
        [](const std::string& instruction_set, Table<T> A, Table<T> B, OutTable<T> C, bool across) {
            const auto n = static_cast<int64_t>(A.shape(0)), k = static_cast<int64_t>(A.shape(1));
            const auto rows = static_cast<int64_t>(B.shape(0)), columns = static_cast<int64_t>(B.shape(1));
            const int64_t units = across ? rows : columns;
            require((across ? columns : rows) == k && static_cast<int64_t>(C.shape(0)) == n &&
                        static_cast<int64_t>(C.shape(1)) == units,
                    "the shapes do not fit");
            const KernelsOf<T>& kernels = find_kernels(instruction_set).of<T>();
            std::vector<char> space(static_cast<size_t>(kernels.multiply_space(n, k, units)));
            kernels.multiply(A.data(), B.data(), C.data(), n, k, units, across, space.data());
        },
        "instruction_set"_a, "A"_a.noconvert(), "B"_a.noconvert(), "C"_a.noconvert(), "across"_a,
        "C = A B, or A Bᵀ by the product of the backward pass: the kernel that every pass is made of, for tests.");
    m.def(
        "apply",
        [](const std::string& instruction_set, const std::string& function, In<T> x, Out<T> out) {
            require(x.shape(0) == out.shape(0), "a place for each value");
            const KernelsOf<T>& kernels = find_kernels(instruction_set).of<T>();
            int count = 0;
            const MathFunction<T>* functions = kernels.functions(&count);
            for (int i = 0; i < count; ++i)
                if (function == functions[i].name)
                    return functions[i].apply(x.data(), out.data(), static_cast<int64_t>(x.shape(0)));
            throw std::invalid_argument("there is no function '" + function + "'");
        },
        "instruction_set"_a, "function"_a, "x"_a.noconvert(), "out"_a.noconvert(),
        "Write f(x) into `out`, for a function of `math_functions`.");
}

}  // namespace

void bind_engine(nb::module_& m) {
    nb::class_<OwnedProgram>(m, "Program").def("__init__", [](OwnedProgram* self, int inputs,
                                                             const std::vector<InstructionRow>& code,
                                                             const std::vector<int>& results) {
        new (self) OwnedProgram(make_program(inputs, code, results));
    }, "inputs"_a, "code"_a, "results"_a);
    nb::class_<OwnedNetwork>(m, "Network").def("__init__", [](OwnedNetwork* self, const std::vector<LayerRow>& layers,
                                                             const std::string& loss,
                                                             const std::vector<double>& loss_parameters, bool mean,
                                                             double l2, const OptionalProgram& own_loss) {
        new (self) OwnedNetwork(make_network(layers, loss, loss_parameters, mean, l2, own_loss));
    }, "layers"_a, "loss"_a, "loss_parameters"_a, "mean"_a, "l2"_a, "own_loss"_a.none() = nb::none());
    nb::class_<Optimizer>(m, "Optimizer").def("__init__", [](Optimizer* self, const std::string& rule, double momentum,
                                                            bool nesterov, double beta1, double beta2, double epsilon,
                                                            bool epsilon_hat, double weight_decay, double clip) {
        new (self) Optimizer(make_optimizer(rule, momentum, nesterov, beta1, beta2, epsilon, epsilon_hat, weight_decay, clip));
    }, "rule"_a, "momentum"_a, "nesterov"_a, "beta1"_a, "beta2"_a, "epsilon"_a, "epsilon_hat"_a, "weight_decay"_a, "clip"_a);
    bind<float>(m, "TrainerFloat32");
    bind<double>(m, "TrainerFloat64");

    m.def("sorting_order", [](In<uint64_t> words, Out<int64_t> order) {
        require(words.shape(0) == order.shape(0) && words.shape(0) < (size_t{1} << 32), "a place for each word, below 2^32");
        const nb::gil_scoped_release unlocked;
        sorting_order(words.data(), order.data(), static_cast<int64_t>(words.shape(0)));
    }, "words"_a.noconvert(), "order"_a.noconvert(),
          "Write the stable sorting order of uint64 words into `order` (int64).");
    m.def("random_order", [](uint64_t seed, uint64_t purpose, uint64_t epoch, uint64_t step, Out<int64_t> order) {
        const nb::gil_scoped_release unlocked;
        random_order(seed, purpose, epoch, step, order.data(), static_cast<int64_t>(order.shape(0)));
    }, "seed"_a, "purpose"_a, "epoch"_a, "step"_a, "order"_a.noconvert(),
          "Write the stable sorting order of the words of this stream into `order` (int64).");
    m.def("fma_peak", [](const std::string& instruction_set, const std::string& dtype, double seconds) {
        const Kernels& kernels = find_kernels(instruction_set);
        const nb::gil_scoped_release unlocked;
        return dtype == "float32" ? kernels.f32.fma_peak(seconds, &seconds_now) : kernels.f64.fma_peak(seconds, &seconds_now);
    }, "instruction_set"_a, "dtype"_a, "seconds"_a,
          "GFLOP/s that one thread reaches with multiplications and additions in registers.");
    m.def("program_instructions", [] {
        std::vector<std::string> names;
        for (const NamedOp& one : OPS) names.emplace_back(one.name);
        return names;
    }, "The names of the instructions that a program may have.");
    m.def("math_functions", [] {
        std::vector<std::string> names;
        int count = 0;
        const MathFunction<float>* functions = find_kernels("portable").f32.functions(&count);
        for (int i = 0; i < count; ++i) names.emplace_back(functions[i].name);
        return names;
    }, "The names of the vector functions.");
}

}  // namespace thalweg
