#include "routing/Insertion.h"

#include <algorithm>
#include <array>

namespace lastmile::routing {

namespace {

constexpr int64_t kLeastNear = 10;    // visits beside which each of many options looks
constexpr int32_t kShort = 25;        // visits of a trip whose places are all tried, not only those beside near visits
constexpr int32_t kFarther = 64;      // trips farther away that are tried before a new vehicle is
constexpr int32_t kAlong = 512;       // visits, by their numbers, whose trips these are
constexpr double kLeastShare = 0.02;  // of a vehicle, that a visit of hardly any load needs

}  // namespace

Insertion::Insertion(Plan& plan, const Neighbours& neighbours, Random& random, int32_t near, double blink)
    : plan(plan),
      problem(plan.problem),
      neighbours(neighbours),
      random(random),
      near(static_cast<int32_t>(std::max(std::min<int64_t>(near, kLeastNear), near / problem.meanOptions()))),
      blink(blink) {
    const size_t visits = problem.visitCount();
    newVehicle.resize(problem.types.size() * visits);
    for (size_t t = 0; t < problem.types.size(); ++t)
        for (size_t v = 0; v < visits; ++v) {
            const auto visit = static_cast<int32_t>(v);
            newVehicle[t * visits + v] = problem.visits[v].partner >= 0
                                             ? kNever
                                             : plan.openingCost({.type = static_cast<int32_t>(t)}, {&visit, 1});
        }
    untilBlink = 1 + static_cast<int32_t>(random.exponential() / blink);
}

bool Insertion::blinks() {
    if (--untilBlink > 0) return false;
    // Gaps between events of equal probability are geometric.
    untilBlink = 1 + static_cast<int32_t>(random.exponential() / blink);
    return true;
}

bool Insertion::insert(int32_t request, Openings openings) {
    const Request& wanted = problem.requests[request];
    Choice choice;
    if (!wanted.required) choice.delta = wanted.price;
    if (wanted.pair) {
        considerPair(request, openings, choice);
    } else {
        for (int32_t visit : problem.visitsOf(request)) consider(visit, openings, choice);
    }
    if (choice.visit < 0) return false;
    place(choice, request);
    return true;
}

bool Insertion::servable(int32_t request) const {
    if (problem.requests[request].pair) return true;
    for (int32_t visit : problem.visitsOf(request))
        for (size_t t = 0; t < problem.types.size(); ++t)
            if (newVehicle[t * problem.visitCount() + visit] < kNever) return true;
    return false;
}

void Insertion::considerTrip(int32_t trip, int32_t visit) {
    seenAt[trip] = stamp;
    becomes[trip] = -1;
    surcharge[trip] = 0;
    if (plan.mayJoin(trip, visit)) return;
    becomes[trip] = plan.upgrade(trip, visit, surcharge[trip]);
    if (becomes[trip] < 0) surcharge[trip] = kNever;
}

/// Whether a place in a trip could still be the cheapest: none is expected to save way by itself.
bool Insertion::promises(int32_t trip, const Choice& choice) const { return surcharge[trip] < choice.delta; }

inline void Insertion::test(int32_t after, int32_t visit, Choice& choice) {
    if (plan.tooLate(after, visit) || plan.tooEarly(after, visit) || blinks()) return;
    const int32_t trip = plan.stops[after].trip;
    const Money bound = choice.delta - surcharge[trip];
    const Money delta = plan.insertion(after, visit, bound);
    if (delta >= bound) return;
    if (problem.exact) {
        candidates.push_back({delta, visit, after});
        return;
    }
    choice.delta = delta + surcharge[trip];
    choice.visit = visit;
    choice.after = after;
    choice.type = becomes[trip];
}

/// Every place once: one that is met twice would hardly ever be passed over.
void Insertion::testOnce(int32_t after, int32_t visit, Choice& choice) {
    if (triedAt[after] == stamp) return;
    triedAt[after] = stamp;
    const Trip& trip = plan.trips[plan.stops[after].trip];
    if (plan.stops[after].position >= trip.locked) test(after, visit, choice);
}

/// All places of a trip; false where they were tested before.
bool Insertion::testAll(int32_t trip, int32_t visit, Choice& choice) {
    if (wholeAt[trip] == stamp) return false;
    wholeAt[trip] = stamp;
    if (seenAt[trip] != stamp) considerTrip(trip, visit);
    if (!promises(trip, choice)) return true;
    int32_t s = plan.startOf(trip);
    for (int32_t k = plan.trips[trip].locked; k > 0; --k) s = plan.stops[s].next;
    for (const int32_t end = plan.endOf(trip); s != end; s = plan.stops[s].next) test(s, visit, choice);
    return true;
}

/// Cheapest bound first, until no bound is below the best place.
void Insertion::decide(Choice& choice) {
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        return a.bound != b.bound ? a.bound < b.bound : a.after < b.after;
    });
    for (const Candidate& candidate : candidates) {
        if (candidate.bound >= choice.delta) break;
        const int32_t trip = plan.stops[candidate.after].trip;
        if (becomes[trip] >= 0) continue;  // its new vehicle's rules would have to be tried as well
        const Money delta = plan.insertionExactly(candidate.after, candidate.visit);
        if (delta < choice.delta) choice = {.delta = delta, .visit = candidate.visit, .after = candidate.after};
    }
}

void Insertion::consider(int32_t visit, Openings openings, Choice& choice) {
    ++stamp;
    triedAt.resize(plan.stops.size(), 0);
    seenAt.resize(plan.trips.size(), 0);
    wholeAt.resize(plan.trips.size(), 0);
    surcharge.resize(plan.trips.size());
    becomes.resize(plan.trips.size());
    candidates.clear();
    int32_t looked = 0;
    for (int32_t y : neighbours.of(visit)) {
        const int32_t trip = plan.stops[y].trip;
        if (trip < 0) continue;
        if (problem.mayServe(plan.trips[trip].type, visit) && looked++ >= near) break;
        const bool whole = plan.trips[trip].count <= kShort;
        if (seenAt[trip] != stamp) {
            considerTrip(trip, visit);
            if (whole) {
                testAll(trip, visit, choice);
            } else if (promises(trip, choice)) {
                testOnce(plan.startOf(trip), visit, choice);
            }
        }
        if (whole || !promises(trip, choice)) continue;
        testOnce(y, visit, choice);
        testOnce(plan.stops[y].previous, visit, choice);
    }
    if (problem.exact) decide(choice);
    if (choice.visit < 0) considerFarther(visit, choice);
    if (problem.trips || openings != Openings::last || choice.visit < 0) considerOpenings(visit, openings, choice);
    if (choice.visit < 0) considerEverywhere(visit, choice);
}

/// Trips of visits with near numbers, which are not far as a rule, until `use` has had enough that were new to it.
template <typename Use>
void Insertion::forFarther(int32_t visit, Use use) const {
    const auto visits = static_cast<int32_t>(problem.visitCount());
    int32_t tried = 0;
    for (int32_t k = 1; k <= kAlong && tried < kFarther; ++k) {
        for (int32_t y : {visit - k, visit + k}) {
            const int32_t trip = y >= 0 && y < visits ? plan.stops[y].trip : -1;
            if (trip >= 0) tried += use(trip);
        }
    }
}

void Insertion::considerFarther(int32_t visit, Choice& choice) {
    candidates.clear();
    forFarther(visit, [&](int32_t trip) { return testAll(trip, visit, choice); });
    if (problem.exact) decide(choice);
}

void Insertion::considerEverywhere(int32_t visit, Choice& choice) {
    candidates.clear();
    for (size_t trip = 0; trip < plan.trips.size(); ++trip)
        if (plan.trips[trip].count > 0) testAll(static_cast<int32_t>(trip), visit, choice);
    if (problem.exact) decide(choice);
}

/// Trips that vehicles in use could make besides, behind or ahead of each of theirs.
template <typename Use>
void Insertion::forFurtherTrips(Use use) const {
    if (!problem.trips) return;
    for (size_t k = 0; k < plan.trips.size(); ++k) {
        const Trip& trip = plan.trips[k];
        if (trip.count == 0) continue;
        const VehicleType& type = problem.types[trip.type];
        if (type.maxTrips < 2 || plan.tripsOf(k) >= type.maxTrips) continue;
        for (size_t r = 0; r < type.reloads.size(); ++r) {
            Opening opening{.type = trip.type, .behind = static_cast<int32_t>(k), .reload = static_cast<int32_t>(r)};
            if (trip.after < 0 || trip.reload == opening.reload) use(opening);
            if (trip.before >= 0 || trip.locked > 0) continue;
            opening.ahead = opening.behind;
            opening.behind = -1;
            use(opening);
        }
    }
}

void Insertion::considerOpenings(int32_t visit, Openings openings, Choice& choice) {
    const size_t visits = problem.visitCount();
    const auto offer = [&](const Opening& opening, Money cost) {
        if (cost < choice.delta) choice = {.delta = cost, .visit = visit, .opening = opening};
    };
    for (size_t t = 0; t < problem.types.size(); ++t) {
        Money cost = newVehicle[t * visits + visit];
        if (cost == kNever) continue;
        if (openings != Openings::whole) cost = static_cast<Money>(share(t, visit) * static_cast<double>(cost));
        if (cost < choice.delta && plan.available(t)) offer({.type = static_cast<int32_t>(t)}, cost);
    }
    forFurtherTrips([&](const Opening& opening) { offer(opening, plan.openingCost(opening, {&visit, 1})); });
}

/// Of a type's capacity, that a visit needs.
double Insertion::share(size_t type, int32_t visit) const {
    double most = kLeastShare;
    for (int d = 0; d < problem.dimensions; ++d) {
        const auto capacity = static_cast<double>(problem.capacity[type * problem.dimensions + d]);
        const size_t at = visit * problem.dimensions + d;
        const auto load = static_cast<double>(std::max(problem.delivered[at], problem.gained[at]));
        if (load > 0) most = std::max(most, load / capacity);
    }
    return most;
}

void Insertion::considerPair(int32_t request, Openings openings, Choice& choice) {
    const auto both = problem.visitsOf(request);
    const int32_t lead = problem.visits[both[0]].leads ? both[0] : both[1];
    const int32_t follow = problem.visits[lead].partner;
    ++stamp;
    seenAt.resize(plan.trips.size(), 0);
    const auto considerOnce = [&](int32_t trip) {
        if (seenAt[trip] == stamp) return false;
        seenAt[trip] = stamp;
        considerPairIn(trip, lead, follow, choice);
        return true;
    };
    for (int32_t visit : {lead, follow}) {
        int32_t looked = 0;
        for (int32_t y : neighbours.of(visit)) {
            if (plan.stops[y].trip < 0) continue;
            if (looked++ >= near) break;
            considerOnce(plan.stops[y].trip);
        }
    }
    for (int32_t visit : {lead, follow})
        if (choice.visit < 0) forFarther(visit, considerOnce);
    if (openings == Openings::last && choice.visit >= 0) return;
    const std::array<int32_t, 2> order{lead, follow};
    const auto offer = [&](const Opening& opening) {
        const Money cost = plan.openingCost(opening, order);
        if (cost < choice.delta) choice = {.delta = cost, .visit = lead, .opening = opening};
    };
    for (size_t t = 0; t < problem.types.size(); ++t)
        if (plan.available(t)) offer({.type = static_cast<int32_t>(t)});
    forFurtherTrips(offer);
    if (choice.visit < 0)
        for (size_t t = 0; t < plan.trips.size(); ++t)
            if (plan.trips[t].count > 0) considerOnce(static_cast<int32_t>(t));
}

void Insertion::considerPairIn(int32_t trip, int32_t lead, int32_t follow, Choice& choice) {
    if (!plan.mayJoin(trip, lead) || !plan.mayJoin(trip, follow)) return;
    const Money now = plan.trips[trip].cost;
    for (int32_t head = plan.startOf(trip); head != plan.endOf(trip); head = plan.stops[head].next) {
        if (plan.stops[head].position < plan.trips[trip].locked || blinks()) continue;
        middle.assign(1, lead);
        for (int32_t end = head;; end = plan.stops[end].next) {
            if (end != head) middle.push_back(end);
            const int32_t tail = plan.stops[end].next;
            middle.push_back(follow);
            Money cost = plan.spliced(head, middle, tail);
            if (cost < kNever && problem.exact && cost - now < choice.delta)
                cost = plan.splicedExactly(head, middle, tail);
            middle.pop_back();
            if (cost < kNever && cost - now < choice.delta)
                choice = {.delta = cost - now, .visit = lead, .after = head, .end = end};
            if (!plan.isVisit(tail)) break;
        }
    }
}

void Insertion::place(const Choice& choice, int32_t request) {
    int32_t after = choice.after;
    if (after < 0) {
        after = plan.startOf(plan.openTrip(choice.opening));
    } else if (choice.type >= 0) {
        plan.changeType(plan.stops[after].trip, choice.type, false);
    }
    plan.link(after, choice.visit);
    if (problem.requests[request].pair)
        plan.link(choice.end < 0 || choice.end == choice.after ? choice.visit : choice.end,
                  problem.visits[choice.visit].partner);
    const int32_t trip = plan.stops[choice.visit].trip;
    if (plan.settle(trip)) return;
    // A later trip of the same vehicle cannot be driven any more.
    if (problem.requests[request].pair) plan.unlink(problem.visits[choice.visit].partner);
    plan.unlink(choice.visit);
    plan.settle(trip);
}

}  // namespace lastmile::routing
