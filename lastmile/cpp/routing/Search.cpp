#include "routing/Search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace lastmile::routing {

namespace {

constexpr size_t kMostAbsent = 10;  // absent requests that one recreation tries besides the removed ones
constexpr double kFirstPenalty = 10, kLeastPenalty = 1, kMostPenalty = 1e4;  // in costs of a mean arc
constexpr double kStep = 1.1;        // by which the penalty changes
constexpr double kInsistence = 0.1;  // by which its factors grow
constexpr int32_t kRegion = 512;     // visits of a region
constexpr int32_t kBarren = 50;      // changes of the penalty without a complete plan, until the best one is back

}  // namespace

Search::Search(const Problem& problem, const Rules& rules, const Neighbours& near, const Neighbours& around,
               uint64_t seed, const Settings& settings)
    : problem(problem),
      around(around),
      settings(settings),
      plan(problem, rules),
      random(seed),
      insertion(plan, near, random, settings.near, settings.blink),
      local(plan, near, settings.moves, false),
      wide(plan, around, std::numeric_limits<int32_t>::max(), true),
      cooling(settings.enough * static_cast<double>(problem.requests.size())),
      pool(problem, static_cast<size_t>(settings.mostPooled)),
      perPass(std::max<int64_t>(1, static_cast<int64_t>(settings.pass * static_cast<double>(problem.requests.size())))),
      nextPass(perPass) {
    double rate = 0;
    for (const VehicleType& type : problem.types)
        rate += static_cast<double>(type.perMetre) * around.meanMetres() +
                static_cast<double>(type.perSecond) * around.meanSeconds();
    for (const Request& request : problem.requests) priced |= !request.required;
    scale = problem.types.empty() ? 1.0 : std::max(1.0, rate / static_cast<double>(problem.types.size()));
    penalty = kFirstPenalty * scale;
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
    if (!tours.empty()) {
        // What was given is the best until something better is found.
        rememberAll();
        keep();
    }
    plan.begin();
    pending.assign(plan.absent().begin(), plan.absent().end());
    recreate();
    local.improve();
    plan.commit();
    rememberAll();
    if (plan.cost < best) keep();
    if (!settings.fewest) return;
    fleet.emplace(plan, insertion);
    shed();
}

void Search::finish() {
    if (fleet || best == kNever) return;
    replace(bestTours());
    while (polishAll()) {
    }
}

/// The look around each ruin is a short one, at few neighbours that suit in time; what that misses is found by a look
/// at all of the plan from time to time. Tells whether it saved anything.
bool Search::polishAll() {
    const Money before = plan.cost;
    plan.begin();
    wide.improveAll();
    remember();
    plan.commit();
    if (plan.cost < best) keep();
    return plan.cost < before;
}

void Search::adopt(std::span<const Tour> tours, Money cost) {
    if (cost >= (fleet ? best : judged())) return;
    plan.mostVehicles = kUnlimited;
    replace(tours);
    if (limited) plan.mostVehicles = std::max(vehiclesOfBest, plan.vehicles());
    if (plan.cost < best) keep();
    if (fleet) shed();
}

/// Drive these tours instead.
void Search::replace(std::span<const Tour> tours) {
    plan.begin();
    for (size_t t = 0; t < plan.trips.size(); ++t) {
        const auto trip = static_cast<int32_t>(t);
        while (plan.trips[t].count > 0) plan.unlink(plan.stops[plan.startOf(trip)].next);
    }
    // What was opened and taken back before it was ever driven has no vehicle.
    for (size_t t = 0; t < plan.trips.size(); ++t)
        if (plan.trips[t].type >= 0) plan.settle(static_cast<int32_t>(t));
    build(tours);
    plan.commit();
    rememberAll();
}

/// Copies what changed since the last best plan.
void Search::keep() {
    best = plan.cost;
    vehiclesOfBest = plan.vehicles();
    absentOfBest = static_cast<int32_t>(plan.absent().size());
    missingOfBest = missing();
    if (limited) plan.mostVehicles = vehiclesOfBest;
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
        Tour tour{.type = first.trip.type,
                  .locked = first.trip.locked,
                  .trips = {first.visits},
                  .reloads = {},
                  .cost = first.trip.cost};
        for (const BestTrip* at = &first; at->trip.after >= 0;) {
            tour.reloads.push_back(at->trip.reload);
            at = &bestTrips[at->trip.after];
            tour.trips.push_back(at->visits);
            tour.cost += at->trip.cost;
        }
        tours.push_back(std::move(tour));
    }
    return tours;
}

void Search::cool(double used) {
    // Tours of early plans are of little use beside those of later ones.
    pooling = !fleet && used >= settings.pooled;
    double cold = settings.cold;
    if (fleet) {
        used = settings.fleetHeat;
    } else if (limited) {
        cold = settings.coldFew;
    } else {
        if (cooling.advance(used, iteration)) replace(bestTours());
        used = cooling.at();
    }
    temperature = scale * settings.hot * std::pow(cold / settings.hot, used);
}

/// Chooses the region of the next ruins.
void Search::settle() { region = random.below(std::max(1, static_cast<int32_t>(problem.visitCount()))); }

/// Goes on with one vehicle less if all is served, or ends the phase where no fewer can do.
void Search::shed() {
    fleet->look();
    if (!fleet->complete()) return;
    if (fleet->least()) {
        endShedding();
        return;
    }
    plan.begin();
    fleet->takeOne();
    remember();
    plan.commit();
}

void Search::endShedding() {
    plan.mostVehicles = kUnlimited;
    fleet.reset();
    replace(bestTours());
    limited = true;
    insistence.assign(problem.requests.size(), 1);
    plan.mostVehicles = vehiclesOfBest;
}

/// Absent requests that must be served.
int32_t Search::missing() const {
    if (!priced) return static_cast<int32_t>(plan.absent().size());
    return static_cast<int32_t>(std::count_if(plan.absent().begin(), plan.absent().end(),
                                              [&](int32_t r) { return problem.requests[r].required; }));
}

/// What the plan costs to the search. Once the fewest vehicles are found, requests that must be served may be left out
/// for a while, at a penalty that keeps the search as often on this side of what can be done as on that: the way from
/// one plan with few vehicles to another leads through plans that do not serve all. Adaptive as in Vidal, Crainic,
/// Gendreau, Lahrichi & Rei (2012), section 4.6, doi:10.1287/opre.1120.1048; dearer for those that are left out over
/// and over, or the search would stay with the one that is hardest to serve.
Money Search::judged() const {
    Money cost = plan.cost;
    if (!limited) return cost;
    for (int32_t r : plan.absent()) {
        const Request& request = problem.requests[r];
        const auto price = static_cast<double>(request.price);
        if (request.required) cost -= request.price - static_cast<Money>(std::min(price, penalty * insistence[r]));
    }
    return cost;
}

void Search::adapt() {
    if (!limited) return;
    const double complete = static_cast<double>(completed) / kStride;
    barren = completed > 0 ? 0 : barren + 1;
    completed = 0;
    if (barren > 0)
        for (int32_t r : plan.absent()) insistence[r] += kInsistence;
    if (barren == kBarren) {
        barren = 0;
        replace(bestTours());
    }
    if (complete < settings.leastComplete) penalty *= kStep;
    if (complete > settings.mostComplete) penalty /= kStep;
    penalty = std::clamp(penalty, kLeastPenalty * scale, kMostPenalty * scale);
}

bool Search::accepts(Money before) {
    const int order = fleet ? fleet->compare() : 0;
    return order < 0 ||
           (order == 0 && static_cast<double>(judged() - before) < temperature * random.exponential());
}

void Search::step() {
    ++iteration;
    const Money before = judged();
    completed += missing() <= missingOfBest;
    if (fleet) fleet->look();
    plan.begin();
    ruin();
    recreate();
    if (random.unit() < (cooling.several() ? settings.polishLong : settings.polish)) local.improve();
    if (!accepts(before)) {
        plan.rollback();
        return;
    }
    remember();
    if (pooling) pool.note(plan);
    plan.commit();
    if (plan.cost < best) keep();
    if (fleet) shed();
}

void Search::rememberAll() {
    changedSince.resize(plan.trips.size());
    std::iota(changedSince.begin(), changedSince.end(), 0);
    isChanged.assign(plan.trips.size(), 1);
}

/// Notes what differs from the best plan.
void Search::remember() {
    isChanged.resize(plan.trips.size(), 0);
    for (int32_t trip : plan.touched()) {
        if (!isChanged[trip]) {
            isChanged[trip] = 1;
            changedSince.push_back(trip);
        }
    }
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

void Search::removeString(int32_t centre, double longest) {
    const int32_t trip = plan.stops[centre].trip;
    const int32_t locked = plan.trips[trip].locked;
    const int32_t count = plan.trips[trip].count - locked;
    const int32_t at = plan.stops[centre].position - 1 - locked;
    if (at < 0) return;
    ruined.push_back(trip);
    const auto length = static_cast<int32_t>(1 + random.unit() * std::min<double>(count, longest));
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
    leaving.clear();
    for (int32_t k = 0; k < span; ++k) {
        const int32_t next = plan.stops[s].next;
        if (k < gap || k >= gap + kept) leaving.push_back(s);
        s = next;
    }
    removeLeaving(trip);
}

/// Removes what is leaving a trip.
void Search::removeLeaving(int32_t trip) {
    // Of a pair one of the two may have left with the other.
    for (int32_t visit : leaving)
        if (plan.stops[visit].trip >= 0) removeRequest(visit);
    if (plan.settle(trip)) return;
    // What is left breaks a rule: tables that break the triangle inequality allow that. The whole trip goes.
    while (plan.trips[trip].count > plan.trips[trip].locked) removeRequest(plan.stops[plan.endOf(trip)].previous);
    plan.settle(trip);
}

void Search::ruin() {
    pending.clear();
    ruined.clear();
    const auto requests = static_cast<int32_t>(problem.requests.size());
    const auto served = requests - static_cast<int32_t>(plan.absent().size());
    if (served > 0) {
        const auto visits = static_cast<int32_t>(problem.visitCount());
        // Near visits have near numbers: what the ruins of a while read stays in the caches, however large the problem.
        int32_t centre = (region + random.below(std::min(visits, kRegion))) % visits;
        if (fleet && !fleet->complete() && random.unit() < settings.focus)
            centre = problem.visitsOf(fleet->anyMissing(random))[0];
        const double mean = static_cast<double>(served) / std::max(1, plan.vehicles());
        const double longest = std::max(1.0, std::min(settings.longest, mean));
        const double most = std::max(1.0, 4 * settings.removed / (1 + longest) - 1);
        const auto strings = static_cast<size_t>(random.unit() * most + 1);
        if (plan.stops[centre].trip >= 0) {
            removeString(centre, longest);
        } else if (plan.isAbsent(problem.visits[centre].request)) {
            pending.push_back(problem.visits[centre].request);
        } else {
            // Another option of its request is in use: it gets a chance.
            for (int32_t other : problem.visitsOf(problem.visits[centre].request)) {
                const int32_t trip = plan.stops[other].trip;
                if (trip < 0 || plan.stops[other].position <= plan.trips[trip].locked) continue;
                removeString(other, 1);
                break;
            }
        }
        size_t extra = 0;
        for (int32_t y : around.of(centre)) {
            if (ruined.size() >= strings) break;
            const int32_t trip = plan.stops[y].trip;
            if (trip < 0) {
                const int32_t request = problem.visits[y].request;
                if (extra < std::max<double>(kMostAbsent, mean) && plan.isAbsent(request) &&
                    std::find(pending.begin(), pending.end(), request) == pending.end()) {
                    pending.push_back(request);
                    ++extra;
                }
                continue;
            }
            // What goes together should be able to come back elsewhere.
            if (!problem.mayServe(plan.trips[trip].type, centre)) continue;
            if (std::find(ruined.begin(), ruined.end(), trip) == ruined.end())
                removeString(y, longest);
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
    flooded = priced && random.unit() < settings.flood;
    if (flooded) pending = plan.absent();
    for (int32_t trip : ruined) changeVehicle(trip);
}

/// What a ruined trip is driven with may change before it is filled again.
void Search::changeVehicle(int32_t trip) {
    if (problem.types.size() < 2 || plan.trips[trip].count == 0) return;
    const double dice = random.unit();
    if (dice < settings.cheapest) {
        plan.retype(trip);
    } else if (dice < settings.cheapest + settings.other) {
        const int32_t type = random.below(static_cast<int32_t>(problem.types.size()));
        if (type == plan.trips[trip].type) return;
        if (problem.selective && random.unit() < settings.expelled) expel(trip, type);
        if (plan.trips[trip].count > 0) plan.tryType(trip, type, false);
    }
}

/// Removes what another type of vehicle, one that is free, may not serve: a trip whose visits differ in who may serve
/// them seldom suits another type as it is.
void Search::expel(int32_t trip, int32_t type) {
    if (plan.trips[trip].chained() || plan.trips[trip].locked > 0 || !plan.spare(type)) return;
    leaving.clear();
    for (int32_t s = plan.stops[plan.startOf(trip)].next; plan.isVisit(s); s = plan.stops[s].next)
        if (!problem.mayServe(type, s)) leaving.push_back(s);
    if (!leaving.empty()) removeLeaving(trip);
}

void Search::recreate() {
    enum Order { ANY, LOAD, FAR, NEAR, PRICE, NARROW, EARLY, LATE };
    auto order = static_cast<Order>(random.below(problem.timed ? 8 : 5));
    if (order == PRICE && !priced) order = ANY;
    const double weighed = iteration == 0 ? 1 : random.unit();
    Openings openings = weighed < settings.whole                     ? Openings::whole
                        : weighed < settings.whole + settings.shared ? Openings::shared
                                                                     : Openings::last;
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
            case PRICE: key = -static_cast<double>(problem.requests[request].price); break;
            case NARROW: key = static_cast<double>(visit.close) - visit.open; break;
            case EARLY: key = visit.open; break;
            case LATE: key = -static_cast<double>(visit.close); break;
        }
        keyed.emplace_back(key, request);
    }
    std::sort(keyed.begin(), keyed.end());
    const int32_t vehicles = plan.vehicles();
    for (const auto& [key, request] : keyed) {
        // Of a flood one more vehicle is filled.
        if (flooded) openings = plan.vehicles() > vehicles ? Openings::whole : Openings::shared;
        insertion.insert(request, openings);
    }
    for (size_t k = 0; k < plan.touched().size(); ++k) plan.retype(plan.touched()[k]);
}

}  // namespace lastmile::routing
