// Batteries along a fixed order of stops for Python: translation only.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "Arrays.h"
#include "Bindings.h"
#include "routing/Charging.h"

namespace py = pybind11;
using lastmile::bindings::Array;
using lastmile::bindings::view;
using lastmile::routing::Charging;

namespace {

using Table = Array<std::int32_t>;

std::span<const std::int32_t> square(const Table& table, py::ssize_t size) {
    if (table.ndim() != 2 || table.shape(0) != size || table.shape(1) != size) {
        throw std::invalid_argument("the tables must be square and of one size");
    }
    return {table.data(), static_cast<std::size_t>(table.size())};
}

// With the arrays that it reads.
struct PyCharging {
    Table seconds, metres;
    std::optional<Table> wattHours;
    Charging core;

    PyCharging(Table secondsTable, Table metresTable, std::optional<Table> energyTable,
               const Charging::Battery& battery, const Array<std::int32_t>& places, const Array<std::int32_t>& chargers,
               double perMetre, double perSecond, double maxLoad, const Charging::Limits& limits)
        : seconds(std::move(secondsTable)),
          metres(std::move(metresTable)),
          wattHours(std::move(energyTable)),
          core({static_cast<std::size_t>(seconds.ndim() == 2 ? seconds.shape(0) : 0),
                square(seconds, seconds.ndim() == 2 ? seconds.shape(0) : 0), square(metres, seconds.shape(0)),
                wattHours ? square(*wattHours, seconds.shape(0)) : std::span<const std::int32_t>{}},
               battery, view(places), view(chargers), perMetre, perSecond, maxLoad, limits) {}
};

std::int32_t checked(const Charging& core, std::int32_t place) {
    if (place < 0 || std::cmp_greater_equal(place, core.places())) {
        throw std::invalid_argument("place " + std::to_string(place) + ": there is no such place");
    }
    return place;
}

// Stops in their order.
struct PySteps {
    std::vector<std::array<std::int32_t, 2>> windows;
    std::vector<Charging::Step> steps;

    PySteps(const Array<std::int32_t>& place, const Array<std::int64_t>& offset, const Array<std::int32_t>& window,
            const Array<double>& service, const Array<double>& load) {
        const auto places = view(place);
        const auto offsets = view(offset);
        const auto services = view(service);
        const auto loads = view(load);
        if (window.ndim() != 2 || window.shape(1) != 2 || services.size() != places.size() ||
            loads.size() != places.size() || offsets.size() != places.size() + 1) {
            throw std::invalid_argument("the steps' arrays differ in length");
        }
        if (offsets.front() != 0 || offsets.back() != window.shape(0) || !std::ranges::is_sorted(offsets)) {
            throw std::invalid_argument("the offsets of the windows must rise from 0 to their number");
        }
        for (py::ssize_t row = 0; row < window.shape(0); ++row) {
            windows.push_back({window.at(row, 0), window.at(row, 1)});
        }
        for (std::size_t k = 0; k < places.size(); ++k) {
            if (!(services[k] >= 0.0 && loads[k] >= 0.0)) {
                throw std::invalid_argument("step " + std::to_string(k) + ": its service or load is negative");
            }
            steps.push_back(
                {places[k], {windows.begin() + offsets[k], windows.begin() + offsets[k + 1]}, services[k], loads[k]});
        }
    }
    // The steps point into the windows.
    PySteps(const PySteps&) = delete;
    PySteps& operator=(const PySteps&) = delete;

    // For the places of a core.
    [[nodiscard]] std::span<const Charging::Step> in(const Charging& core) const {
        for (const Charging::Step& step : steps) {
            checked(core, step.place);
        }
        return steps;
    }
};

py::object asTuple(const std::optional<Charging::Trip>& trip) {
    return trip ? py::object(py::make_tuple(trip->metres, trip->returns, trip->departs)) : py::none();
}

py::object asTuple(const std::optional<Charging::Schedule>& schedule) {
    if (!schedule) {
        return py::none();
    }
    py::list halts;
    for (const Charging::Halt& halt : schedule->halts) {
        halts.append(py::make_tuple(halt.step, halt.charger, halt.arrives, halt.begins, halt.departs));
    }
    return py::make_tuple(schedule->metres, schedule->returns, schedule->departs, halts);
}

// What one stop more costs before each of the steps, from labels and needs of the trip without it.
py::list insertions(const Charging& core, std::int32_t origin, std::span<const Charging::Step> trip,
                    const Charging::Step& stop, double ready, double due, double limit) {
    const std::size_t count = trip.size();
    std::vector<Charging::Labels> labels(count + 1);
    std::vector<Charging::Needs> needs(count);
    core.depart(ready, labels[0]);
    std::int32_t from = origin;
    for (std::size_t k = 0; k < count; ++k) {
        core.extend(labels[k], from, trip[k], labels[k + 1]);
        from = trip[k].place;
    }
    for (std::size_t k = count; k-- > 0;) {
        if (k + 1 == count) {
            core.conclude(trip[k], due, needs[k]);
        } else {
            core.prepend(trip[k], trip[k + 1], needs[k + 1], needs[k]);
        }
    }
    Charging::Scratch scratch;
    py::list found;
    for (std::size_t k = 0; k < count; ++k) {
        const std::int32_t before = k > 0 ? trip[k - 1].place : origin;
        found.append(asTuple(core.insertion(labels[k], before, stop, trip[k], needs[k], limit, scratch)));
    }
    return found;
}

}  // namespace

void lastmile::bindings::bindCharging(py::module_& module) {
    using routing::kForever;

    py::class_<PyCharging>(module, "Charging", "Where a battery is charged along a fixed order of stops.")
        .def(py::init([](const Table& seconds, const Table& metres, const std::optional<Table>& wattHours,
                         const Array<std::int32_t>& places, const Array<std::int32_t>& chargers, double capacity,
                         double reserve, double perMetre, double perMetreLoad, double secondsPerWattHour, bool fullOnly,
                         double fenPerMetre, double fenPerSecond, double maxLoad, std::size_t ways,
                         std::size_t labels) {
                 return std::make_unique<PyCharging>(
                     seconds, metres, wattHours,
                     Charging::Battery{capacity, reserve, perMetre, perMetreLoad, secondsPerWattHour, fullOnly}, places,
                     chargers, fenPerMetre, fenPerSecond, maxLoad, Charging::Limits{ways, labels});
             }),
             py::arg("duration_s"), py::arg("distance_m"), py::arg("energy_wh"), py::kw_only(), py::arg("places"),
             py::arg("chargers"), py::arg("capacity_wh"), py::arg("reserve_wh"), py::arg("wh_per_m"),
             py::arg("wh_per_m_load"), py::arg("seconds_per_wh"), py::arg("full_only"), py::arg("fen_per_m"),
             py::arg("fen_per_s"), py::arg("max_load"), py::arg("ways") = Charging::Limits{}.ways,
             py::arg("labels") = Charging::Limits{}.labels)
        .def_property_readonly("bytes", [](const PyCharging& self) { return self.core.memory(); })
        .def("least",
             [](const PyCharging& self, std::int32_t from, std::int32_t to) {
                 checked(self.core, from);
                 checked(self.core, to);
                 return py::make_tuple(self.core.leastMetres(from, to), self.core.leastSeconds(from, to));
             },
             py::arg("origin"), py::arg("target"))
        .def("drive",
             [](const PyCharging& self, std::int32_t origin, const PySteps& steps, double ready, double due,
                double limit) {
                 Charging::Scratch scratch;
                 return asTuple(
                     self.core.drive(checked(self.core, origin), steps.in(self.core), ready, due, limit, scratch));
             },
             py::arg("origin"), py::arg("steps"), py::arg("ready"), py::arg("due"), py::arg("limit") = kForever)
        .def("exact",
             [](const PyCharging& self, std::int32_t origin, const PySteps& steps, double ready, double due) {
                 Charging::Scratch scratch;
                 return asTuple(self.core.exact(checked(self.core, origin), steps.in(self.core), ready, due, scratch));
             },
             py::arg("origin"), py::arg("steps"), py::arg("ready"), py::arg("due"))
        .def("schedule",
             [](const PyCharging& self, std::int32_t origin, const PySteps& steps, double ready, double due) {
                 Charging::Scratch scratch;
                 return asTuple(
                     self.core.schedule(checked(self.core, origin), steps.in(self.core), ready, due, scratch));
             },
             py::arg("origin"), py::arg("steps"), py::arg("ready"), py::arg("due"))
        .def("insertions",
             [](const PyCharging& self, std::int32_t origin, const PySteps& steps, const PySteps& stop, double ready,
                double due, double limit) {
                 if (stop.steps.size() != 1) {
                     throw std::invalid_argument("one stop at a time is inserted");
                 }
                 return insertions(self.core, checked(self.core, origin), steps.in(self.core),
                                   stop.in(self.core)[0], ready, due, limit);
             },
             py::arg("origin"), py::arg("steps"), py::arg("stop"), py::arg("ready"), py::arg("due"),
             py::arg("limit") = kForever);

    py::class_<PySteps>(module, "ChargingSteps", "Stops of an electric vehicle in their order.")
        .def(py::init([](const Array<std::int32_t>& place, const Array<std::int64_t>& offset,
                         const Array<std::int32_t>& window, const Array<double>& service, const Array<double>& load) {
                 return std::make_unique<PySteps>(place, offset, window, service, load);
             }),
             py::kw_only(), py::arg("place"), py::arg("window_offset"), py::arg("window_s"),
             py::arg("service_s"), py::arg("load"));
}
