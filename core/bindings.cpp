// thalweg._core: what Python sees of the core. Only bindings*.cpp know nanobind.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <cstdlib>

#include "bindings.hpp"
#include "cpu.hpp"
#include "machine.hpp"

namespace nb = nanobind;
using namespace nb::literals;

NB_MODULE(_core, m) {
    m.doc() = "The compiled core of Thalweg.";

    // A network keeps its description, and where it lives until the end, in a test's module say, so does that.
    nb::set_leak_warnings(false);

    // Read once, here: a later change of the environment changes nothing.
    const char* variable = std::getenv("THALWEG_CPU");
    const std::string wanted = variable ? variable : "";

    m.def(
        "cpu_features",
        [wanted] {
            const auto features = thalweg::cpu_features();
            const auto usable = thalweg::usable_sets(features);
            const auto machine = thalweg::describe_machine();
            nb::dict answer;
            answer["architecture"] = thalweg::architecture();
            answer["features"] = features;
            answer["usable"] = usable;
            answer["instruction_set"] = thalweg::choose_set(usable, wanted);
            answer["compiler"] = thalweg::compiler();
            answer["logical_cores"] = machine.logical_cores;
            answer["physical_cores"] = machine.physical_cores;
            answer["l1_bytes"] = machine.l1_bytes;
            answer["l2_bytes"] = machine.l2_bytes;
            answer["l3_bytes"] = machine.l3_bytes;
            return answer;
        },
        nb::sig("def cpu_features() -> CpuFeatures"),
        "What this processor offers and which instruction set the core uses, as a dictionary.\n\n"
        "Raises ValueError if the environment variable THALWEG_CPU named, at import, a set that cannot run here.");

    m.def("choose_set", &thalweg::choose_set, "usable"_a, "wanted"_a,
          "The instruction set to use: the first of `usable`, or `wanted` unless that is empty.");
    m.def("usable_sets", &thalweg::usable_sets, "features"_a,
          "The instruction sets that a processor with these features can run, best first.");

    thalweg::bind_engine(m);
}
