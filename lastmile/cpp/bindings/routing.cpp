// Vehicle routing for Python: translation only.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "Arrays.h"
#include "Bindings.h"
#include "routing/Plan.h"
#include "routing/Problem.h"
#include "routing/Rules.h"
#include "routing/Team.h"

namespace py = pybind11;
using lastmile::bindings::Array;
namespace routing = lastmile::routing;

namespace {

/// A problem with the arrays that it looks into.
struct Holder {
    routing::Problem problem;
    std::vector<py::object> arrays;
};

const std::int32_t* table(Holder& holder, const py::object& given, std::size_t locations) {
    if (given.is_none()) return nullptr;
    const auto array = given.cast<Array<std::int32_t>>();
    if (static_cast<std::size_t>(array.size()) != locations * locations)
        throw std::invalid_argument("a travel table is not square over the locations");
    holder.arrays.push_back(array);
    return array.data();
}

routing::VehicleType vehicleOf(const py::dict& given) {
    const auto number = [&](const char* name) { return given[name].cast<std::int64_t>(); };
    routing::VehicleType type{};
    type.count = static_cast<std::int32_t>(number("count"));
    type.start = static_cast<std::int32_t>(number("start"));
    type.end = static_cast<std::int32_t>(number("end"));
    type.profile = static_cast<std::int32_t>(number("profile"));
    type.shiftStart = static_cast<routing::Seconds>(number("shift_start"));
    type.shiftEnd = static_cast<routing::Seconds>(number("shift_end"));
    type.overtime = static_cast<routing::Seconds>(number("overtime"));
    type.fixed = number("fixed");
    type.perMetre = number("per_metre");
    type.perSecond = number("per_second");
    type.perOvertimeSecond = number("per_overtime_second");
    type.maxDistance = number("max_distance");
    type.maxDuration = number("max_duration");
    type.maxOrders = number("max_orders");
    type.maxTrips = static_cast<std::int32_t>(number("max_trips"));
    for (const auto& [location, duration, open, close] :
         given["reloads"].cast<std::vector<std::tuple<std::int32_t, std::int32_t, std::int32_t, std::int32_t>>>())
        type.reloads.push_back({location, duration, {open, close}});
    for (const auto& [open, close, duration] :
         given["breaks"].cast<std::vector<std::tuple<std::int32_t, std::int32_t, std::int32_t>>>())
        type.breaks.push_back({{open, close}, duration});
    type.pools = given["pools"].cast<std::vector<std::int32_t>>();
    if (!given["battery"].is_none()) {
        const auto [capacity, reserve, perMetre, perLoad, perWh, full] =
            given["battery"].cast<std::tuple<double, double, double, double, double, bool>>();
        type.electric = true;
        type.battery = {capacity, reserve, perMetre, perLoad, perWh, full};
    }
    return type;
}

routing::Tour tourOf(const py::tuple& given) {
    return {.type = given[0].cast<std::int32_t>(),
            .locked = given[3].cast<std::int32_t>(),
            .trips = given[1].cast<std::vector<std::vector<std::int32_t>>>(),
            .reloads = given[2].cast<std::vector<std::int32_t>>()};
}

py::list listOf(const std::vector<routing::Tour>& tours) {
    py::list made;
    for (const routing::Tour& tour : tours)
        made.append(py::make_tuple(tour.type, tour.trips, tour.reloads, tour.locked, tour.cost));
    return made;
}

std::vector<routing::Tour> toursOf(const py::list& given) {
    std::vector<routing::Tour> tours;
    for (const auto& one : given) tours.push_back(tourOf(one.cast<py::tuple>()));
    return tours;
}

}  // namespace

void lastmile::bindings::bindRouting(py::module_& module) {
    py::class_<Holder>(module, "RoutingCore")
        .def(py::init([](std::size_t locations, int dimensions, const py::list& profiles, const py::list& vehicles,
                         const Array<std::int64_t>& visit, const Array<std::int32_t>& windows,
                         const Array<std::int64_t>& request, const Array<std::int64_t>& delivered,
                         const Array<std::int64_t>& gained, const Array<std::int64_t>& capacity,
                         const Array<std::uint8_t>& allowed, const std::vector<std::int32_t>& pools,
                         const std::vector<std::int32_t>& chargers) {
                 auto holder = std::make_unique<Holder>();
                 routing::Problem& problem = holder->problem;
                 problem.locations = locations;
                 problem.dimensions = dimensions;
                 for (const auto& one : profiles) {
                     const auto tables = one.cast<py::tuple>();
                     problem.profiles.push_back({table(*holder, tables[0], locations), table(*holder, tables[1], locations),
                                                 table(*holder, tables[2], locations)});
                 }
                 for (const auto& one : vehicles) problem.types.push_back(vehicleOf(one.cast<py::dict>()));
                 const auto v = visit.unchecked<2>();
                 for (py::ssize_t k = 0; k < v.shape(0); ++k) {
                     routing::Visit made{};
                     made.location = static_cast<std::int32_t>(v(k, 0));
                     made.request = static_cast<std::int32_t>(v(k, 1));
                     made.service = static_cast<routing::Seconds>(v(k, 2));
                     made.release = static_cast<routing::Seconds>(v(k, 3));
                     made.onBoard = static_cast<routing::Seconds>(v(k, 4));
                     made.partner = static_cast<std::int32_t>(v(k, 5));
                     made.leads = v(k, 6) != 0;
                     made.firstWindow = static_cast<std::int32_t>(v(k, 7));
                     made.windowCount = static_cast<std::int32_t>(v(k, 8));
                     made.cost = v(k, 9);
                     problem.visits.push_back(made);
                 }
                 const auto w = windows.unchecked<2>();
                 for (py::ssize_t k = 0; k < w.shape(0); ++k) problem.windows.push_back({w(k, 0), w(k, 1)});
                 for (routing::Visit& made : problem.visits) {
                     made.open = problem.windows.at(made.firstWindow).open;
                     made.close = problem.windows.at(made.firstWindow + made.windowCount - 1).close;
                 }
                 const auto r = request.unchecked<2>();
                 std::vector<std::vector<std::int32_t>> visitsOf(r.shape(0));
                 for (std::size_t k = 0; k < problem.visits.size(); ++k)
                     visitsOf.at(problem.visits[k].request).push_back(static_cast<std::int32_t>(k));
                 for (py::ssize_t k = 0; k < r.shape(0); ++k) {
                     problem.requests.push_back({.firstVisit = static_cast<std::int32_t>(problem.requestVisits.size()),
                                                 .visitCount = static_cast<std::int32_t>(visitsOf[k].size()),
                                                 .pair = r(k, 1) != 0,
                                                 .required = r(k, 0) < 0,
                                                 .price = r(k, 0)});
                     problem.requestVisits.insert(problem.requestVisits.end(), visitsOf[k].begin(), visitsOf[k].end());
                 }
                 problem.delivered.assign(delivered.data(), delivered.data() + delivered.size());
                 problem.gained.assign(gained.data(), gained.data() + gained.size());
                 problem.capacity.assign(capacity.data(), capacity.data() + capacity.size());
                 problem.allowed.assign(allowed.data(), allowed.data() + allowed.size());
                 problem.poolSize = pools;
                 problem.chargers = chargers;
                 problem.complete();
                 return holder;
             }),
             py::kw_only(), py::arg("locations"), py::arg("dimensions"), py::arg("profiles"), py::arg("vehicles"),
             py::arg("visit"), py::arg("windows"), py::arg("request"), py::arg("delivered"), py::arg("gained"),
             py::arg("capacity"), py::arg("allowed"), py::arg("pools"), py::arg("chargers"))
        .def(
            "solve",
            [](const Holder& holder, double seconds, std::int64_t iterations, std::uint64_t seed, int threads,
               bool fewest, const py::list& start, const py::function& poll) {
                const std::vector<routing::Tour> given = toursOf(start);
                std::vector<routing::Tour> best, pooled;
                std::int64_t done = 0;
                routing::Team::Ending ending{};
                {
                    const py::gil_scoped_release unlocked;
                    routing::Settings settings = routing::Settings::of(holder.problem);
                    settings.fewest = fewest;
                    routing::Team team(holder.problem, seed, threads, settings);
                    team.start(given);
                    ending = team.run({.seconds = seconds, .iterations = iterations},
                                      [&](const routing::Progress& progress) {
                                          const py::gil_scoped_acquire locked;
                                          return poll(progress.seconds, progress.iterations, progress.cost,
                                                      progress.vehicles, progress.absent)
                                              .cast<bool>();
                                      });
                    best = team.bestTours();
                    pooled = team.pooledTours();
                    done = team.iterations();
                }
                const char* const stopped = ending == routing::Team::Ending::iterations ? "iterations"
                                            : ending == routing::Team::Ending::time     ? "time"
                                                                                        : "interrupted";
                return py::make_tuple(listOf(best), listOf(pooled), done, stopped);
            },
            py::kw_only(), py::arg("seconds"), py::arg("iterations"), py::arg("seed"), py::arg("threads"),
            py::arg("fewest_vehicles"), py::arg("start"), py::arg("poll"))
        .def_property_readonly("prices",
                               [](const Holder& holder) {
                                   std::vector<routing::Money> prices;
                                   for (const routing::Request& one : holder.problem.requests)
                                       prices.push_back(one.price);
                                   return prices;
                               })
        .def(
            "schedule",
            [](const Holder& holder, const py::tuple& given) -> py::object {
                const routing::Tour tour = tourOf(given);
                const routing::Rules rules(holder.problem);
                routing::Plan plan(holder.problem, rules);
                if (!plan.drive(tour)) return py::none();
                py::list trips;
                routing::Money cost = 0;
                for (std::int32_t trip = 0; trip >= 0; trip = plan.trips[trip].after) cost += plan.trips[trip].cost;
                for (const auto& [outcome, halts] : plan.schedules(0)) {
                    py::list stops;
                    for (const routing::Halt& halt : halts)
                        stops.append(py::make_tuple(halt.visit, halt.rest, halt.charger, halt.arrive, halt.begin, halt.depart));
                    const bool fractions = outcome.returns >= 0;
                    trips.append(py::make_tuple(fractions ? outcome.departs : outcome.leave,
                                                fractions ? outcome.returns : outcome.back, outcome.distance, stops));
                }
                return py::make_tuple(trips, cost);
            },
            py::arg("tour"));
}
