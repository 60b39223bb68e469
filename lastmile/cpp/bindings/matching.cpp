// Map matching for Python: translation only.
#include <cstdint>
#include <utility>

#include "Arrays.h"
#include "Bindings.h"
#include "roads/Graph.h"
#include "roads/Match.h"

namespace py = pybind11;
using lastmile::bindings::Array;
using lastmile::bindings::give;
using lastmile::bindings::view;

void lastmile::bindings::bindMatching(py::module_& module) {
    module.def(
        "match",
        [](const roads::Graph& graph, const Array<std::int32_t>& weight, const Array<std::int32_t>& reverse,
           const Array<std::int64_t>& trace, const Array<double>& x, const Array<double>& y,
           const Array<double>& second, const Array<double>& deviation, const Array<std::int64_t>& offset,
           const Array<std::int32_t>& edge, const Array<double>& fraction, const Array<double>& distance, double beta,
           double betaPerDeviation, double betaPerMetre, double excess, double speed, double slack, double backtrack,
           double turn, std::int32_t skip, int threads) {
            const auto weights = view(weight);
            const auto others = view(reverse);
            const roads::Fixes fixes{view(trace),  view(x),    view(y),        view(second),  view(deviation),
                                     view(offset), view(edge), view(fraction), view(distance)};
            const roads::MatchModel model{beta,  betaPerDeviation, betaPerMetre, excess, speed,
                                          slack, backtrack,        turn,         skip};
            roads::Matches found;
            {
                const py::gil_scoped_release unlocked;
                found = roads::match(graph, weights, others, fixes, model, threads);
            }
            return py::make_tuple(give(std::move(found.chosen)), give(std::move(found.begins)),
                                  give(std::move(found.turned)), give(std::move(found.offset)),
                                  give(std::move(found.edges)));
        },
        py::arg("graph"), py::arg("weight"), py::arg("reverse"), py::kw_only(), py::arg("trace"), py::arg("x"),
        py::arg("y"), py::arg("second"), py::arg("deviation"), py::arg("offset"), py::arg("edge"), py::arg("fraction"),
        py::arg("distance"), py::arg("beta"), py::arg("beta_per_deviation"), py::arg("beta_per_metre"),
        py::arg("excess"), py::arg("speed"), py::arg("slack"), py::arg("backtrack"), py::arg("turn"), py::arg("skip"),
        py::arg("threads") = 1);
}
