#include "names.hpp"

#include <stdexcept>
#include <string>

namespace thalweg {

namespace {

template <class Row>
struct Named {
    std::string_view name;
    Row row;
};

constexpr Named<Activation> ACTIVATIONS[] = {
    {"identity", Activation::identity}, {"sigmoid", Activation::sigmoid}, {"tanh", Activation::tanh},
    {"relu", Activation::relu},         {"leaky_relu", Activation::leaky_relu}, {"elu", Activation::elu},
    {"selu", Activation::selu},         {"gelu", Activation::gelu},       {"silu", Activation::silu},
    {"mish", Activation::mish},         {"softplus", Activation::softplus}, {"exp", Activation::exp},
    {"softmax", Activation::softmax},     {"own", Activation::own},
};

constexpr Named<Loss> LOSSES[] = {
    {"squared_error", Loss::squared_error},
    {"half_squared_error", Loss::half_squared_error},
    {"cross_entropy", Loss::cross_entropy},
    {"binary_cross_entropy", Loss::binary_cross_entropy},
    {"absolute_error", Loss::absolute_error},
    {"huber", Loss::huber},
    {"quantile", Loss::quantile},
    {"poisson", Loss::poisson},
    {"own", Loss::own},
};

constexpr Named<Rule> RULES[] = {
    {"GradientDescent", Rule::gradient_descent}, {"RMSprop", Rule::rmsprop}, {"Adam", Rule::adam}, {"AdamW", Rule::adamw},
};

template <class Row, size_t count>
Row find(const Named<Row> (&rows)[count], std::string_view name, const char* kind) {
    for (const Named<Row>& row : rows)
        if (row.name == name) return row.row;
    throw std::invalid_argument("the engine 'cpu' has no " + std::string(kind) + " '" + std::string(name) +
                                "'; use engine='reference'");
}

}  // namespace

const std::array<NamedOp, 23> OPS = {{
    {"constant", Op::constant, 0}, {"add", Op::add, 2},           {"subtract", Op::subtract, 2},
    {"multiply", Op::multiply, 2}, {"divide", Op::divide, 2},     {"shift", Op::shift, 1},
    {"scale", Op::scale, 1},       {"whole_power", Op::whole_power, 1}, {"power", Op::power, 2},
    {"if_less", Op::if_less, 4},   {"if_less_equal", Op::if_less_equal, 4},
    {"exp", Op::exp, 1},           {"log", Op::log, 1},           {"sqrt", Op::sqrt, 1},
    {"tanh", Op::tanh, 1},         {"sinh", Op::sinh, 1},         {"cosh", Op::cosh, 1},
    {"sigmoid", Op::sigmoid, 1},   {"softplus", Op::softplus, 1}, {"erf", Op::erf, 1},
    {"relu", Op::relu, 1},         {"abs", Op::abs, 1},           {"sign", Op::sign, 1},
}};

Activation find_activation(std::string_view name) { return find(ACTIVATIONS, name, "activation"); }
Loss find_loss(std::string_view name) { return find(LOSSES, name, "loss"); }
Rule find_rule(std::string_view name) { return find(RULES, name, "optimizer"); }

}  // namespace thalweg
