// The rows of activations.py, losses.py and optimizers.py by name. A row that is missing here is refused by the engine.
#pragma once

#include <array>
#include <string_view>

#include "plan.hpp"

namespace thalweg {

// Each throws std::invalid_argument for a name it does not know.
Activation find_activation(std::string_view name);
Loss find_loss(std::string_view name);
Rule find_rule(std::string_view name);

// The instructions that a formula may have.
struct NamedOp {
    std::string_view name;
    Op op;
    int operands;
};
extern const std::array<NamedOp, 23> OPS;

}  // namespace thalweg
