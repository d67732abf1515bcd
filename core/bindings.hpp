// Parts of the module thalweg._core.
#pragma once

#include <nanobind/nanobind.h>

namespace thalweg {

void bind_engine(nanobind::module_& m);

}  // namespace thalweg
