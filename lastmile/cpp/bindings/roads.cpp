// The road searches for Python: translation only.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "Arrays.h"
#include "Bindings.h"
#include "PyPositions.h"
#include "roads/Components.h"
#include "roads/Graph.h"
#include "roads/Hierarchy.h"
#include "roads/ManyToMany.h"
#include "roads/Metric.h"
#include "roads/NodeOrder.h"
#include "roads/Path.h"
#include "roads/Within.h"

namespace py = pybind11;
using lastmile::bindings::Array;
using lastmile::bindings::give;
using lastmile::bindings::PyPositions;
using lastmile::bindings::view;
using lastmile::roads::Graph;
using lastmile::roads::Hierarchy;
using lastmile::roads::Metric;
using lastmile::roads::Weights;

namespace {

template <typename T>
py::array_t<T> square(lastmile::roads::Square<T>& table) {
    const auto size = static_cast<py::ssize_t>(table.size);
    return give(std::move(table.cells), {size, size});
}

}  // namespace

void lastmile::bindings::bindRoads(py::module_& module) {
    module.attr("UNREACHABLE") = lastmile::roads::kUnreachable;

    py::class_<Graph>(module, "Graph", "Directed graph in compressed rows.")
        .def(py::init([](const Array<std::int32_t>& firstOut, const Array<std::int32_t>& head) {
                 const auto rows = view(firstOut);
                 const auto heads = view(head);
                 return Graph({rows.begin(), rows.end()}, {heads.begin(), heads.end()});
             }),
             py::arg("first_out"), py::arg("head"))
        .def_property_readonly("nodes", &Graph::nodes)
        .def_property_readonly("edges", &Graph::edges);

    py::class_<PyPositions>(module, "Positions", "Positions on edges.")
        .def(py::init([](Array<std::int32_t> forward, Array<std::int32_t> backward, Array<double> fraction) {
                 return PyPositions{std::move(forward), std::move(backward), std::move(fraction)};
             }),
             py::arg("forward"), py::arg("backward"), py::arg("fraction"))
        .def("__len__", [](const PyPositions& self) { return self.spans().size(); });

    py::class_<Hierarchy, std::shared_ptr<Hierarchy>>(module, "Hierarchy", "Contracted graph without weights, in a nested-dissection order.")
        .def(py::init([](const Graph& graph, const Array<double>& x, const Array<double>& y, int threads) {
                 const auto east = view(x);
                 const auto north = view(y);
                 const py::gil_scoped_release unlocked;
                 return Hierarchy(graph, nestedDissection(graph, east, north, threads));
             }),
             py::arg("graph"), py::arg("x"), py::arg("y"), py::arg("threads") = 1)
        .def_static(
            "from_order",
            [](const Graph& graph, const Array<std::int32_t>& order) {
                const auto nodes = view(order);
                const py::gil_scoped_release unlocked;
                return Hierarchy(graph, nodes);
            },
            py::arg("graph"), py::arg("order"))
        .def_property_readonly("order", [](const Hierarchy& self) { return give(self.order()); })
        .def_property_readonly("nodes", &Hierarchy::nodes)
        .def_property_readonly("arcs", &Hierarchy::arcs);

    const auto sums = [](const Metric& self, bool up) {
        const auto arcs = self.hierarchy().arcs();
        std::vector<std::int32_t> values;
        values.reserve(static_cast<std::size_t>(arcs) * 3);
        for (std::int32_t arc = 0; arc < arcs; ++arc) {
            const auto& weight = up ? self.up(arc) : self.down(arc);
            values.insert(values.end(), {weight.time, weight.length, weight.energy});
        }
        return give(std::move(values), {arcs, 3});
    };
    py::class_<Metric>(module, "Metric", "Weights laid on a hierarchy.")
        .def(py::init([](std::shared_ptr<Hierarchy> hierarchy, const Array<std::int32_t>& time,
                         const Array<std::int32_t>& length, const Array<std::int32_t>& energy) {
                 const Weights weights{view(time), view(length), view(energy)};
                 const py::gil_scoped_release unlocked;
                 return Metric(std::move(hierarchy), weights);
             }),
             py::arg("hierarchy").none(false), py::arg("time"), py::arg("length"), py::arg("energy"))
        .def("copy",
             [](const Metric& self) {
                 const py::gil_scoped_release unlocked;
                 return Metric(self);
             })
        .def(
            "update",
            [](Metric& self, const Array<std::int32_t>& edges, const Array<std::int32_t>& time,
               const Array<std::int32_t>& length, const Array<std::int32_t>& energy) {
                const auto chosen = view(edges);
                const Weights weights{view(time), view(length), view(energy)};
                const py::gil_scoped_release unlocked;
                return self.update(chosen, weights);
            },
            py::arg("edges"), py::arg("time"), py::arg("length"), py::arg("energy"))
        .def_property_readonly("up", [sums](const Metric& self) { return sums(self, true); })
        .def_property_readonly("down", [sums](const Metric& self) { return sums(self, false); });

    module.def(
        "many_to_many",
        [](const Graph& graph, const Metric& metric, const PyPositions& points, int threads) {
            const auto positions = points.spans();
            lastmile::roads::Sums sums;
            {
                const py::gil_scoped_release unlocked;
                sums = manyToMany(graph, metric, positions, threads);
            }
            return py::make_tuple(square(sums.time), square(sums.length), square(sums.energy));
        },
        py::arg("graph"), py::arg("metric"), py::arg("points"), py::arg("threads") = 1);

    module.def(
        "travel_tables",
        [](const Graph& graph, const Metric& metric, const PyPositions& points, int threads) {
            const auto positions = points.spans();
            lastmile::roads::Tables tables;
            {
                const py::gil_scoped_release unlocked;
                tables = travelTables(graph, metric, positions, threads);
            }
            return py::make_tuple(square(tables.duration), square(tables.distance), square(tables.energy));
        },
        py::arg("graph"), py::arg("metric"), py::arg("points"), py::arg("threads") = 1);

    module.def(
        "unmarked_paths",
        [](const Graph& graph, const Metric& metric, const PyPositions& points, int threads) {
            const auto positions = points.spans();
            lastmile::roads::Square<bool> unmarked;
            {
                const py::gil_scoped_release unlocked;
                unmarked = unmarkedPaths(graph, metric, positions, threads);
            }
            return square(unmarked);
        },
        py::arg("graph"), py::arg("metric"), py::arg("points"), py::arg("threads") = 1);

    module.def(
        "within",
        [](const Graph& graph, const Array<std::int32_t>& weight, const PyPositions& origins,
           const PyPositions& targets, std::int32_t bound, int threads) {
            const auto weights = view(weight);
            const auto from = origins.spans();
            const auto to = targets.spans();
            lastmile::roads::Rows rows;
            {
                const py::gil_scoped_release unlocked;
                rows = within(graph, weights, from, to, bound, threads);
            }
            return py::make_tuple(give(std::move(rows.offset)), give(std::move(rows.target)),
                                  give(std::move(rows.weight)));
        },
        py::arg("graph"), py::arg("weight"), py::arg("origins"), py::arg("targets"), py::arg("bound"),
        py::arg("threads") = 1);

    module.def(
        "path",
        [](const Graph& graph, const Metric& metric, const PyPositions& points, std::size_t origin,
           std::size_t target) {
            const auto positions = points.spans();
            std::vector<std::int32_t> edges;
            {
                const py::gil_scoped_release unlocked;
                edges = fastestPath(graph, metric, positions, origin, target);
            }
            return give(std::move(edges));
        },
        py::arg("graph"), py::arg("metric"), py::arg("points"), py::arg("origin"), py::arg("target"));

    module.def(
        "strong_components",
        [](const Graph& graph, const Array<std::uint8_t>& open) {
            const auto flags = view(open);
            std::vector<std::int32_t> labels;
            {
                const py::gil_scoped_release unlocked;
                labels = lastmile::roads::strongComponents(graph, flags);
            }
            return give(std::move(labels));
        },
        py::arg("graph"), py::arg("open"));
}
