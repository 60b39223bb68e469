// Siting for Python: translation only.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "Arrays.h"
#include "Bindings.h"
#include "siting/CoveringBound.h"
#include "siting/CoveringSearch.h"
#include "siting/CoveringTree.h"
#include "siting/Location.h"
#include "siting/LocationBound.h"
#include "siting/LocationSearch.h"

namespace py = pybind11;
using lastmile::bindings::Array;
using lastmile::bindings::give;
using lastmile::bindings::view;
namespace siting = lastmile::siting;

namespace {

py::tuple given(siting::Forced forced) {
    return py::make_tuple(give(std::move(forced.open)), give(std::move(forced.closed)));
}

}  // namespace

void lastmile::bindings::bindSiting(py::module_& module) {
    py::class_<siting::Location>(module, "Location")
        .def(py::init([](const Array<std::int32_t>& site, const Array<std::int32_t>& customer,
                         const Array<std::int64_t>& cost, const Array<std::int64_t>& opening,
                         const Array<std::int64_t>& unserved, const Array<std::uint8_t>& standing,
                         const Array<double>& capacity, const Array<double>& amount, bool everyone,
                         const Array<std::int32_t>& kind, const Array<std::int32_t>& most) {
                 return std::make_unique<siting::Location>(siting::Location::Given{
                     .site = view(site),
                     .customer = view(customer),
                     .cost = view(cost),
                     .opening = view(opening),
                     .unserved = view(unserved),
                     .standing = view(standing),
                     .capacity = view(capacity),
                     .amount = view(amount),
                     .everyone = everyone,
                     .kind = view(kind),
                     .most = view(most),
                 });
             }),
             py::kw_only(), py::arg("site"), py::arg("customer"), py::arg("cost"), py::arg("opening"),
             py::arg("unserved"), py::arg("standing"), py::arg("capacity"), py::arg("amount"),
             py::arg("everyone"), py::arg("kind"), py::arg("most"));

    py::class_<siting::LocationSearch>(module, "LocationSearch")
        .def(py::init<const siting::Location&, std::uint64_t>(), py::arg("location"), py::arg("seed"),
             py::keep_alive<1, 2>())
        .def("start", [](siting::LocationSearch& search, const Array<std::int32_t>& sites) { search.start(view(sites)); },
             py::arg("sites"))
        .def(
            "run",
            [](siting::LocationSearch& search, std::int64_t iterations, std::int32_t closed, double blink, double hot,
               double cold, double begin, double end) {
                const py::gil_scoped_release unlocked;
                search.run(iterations, {.closed = closed, .blink = blink, .hot = hot, .cold = cold}, begin, end);
            },
            py::arg("iterations"), py::kw_only(), py::arg("closed"), py::arg("blink"), py::arg("hot"), py::arg("cold"),
            py::arg("begin"), py::arg("end"))
        .def_property_readonly("sites", [](const siting::LocationSearch& search) {
            return give(std::vector<std::int32_t>(search.best()));
        })
        .def_property_readonly("cost", &siting::LocationSearch::cost);

    py::class_<siting::LocationBound>(module, "LocationBound")
        .def(py::init<const siting::Location&>(), py::arg("location"), py::keep_alive<1, 2>())
        .def(
            "run",
            [](siting::LocationBound& bound, std::int64_t steps, std::int64_t target) {
                const py::gil_scoped_release unlocked;
                bound.run(steps, target);
            },
            py::arg("steps"), py::arg("target"))
        .def(
            "decide",
            [](siting::LocationBound& bound, const Array<std::int8_t>& sites, const Array<double>& prices) {
                bound.decide(view(sites), view(prices));
            },
            py::arg("sites"), py::arg("prices"))
        .def_property_readonly("bound", &siting::LocationBound::best)
        .def_property_readonly("prices", [](const siting::LocationBound& bound) {
            return give(std::vector<double>(bound.prices()));
        })
        .def("forced", [](siting::LocationBound& bound) { return given(bound.forced()); });

    py::class_<siting::CoveringBound>(module, "CoveringBound")
        .def(py::init([](const siting::Location& location) {
                 const py::gil_scoped_release unlocked;
                 return std::make_unique<siting::CoveringBound>(location);
             }),
             py::arg("location"), py::keep_alive<1, 2>())
        .def(
            "run",
            [](siting::CoveringBound& bound, std::int64_t steps, double limit) {
                const py::gil_scoped_release unlocked;
                bound.run(steps, limit);
            },
            py::arg("steps"), py::arg("limit"))
        .def("cut",
             [](siting::CoveringBound& bound) {
                 const py::gil_scoped_release unlocked;
                 bound.cut();
             })
        .def_property_readonly("bound", &siting::CoveringBound::best)
        .def_property_readonly("missing", &siting::CoveringBound::missing)
        .def_property_readonly("sets", &siting::CoveringBound::sets)
        .def("forced", [](siting::CoveringBound& bound) { return given(bound.forced()); });

    py::class_<siting::CoveringSearch>(module, "CoveringSearch")
        .def(py::init<const siting::Location&, std::uint64_t>(), py::arg("location"), py::arg("seed"),
             py::keep_alive<1, 2>())
        .def(
            "start", [](siting::CoveringSearch& search, const Array<std::int32_t>& sites) { search.start(view(sites)); },
            py::arg("sites"))
        .def(
            "run",
            [](siting::CoveringSearch& search, std::int64_t iterations, double hot, double cold, double begin,
               double end) {
                const py::gil_scoped_release unlocked;
                search.run(iterations, {.hot = hot, .cold = cold}, begin, end);
            },
            py::arg("iterations"), py::kw_only(), py::arg("hot"), py::arg("cold"), py::arg("begin"), py::arg("end"))
        .def_property_readonly("sites", [](const siting::CoveringSearch& search) {
            return give(std::vector<std::int32_t>(search.best()));
        })
        .def_property_readonly("cost", &siting::CoveringSearch::cost);

    py::class_<siting::CoveringTree>(module, "CoveringTree")
        .def(py::init([](const siting::Location& location, const Array<std::int8_t>& decided) {
                 return std::make_unique<siting::CoveringTree>(location, view(decided));
             }),
             py::arg("location"), py::arg("decided"), py::keep_alive<1, 2>())
        .def(
            "grow",
            [](siting::CoveringTree& tree, std::int64_t visits, double limit) {
                const py::gil_scoped_release unlocked;
                tree.grow(visits, limit);
            },
            py::arg("visits"), py::arg("limit"))
        .def_property_readonly("bound", &siting::CoveringTree::bound)
        .def_property_readonly("sites", [](const siting::CoveringTree& tree) {
            return give(std::vector<std::int32_t>(tree.best()));
        })
        .def_property_readonly("cost", &siting::CoveringTree::cost);
}
