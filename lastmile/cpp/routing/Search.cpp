#include "routing/Search.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace lastmile::routing {

namespace {

constexpr size_t kMostAbsent = 10;  // absent requests that one recreation tries besides the removed ones

}  // namespace

Search::Search(const Problem& problem, const Rules& rules, const Neighbours& near, const Neighbours& around,
               uint64_t seed, const Settings& settings)
    : problem(problem),
      around(around),
      settings(settings),
      plan(problem, rules),
      random(seed),
      insertion(plan, near, random, settings.near, settings.blink),
      local(plan, near, settings.moves) {
    double rate = 0;
    for (const VehicleType& type : problem.types)
        rate += static_cast<double>(type.perMetre) * around.meanMetres() +
                static_cast<double>(type.perSecond) * around.meanSeconds();
    scale = problem.types.empty() ? 1.0 : std::max(1.0, rate / static_cast<double>(problem.types.size()));
}

void Search::build(std::span<const Tour> tours) {
    for (size_t k = 0; k < tours.size(); ++k)
        if (!plan.available(tours[k].type) || !plan.drive(tours[k]))
            throw std::invalid_argument("tour " + std::to_string(k) + " of the start breaks a rule");
}

void Search::start(std::span<const Tour> tours) {
    plan.begin();
    build(tours);
    plan.commit();
    changedSince.clear();
    if (!tours.empty()) {
        // What was given is the best until something better is found.
        for (size_t t = 0; t < plan.trips.size(); ++t) changedSince.push_back(static_cast<int32_t>(t));
        keep();
    }
    plan.begin();
    pending.assign(plan.absent().begin(), plan.absent().end());
    recreate();
    local.improve();
    plan.commit();
    for (size_t t = 0; t < plan.trips.size(); ++t) changedSince.push_back(static_cast<int32_t>(t));
    if (plan.cost < best) keep();
}

void Search::adopt(std::span<const Tour> tours, Money cost) {
    if (cost >= plan.cost) return;
    plan.begin();
    for (size_t t = 0; t < plan.trips.size(); ++t) {
        const auto trip = static_cast<int32_t>(t);
        while (plan.trips[t].count > 0) plan.unlink(plan.stops[plan.startOf(trip)].next);
    }
    for (size_t t = 0; t < plan.trips.size(); ++t) plan.settle(static_cast<int32_t>(t));
    build(tours);
    plan.commit();
    for (size_t t = 0; t < plan.trips.size(); ++t) changedSince.push_back(static_cast<int32_t>(t));
    if (plan.cost < best) keep();
}

/// Copies what changed since the last best plan.
void Search::keep() {
    best = plan.cost;
    vehiclesOfBest = plan.vehicles();
    absentOfBest = static_cast<int32_t>(plan.absent().size());
    bestTrips.resize(plan.trips.size());
    isChanged.resize(plan.trips.size(), 0);
    for (int32_t trip : changedSince) {
        bestTrips[trip].trip = plan.trips[trip];
        plan.sequence(trip, bestTrips[trip].visits);
        isChanged[trip] = 0;
    }
    changedSince.clear();
}

std::vector<Tour> Search::bestTours() const {
    std::vector<Tour> tours;
    for (const BestTrip& first : bestTrips) {
        if (first.visits.empty() || first.trip.before >= 0) continue;
        Tour tour{.type = first.trip.type, .locked = first.trip.locked, .trips = {first.visits}, .reloads = {}};
        for (const BestTrip* at = &first; at->trip.after >= 0;) {
            tour.reloads.push_back(at->trip.reload);
            at = &bestTrips[at->trip.after];
            tour.trips.push_back(at->visits);
        }
        tours.push_back(std::move(tour));
    }
    return tours;
}

void Search::cool(double used) {
    temperature = scale * settings.hot * std::pow(settings.cold / settings.hot, used);
}

void Search::step() {
    ++iteration;
    const Money before = plan.cost;
    plan.begin();
    ruin();
    recreate();
    if (settings.polish > 0 && random.unit() < settings.polish) local.improve();
    if (static_cast<double>(plan.cost - before) >= temperature * random.exponential()) {
        plan.rollback();
        return;
    }
    isChanged.resize(plan.trips.size(), 0);
    for (int32_t trip : plan.touched()) {
        if (!isChanged[trip]) {
            isChanged[trip] = 1;
            changedSince.push_back(trip);
        }
    }
    plan.commit();
    if (plan.cost < best) keep();
}

void Search::removeRequest(int32_t visit) {
    const Request& request = problem.requests[problem.visits[visit].request];
    pending.push_back(problem.visits[visit].request);
    if (request.pair) {
        const int32_t partner = problem.visits[visit].partner;
        plan.unlink(partner);
    }
    plan.unlink(visit);
}

void Search::removeString(int32_t centre, int32_t longest) {
    const int32_t trip = plan.stops[centre].trip;
    const int32_t locked = plan.trips[trip].locked;
    const int32_t count = plan.trips[trip].count - locked;
    const int32_t at = plan.stops[centre].position - 1 - locked;
    if (at < 0) return;
    ruined.push_back(trip);
    const int32_t length = 1 + random.below(std::min(count, longest));
    // Some strings keep a part in their middle; its length is geometric, as in the paper.
    int32_t kept = 0;
    if (length >= 2 && length < count && random.unit() < settings.split) {
        kept = 1;
        while (length + kept < count && random.unit() > 0.01) ++kept;
    }
    const int32_t span = length + kept;
    const int32_t lowest = std::max(0, at - span + 1), highest = std::min(at, count - span);
    const int32_t first = lowest + random.below(highest - lowest + 1);
    const int32_t gap = kept > 0 ? 1 + random.below(length - 1) : length;
    int32_t s = centre;
    for (int32_t k = at; k > first; --k) s = plan.stops[s].previous;
    const auto leaving = pending.size();
    for (int32_t k = 0; k < span; ++k) {
        const int32_t next = plan.stops[s].next;
        if (k < gap || k >= gap + kept) pending.push_back(s);
        s = next;
    }
    // Pending holds visits for a moment; of a pair one of the two may have left with the other.
    const std::vector<int32_t> visits(pending.begin() + leaving, pending.end());
    pending.resize(leaving);
    for (int32_t visit : visits)
        if (plan.stops[visit].trip >= 0) removeRequest(visit);
    if (!plan.settle(trip)) {
        // What is left breaks a rule: tables that break the triangle inequality allow that. The whole trip goes.
        while (plan.trips[trip].count > locked) removeRequest(plan.stops[plan.endOf(trip)].previous);
        plan.settle(trip);
    }
}

void Search::ruin() {
    pending.clear();
    ruined.clear();
    const auto requests = static_cast<int32_t>(problem.requests.size());
    const auto served = requests - static_cast<int32_t>(plan.absent().size());
    if (served > 0) {
        const auto visits = static_cast<int32_t>(problem.visitCount());
        int32_t centre = random.below(visits);
        while (plan.stops[centre].trip < 0) centre = centre + 1 < visits ? centre + 1 : 0;
        const double mean = static_cast<double>(served) / std::max(1, plan.vehicles());
        const double longest = std::max(1.0, std::min(settings.longest, mean));
        const double most = std::max(1.0, 4 * settings.removed / (1 + longest) - 1);
        const auto strings = static_cast<size_t>(random.unit() * most + 1);
        removeString(centre, static_cast<int32_t>(longest));
        size_t extra = 0;
        for (int32_t y : around.of(centre)) {
            if (ruined.size() >= strings) break;
            const int32_t trip = plan.stops[y].trip;
            if (trip < 0) {
                const int32_t request = problem.visits[y].request;
                if (extra < kMostAbsent && plan.isAbsent(request) &&
                    std::find(pending.begin(), pending.end(), request) == pending.end()) {
                    pending.push_back(request);
                    ++extra;
                }
                continue;
            }
            if (std::find(ruined.begin(), ruined.end(), trip) == ruined.end())
                removeString(y, static_cast<int32_t>(longest));
        }
    }
    // Those that must be served are tried each time.
    for (size_t k = 0, extra = 0; k < plan.absent().size() && extra < kMostAbsent; ++k) {
        const int32_t request = plan.absent()[k];
        if (!problem.requests[request].required && served > 0) continue;
        if (std::find(pending.begin(), pending.end(), request) != pending.end()) continue;
        pending.push_back(request);
        ++extra;
    }
    for (int32_t trip : ruined) plan.retype(trip);
}

void Search::recreate() {
    enum Order { ANY, LOAD, FAR, NEAR, NARROW, EARLY, LATE };
    const auto order = static_cast<Order>(random.below(problem.timed ? 7 : 4));
    const bool openFreely = random.unit() < settings.opening;
    keyed.clear();
    for (int32_t request : pending) {
        const int32_t first = problem.visitsOf(request)[0];
        const Visit& visit = problem.visits[first];
        const double depot = problem.types.empty() ? 0 : problem.distance(0, problem.types[0].start, visit.location);
        double key = 0;
        switch (order) {
            case ANY: key = random.unit(); break;
            case LOAD: key = -static_cast<double>(plan.stops[first].load); break;
            case FAR: key = -depot; break;
            case NEAR: key = depot; break;
            case NARROW: key = static_cast<double>(visit.close) - visit.open; break;
            case EARLY: key = visit.open; break;
            case LATE: key = -static_cast<double>(visit.close); break;
        }
        keyed.emplace_back(key, request);
    }
    std::sort(keyed.begin(), keyed.end());
    for (const auto& [key, request] : keyed) insertion.insert(request, openFreely);
    for (size_t k = 0; k < plan.touched().size(); ++k) plan.retype(plan.touched()[k]);
}

}  // namespace lastmile::routing
