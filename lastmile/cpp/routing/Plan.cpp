#include "routing/Plan.h"

#include <algorithm>
#include <stdexcept>

namespace lastmile::routing {

namespace {

constexpr int32_t kUnknown = -1;  // metres of an arc that is new

Trip emptyTripOf(int32_t type, const Problem& problem) {
    const VehicleType& kind = problem.types[type];
    return {.type = type, .ready = kind.shiftStart, .due = kind.shiftEnd + kind.overtime};
}

}  // namespace

Plan::Plan(const Problem& problem, const Rules& rules)
    : problem(problem),
      rules(rules),
      visits(static_cast<int32_t>(problem.visitCount())),
      absentAt(problem.requests.size(), -1),
      usedOf(problem.types.size(), 0),
      drawn(problem.poolSize.size(), 0) {
    stops.resize(visits);
    sums.resize(visits);
    savedAt.resize(visits, 0);
    for (int32_t k = 0; k < visits; ++k) {
        const Visit& visit = problem.visits[k];
        Stop& stop = stops[k];
        stop.location = visit.location;
        stop.open = visit.open;
        stop.close = visit.close;
        stop.service = visit.service;
        stop.cost = visit.cost;
        stop.load = problem.dimensions > 0 ? problem.delivered[k * problem.dimensions] : 0;
    }
    for (size_t r = 0; r < problem.requests.size(); ++r) {
        cost += problem.requests[r].price;
        absentAt[r] = static_cast<int32_t>(absentees.size());
        absentees.push_back(static_cast<int32_t>(r));
    }
    if (problem.segmented) timeTo.resize(visits), timeFrom.resize(visits);
    if (problem.gains) loadTo.resize(visits * problem.dimensions), loadFrom.resize(visits * problem.dimensions);
}

void Plan::sequence(int32_t trip, std::vector<int32_t>& into) const {
    into.clear();
    for (int32_t s = stops[startOf(trip)].next; isVisit(s); s = stops[s].next) into.push_back(s);
}

void Plan::tourOf(int32_t trip, Tour& into) const {
    while (trips[trip].before >= 0) trip = trips[trip].before;
    into.type = trips[trip].type;
    into.locked = trips[trip].locked;
    into.reloads.clear();
    into.cost = 0;
    size_t count = 0;
    for (; trip >= 0; trip = trips[trip].after) {
        if (into.trips.size() == count) into.trips.emplace_back();
        sequence(trip, into.trips[count++]);
        into.cost += trips[trip].cost;
        if (trips[trip].after >= 0) into.reloads.push_back(trips[trip].reload);
    }
    into.trips.resize(count);
}

bool Plan::mayJoin(int32_t t, int32_t visit) const {
    const Trip& trip = trips[t];
    const VehicleType& type = problem.types[trip.type];
    if (type.maxOrders >= 0 && trip.count >= type.maxOrders) return false;
    if (!problem.mayServe(trip.type, visit)) return false;
    const int64_t* capacity = problem.capacity.data() + trip.type * problem.dimensions;
    if (problem.dimensions == 1) return trip.load + stops[visit].load <= capacity[0];
    for (int d = 0; d < problem.dimensions; ++d)
        if (loads[t * problem.dimensions + d] + problem.delivered[visit * problem.dimensions + d] > capacity[d])
            return false;
    return true;
}

bool Plan::judge(const TimeSegment& whole, const Trip& trip, Seconds& leave, Seconds& back) const {
    const VehicleType& type = problem.types[trip.type];
    const int64_t out = std::max({whole.early, int64_t{trip.ready}, whole.release});
    if (out > whole.late || out + whole.duration > trip.due) return false;
    if (type.maxDuration >= 0 && whole.duration > type.maxDuration) return false;
    leave = static_cast<Seconds>(out);
    back = static_cast<Seconds>(out + whole.duration);
    return true;
}

Money Plan::timeCost(const Trip& trip, int64_t duration, Seconds back) const {
    const VehicleType& type = problem.types[trip.type];
    const int64_t over = trip.after < 0 ? std::max(0, back - type.shiftEnd) : 0;
    return duration * type.perSecond + over * type.perOvertimeSecond;
}

Money Plan::insertionWithin(int32_t after, int32_t visit, int64_t detour, Money delta) const {
    const Stop& p = stops[after];
    const Stop& n = stops[p.next];
    const Stop& v = stops[visit];
    const Trip& trip = trips[p.trip];
    const VehicleType& type = problem.types[trip.type];
    if (type.maxDistance >= 0 && trip.distance + detour > type.maxDistance) return kNever;
    if (problem.timed) {
        const Seconds to = problem.durationInto(type.profile, p.location, v.location);
        const Seconds from = problem.duration(type.profile, v.location, n.location);
        if (!problem.segmented) {
            const int64_t arrive = int64_t{p.depart} + to;
            if (arrive > v.close) return kNever;
            if (std::max<int64_t>(arrive, v.open) + v.service + from > n.latest) return kNever;
        } else {
            TimeSegment whole = isVisit(after) ? timeTo[after] : TimeSegment{};
            if (!whole.append(to, TimeSegment::of(problem.visits[visit]))) return kNever;
            if (!whole.append(from, isVisit(p.next) ? timeFrom[p.next] : TimeSegment{})) return kNever;
            Seconds leave, back;
            if (!judge(whole, trip, leave, back)) return kNever;
            delta += timeCost(trip, whole.duration, back) - timeCost(trip, trip.back - trip.leave, trip.back);
        }
    }
    if (problem.gains) {
        for (int d = 0; d < problem.dimensions; ++d) {
            const size_t D = problem.dimensions;
            LoadSegment whole = isVisit(after) ? loadTo[after * D + d] : LoadSegment{};
            whole = whole.then(LoadSegment::of(problem, visit, d));
            if (isVisit(p.next)) whole = whole.then(loadFrom[p.next * D + d]);
            if (whole.peak > problem.capacity[trip.type * D + d]) return kNever;
        }
    }
    return delta;
}

Money Plan::insertionExactly(int32_t after, int32_t visit) const {
    const Money cost = splicedExactly(after, {&visit, 1}, stops[after].next);
    return cost == kNever ? kNever : cost - trips[stops[after].trip].cost;
}

Money Plan::spliced(int32_t head, std::span<const int32_t> middle, int32_t tail) const {
    const int32_t t = stops[head].trip;
    const Trip& trip = trips[t];
    const Trip& other = trips[stops[tail].trip];
    const VehicleType& type = problem.types[trip.type];
    const int32_t end = isVisit(tail) ? tail : endOf(t);
    const Sums& before = sums[head];
    const Sums& until = sums[isVisit(tail) ? stops[tail].previous : tail];
    int64_t load = before.load + (isVisit(tail) ? other.load - until.load : 0);
    int64_t options = before.options + (isVisit(tail) ? other.options - until.options : 0);
    int64_t distance = before.metres + (isVisit(tail) ? other.distance - sums[tail].metres : 0);
    for (int32_t v : middle) load += stops[v].load, options += stops[v].cost;
    const size_t D = problem.dimensions;
    const int64_t* capacity = problem.capacity.data() + trip.type * D;
    if (load > capacity[0]) return kNever;
    int32_t at = stops[head].location;
    int64_t depart = stops[head].depart;
    TimeSegment time = problem.segmented && isVisit(head) ? timeTo[head] : TimeSegment{};
    for (size_t k = 0; k <= middle.size(); ++k) {
        const bool last = k == middle.size();
        const int32_t s = last ? end : middle[k];
        const Stop& stop = stops[s];
        distance += problem.distance(type.profile, at, stop.location);
        if (problem.timed) {
            const Seconds travel = problem.duration(type.profile, at, stop.location);
            if (problem.segmented) {
                const TimeSegment next = !last             ? TimeSegment::of(problem.visits[s])
                                         : isVisit(tail) ? timeFrom[tail]
                                                         : TimeSegment{};
                if (!time.append(travel, next)) return kNever;
            } else {
                const int64_t arrive = depart + travel;
                if (arrive > (last ? stop.latest : stop.close)) return kNever;
                depart = std::max<int64_t>(arrive, stop.open) + stop.service;
            }
        }
        at = stop.location;
    }
    if (type.maxDistance >= 0 && distance > type.maxDistance) return kNever;
    Money result = distance * type.perMetre + options + (trip.before < 0 ? type.fixed : 0);
    if (problem.segmented) {
        Seconds leave, back;
        if (!judge(time, trip, leave, back)) return kNever;
        result += timeCost(trip, time.duration, back);
    }
    if (problem.gains) {
        for (size_t d = 0; d < D; ++d) {
            LoadSegment whole = isVisit(head) ? loadTo[head * D + d] : LoadSegment{};
            for (int32_t v : middle)
                whole = whole.then(LoadSegment::of(problem, v, d));
            if (isVisit(tail)) whole = whole.then(loadFrom[tail * D + d]);
            if (whole.peak > capacity[d]) return kNever;
        }
    }
    return result;
}

Money Plan::splicedExactly(int32_t head, std::span<const int32_t> middle, int32_t tail) const {
    const int32_t t = stops[head].trip;
    thread_local std::vector<int32_t> order;
    order.clear();
    for (int32_t s = head; isVisit(s); s = stops[s].previous) order.push_back(s);
    std::reverse(order.begin(), order.end());
    order.insert(order.end(), middle.begin(), middle.end());
    for (int32_t s = tail; isVisit(s); s = stops[s].next) order.push_back(s);
    const Outcome outcome = rules.evaluate(order, leeway(t));
    if (!outcome.feasible) return kNever;
    Money cost = outcome.cost + (trips[t].before < 0 ? problem.types[trips[t].type].fixed : 0);
    for (int32_t v : order) cost += stops[v].cost;
    return cost;
}

bool Plan::assign(int32_t t, std::span<const int32_t> order) {
    touch(t);
    Trip& trip = trips[t];
    use(trip, -1);
    int32_t at = startOf(t);
    trip.paired = 0;
    const int32_t profile = problem.types[trip.type].profile;
    const auto join = [&](int32_t from, int32_t to) {
        stops[to].previous = from;
        if (stops[from].next == to) return;
        stops[from].next = to;
        stops[from].ahead = kUnknown;
    };
    for (int32_t v : order) {
        trip.paired += problem.visits[v].partner >= 0;
        const int32_t old = stops[v].trip;
        if (old >= 0 && problem.types[trips[old].type].profile != profile) stops[v].ahead = kUnknown;
        stops[v].trip = t;
        join(at, v);
        at = v;
    }
    join(at, endOf(t));
    trip.count = static_cast<int32_t>(order.size());
    use(trip, +1);
    return settle(t);
}

bool Plan::spare(int32_t type) const {
    if (usedOf[type] >= problem.types[type].count) return false;
    for (int32_t pool : problem.types[type].pools)
        if (drawn[pool] >= problem.poolSize[pool]) return false;
    return true;
}

Context Plan::context(int32_t t) const {
    const Trip& trip = trips[t];
    Context context{.type = trip.type,
                    .start = stops[startOf(t)].location,
                    .end = stops[endOf(t)].location,
                    .ready = trip.ready,
                    .due = trip.due,
                    .last = trip.after < 0};
    const size_t breaks = problem.types[trip.type].breaks.size();
    if (breaks == 0) return context;
    if (!trip.chained()) {
        context.restsTo = static_cast<int32_t>(breaks);
        return context;
    }
    context.ready = trip.rests.ready;
    context.restsFrom = trip.rests.out;
    context.restsTo = trip.rests.home;
    context.around = false;
    return context;
}

/// The same where the breaks of the pauses about the trip may lie in it, and its own in these: for tests of moves, as
/// what the vehicle's other trips make of it is seen when it is settled.
Context Plan::leeway(int32_t t) const {
    Context context = this->context(t);
    if (context.around) return context;
    const Trip& trip = trips[t];
    context.around = true;
    context.idle = trip.rests.idle;
    context.ready = std::max(trip.ready, trip.rests.idle);
    context.restsFrom = trip.rests.before;
    context.restsTo = trip.after < 0 ? static_cast<int32_t>(problem.types[trip.type].breaks.size())
                                     : trips[trip.after].rests.before;
    return context;
}

std::vector<Scheduled> Plan::schedules(int32_t first) const {
    const VehicleType& type = problem.types[trips[first].type];
    std::vector<Errand> day;
    dayOf(first, day);
    std::vector<Rests> rests;
    for (int32_t t = first; t >= 0; t = trips[t].after) rests.push_back(trips[t].rests);
    if (type.charging && day.size() > 1) {
        // The search knows few ways over chargers; of all there are, others may be the cheapest.
        auto found = placeRests(rules, type, day, true);
        if (!found) throw std::logic_error("charging: a day that was found cannot be driven over all chargers");
        rests = std::move(*found);
    }
    std::vector<Scheduled> found;
    for (int32_t t = first; t >= 0; t = trips[t].after) {
        const size_t k = found.size();
        Scheduled& trip = found.emplace_back();
        Context context = this->context(t);
        if (type.charging && day.size() > 1) {
            context.ready = rests[k].ready;
            context.due = rests[k].due;
            context.restsFrom = rests[k].out;
            context.restsTo = rests[k].home;
        }
        trip.outcome = rules.evaluate(day[k].visits, context, &trip.halts);
        if (type.breaks.empty() || day.size() == 1) continue;
        const auto list = [&](int32_t from, int32_t to, Seconds moment, size_t at) {
            for (int32_t b = from; b < to; ++b, ++at) {
                const Seconds end = rested(type, b, b + 1, moment);
                const double begin = end - type.breaks[b].duration;
                trip.halts.insert(trip.halts.begin() + at,
                                  {.rest = b, .arrive = begin, .begin = begin, .depart = static_cast<double>(end)});
                moment = end;
            }
        };
        // Rests off duty are not told.
        if (trips[t].after >= 0) list(rests[k].home, rests[k + 1].before, trip.outcome.back, trip.halts.size());
        if (t != first) list(rests[k].before, rests[k].out, rests[k].idle, 0);
    }
    return found;
}

Context Plan::fresh(int32_t type) const {
    const VehicleType& kind = problem.types[type];
    return {.type = type,
            .start = kind.start,
            .end = kind.end,
            .ready = kind.shiftStart,
            .due = kind.shiftEnd + kind.overtime,
            .restsTo = static_cast<int32_t>(kind.breaks.size())};
}

Money Plan::costAlone(std::span<const int32_t> visits, const Context& context) const {
    for (int d = 0; d < problem.dimensions; ++d) {
        LoadSegment load;
        for (int32_t v : visits) {
            load = load.then(LoadSegment::of(problem, v, d));
        }
        if (load.peak > problem.capacity[context.type * problem.dimensions + d]) return kNever;
    }
    Money options = 0;
    for (int32_t v : visits) {
        if (!problem.mayServe(context.type, v)) return kNever;
        options += stops[v].cost;
    }
    const Outcome outcome = rules.evaluate(visits, context);
    return outcome.feasible ? outcome.cost + options : kNever;
}

int32_t Plan::tripsOf(int32_t t) const {
    int32_t count = 1;
    for (int32_t k = trips[t].before; k >= 0; k = trips[k].before) ++count;
    for (int32_t k = trips[t].after; k >= 0; k = trips[k].after) ++count;
    return count;
}

void Plan::begin() {
    logging = true;
    savedCost = cost;
    changed.clear();
}

void Plan::commit() {
    for (int32_t trip : touchedTrips) isTouched[trip] = 0;
    touchedTrips.clear();
    saved.clear();
    savedIds.clear();
    savedStops.clear();
    savedSums.clear();
    logging = false;
}

void Plan::save(int32_t t) {
    const size_t first = savedIds.size();
    for (int32_t s = stops[startOf(t)].next; isVisit(s); s = stops[s].next) {
        savedAt[s] = savedIds.size();
        savedIds.push_back(s);
        savedStops.push_back(stops[s]);
        savedSums.push_back(sums[s]);
    }
    saved.push_back({t, first, savedIds.size() - first, trips[t], stops[startOf(t)], stops[endOf(t)], sums[endOf(t)]});
}

void Plan::touch(int32_t t) {
    if (isTouched[t]) return;
    isTouched[t] = 1;
    touchedTrips.push_back(t);
    if (logging) save(t);
    // What changes one trip of a vehicle changes when the others may leave and must be back.
    if (trips[t].before >= 0) touch(trips[t].before);
    if (trips[t].after >= 0) touch(trips[t].after);
}

void Plan::rollback() {
    for (int32_t t : touchedTrips) {
        use(trips[t], -1);
        for (int32_t s = stops[startOf(t)].next; isVisit(s);) {
            const int32_t next = stops[s].next;
            markAbsent(problem.visits[s].request);
            stops[s].trip = -1;
            s = next;
        }
    }
    for (const Saved& entry : saved) {
        trips[entry.trip] = entry.state;
        stops[startOf(entry.trip)] = entry.start;
        stops[endOf(entry.trip)] = entry.end;
        sums[endOf(entry.trip)] = entry.whole;
        for (size_t k = entry.first; k < entry.first + entry.count; ++k) {
            stops[savedIds[k]] = savedStops[k];
            sums[savedIds[k]] = savedSums[k];
            markServed(problem.visits[savedIds[k]].request);
        }
        use(trips[entry.trip], +1);
        if (trips[entry.trip].count == 0 && !listedEmpty[entry.trip]) {
            listedEmpty[entry.trip] = 1;
            empties.push_back(entry.trip);
        }
    }
    // What the log does not hold is made again; empty trips have nothing of it.
    if (problem.segmented || problem.gains || problem.dimensions > 1)
        for (const Saved& entry : saved)
            if (entry.count > 0) walk(entry.trip);
    cost = savedCost;
    commit();
}

void Plan::use(const Trip& trip, int32_t change) {
    if (trip.count == 0 || trip.before >= 0) return;
    usedOf[trip.type] += change;
    vehicleCount += change;
    for (int32_t pool : problem.types[trip.type].pools) drawn[pool] += change;
}

void Plan::markAbsent(int32_t request) {
    if (absentAt[request] >= 0) return;
    absentAt[request] = static_cast<int32_t>(absentees.size());
    absentees.push_back(request);
    cost += problem.requests[request].price;
}

void Plan::markServed(int32_t request) {
    const int32_t at = absentAt[request];
    if (at < 0) return;
    absentees[at] = absentees.back();
    absentAt[absentees[at]] = at;
    absentees.pop_back();
    absentAt[request] = -1;
    cost -= problem.requests[request].price;
}

int32_t Plan::emptyTrip() {
    while (!empties.empty()) {
        const int32_t t = empties.back();
        empties.pop_back();
        listedEmpty[t] = 0;
        if (trips[t].count == 0) return t;
    }
    trips.emplace_back();
    stops.emplace_back();
    stops.emplace_back();
    isTouched.push_back(0);
    listedEmpty.push_back(0);
    loads.resize(trips.size() * problem.dimensions);
    whole.emplace_back();
    sums.resize(stops.size());
    const auto made = static_cast<int32_t>(trips.size()) - 1;
    stops[startOf(made)].next = endOf(made);
    stops[endOf(made)].previous = startOf(made);
    return made;
}

int32_t Plan::openTrip(const Opening& opening) {
    const int32_t t = emptyTrip();
    touch(t);
    Trip& trip = trips[t];
    trip = emptyTripOf(opening.type, problem);
    if (opening.behind >= 0) {
        touch(opening.behind);
        trip.before = opening.behind;
        trip.after = trips[opening.behind].after;
        // The trip behind which this one comes ends where the vehicle reloads; so does this one if another follows.
        trip.reload = trip.after < 0 ? -1 : trips[opening.behind].reload;
        trips[opening.behind].reload = opening.reload;
        trips[opening.behind].after = t;
        if (trip.after >= 0) trips[trip.after].before = t;
        placeEnds(opening.behind);
    } else if (opening.ahead >= 0) {
        touch(opening.ahead);
        use(trips[opening.ahead], -1);
        trip.after = opening.ahead;
        trip.reload = opening.reload;
        trips[opening.ahead].before = t;
        placeEnds(opening.ahead);
    }
    placeEnds(t);
    // Nothing is left of the trip that was here before.
    Stop& start = stops[startOf(t)];
    start.ahead = start.aheadTime = 0;
    start.depart = trip.ready;
    stops[endOf(t)].latest = trip.due;
    return t;
}

bool Plan::drive(const Tour& tour) {
    const VehicleType& type = problem.types[tour.type];
    if (tour.trips.empty() || static_cast<int32_t>(tour.trips.size()) > type.maxTrips)
        return false;
    // All trips first: each ends where the vehicle reloads for the next one.
    std::vector<int32_t> made;
    for (size_t k = 0; k < tour.trips.size(); ++k)
        made.push_back(openTrip({.type = tour.type,
                                 .behind = k == 0 ? -1 : made.back(),
                                 .reload = k == 0 ? -1 : tour.reloads[k - 1]}));
    trips[made[0]].locked = tour.locked;
    for (size_t k = 0; k < made.size(); ++k) {
        if (tour.trips[k].empty()) return false;
        int32_t at = startOf(made[k]);
        for (int32_t visit : tour.trips[k]) {
            const Visit& v = problem.visits[visit];
            // Once per request; of a pair the first one first, and in the same trip.
            const bool second = v.partner >= 0 && !v.leads;
            if (stops[visit].trip >= 0 || !problem.mayServe(tour.type, visit)) return false;
            if (second ? stops[v.partner].trip != made[k] : !isAbsent(v.request)) return false;
            link(at, visit);
            at = visit;
        }
        for (int32_t visit : tour.trips[k])
            if (problem.visits[visit].leads && stops[problem.visits[visit].partner].trip != made[k]) return false;
    }
    for (int32_t trip : made)
        if (!walk(trip)) return false;
    return schedule(made[0]);
}

Money Plan::openingCost(const Opening& opening, std::span<const int32_t> visits) const {
    Context context = fresh(opening.type);
    const VehicleType& type = problem.types[opening.type];
    if (opening.behind < 0 && opening.ahead < 0) {
        const Money cost = costAlone(visits, context);
        return cost == kNever ? kNever : cost + type.fixed;
    }
    const Reload& reload = type.reloads[opening.reload];
    // Where the breaks then lie is seen when the trip is settled.
    context.restsTo = 0;
    // Where another trip now begins or ends elsewhere than before, its arcs would change as well.
    if (opening.behind >= 0) {
        const Trip& before = trips[opening.behind];
        if (stops[endOf(opening.behind)].location != reload.location) return kNever;
        context.start = reload.location;
        context.ready = reload.done(before.back);
        if (before.back > reload.window.close) return kNever;
        context.due = before.due;
        context.last = before.after < 0;
        if (!context.last) context.end = type.reloads[before.reload].location;
    } else {
        const Trip& after = trips[opening.ahead];
        if (stops[startOf(opening.ahead)].location != reload.location) return kNever;
        const int64_t leaveBy = std::min(whole[opening.ahead].late, after.due - whole[opening.ahead].duration);
        context.end = reload.location;
        context.due = static_cast<Seconds>(std::min<int64_t>(reload.window.close, leaveBy - reload.duration));
        context.last = false;
    }
    return costAlone(visits, context);
}

void Plan::placeEnds(int32_t t) {
    const Trip& trip = trips[t];
    const VehicleType& type = problem.types[trip.type];
    Stop& start = stops[startOf(t)];
    Stop& end = stops[endOf(t)];
    start.trip = end.trip = t;
    start.location = trip.before < 0 ? type.start : type.reloads[trips[trip.before].reload].location;
    end.location = trip.after < 0 ? type.end : type.reloads[trip.reload].location;
    start.ahead = stops[end.previous].ahead = kUnknown;
}

void Plan::link(int32_t after, int32_t visit) {
    const int32_t t = stops[after].trip;
    touch(t);
    Trip& trip = trips[t];
    const int32_t next = stops[after].next;
    stops[visit].trip = t;
    stops[visit].previous = after;
    stops[visit].next = next;
    stops[after].next = visit;
    stops[next].previous = visit;
    stops[after].ahead = stops[visit].ahead = kUnknown;
    changed.insert(changed.end(), {after, visit, next});
    trip.paired += problem.visits[visit].partner >= 0;
    if (++trip.count == 1) use(trip, +1);
    markServed(problem.visits[visit].request);
}

void Plan::unlink(int32_t visit) {
    Stop& stop = stops[visit];
    touch(stop.trip);
    Trip& trip = trips[stop.trip];
    if (trip.count == 1) use(trip, -1);
    trip.paired -= problem.visits[visit].partner >= 0;
    --trip.count;
    changed.insert(changed.end(), {stop.previous, stop.next});
    stops[stop.previous].next = stop.next;
    stops[stop.previous].ahead = kUnknown;
    stops[stop.next].previous = stop.previous;
    stop.trip = -1;
    markAbsent(problem.visits[visit].request);
}

bool Plan::settle(int32_t t) {
    touch(t);
    if (trips[t].count == 0) return detach(t);
    return walk(t) && schedule(t);
}

bool Plan::detach(int32_t t) {
    Trip& trip = trips[t];
    const int32_t before = trip.before, after = trip.after;
    cost -= trip.cost;
    trip = emptyTripOf(trip.type, problem);
    if (!listedEmpty[t]) {
        listedEmpty[t] = 1;
        empties.push_back(t);
    }
    if (before < 0 && after < 0) return true;
    if (before >= 0) {
        trips[before].after = after;
        if (after < 0) trips[before].reload = -1;
        placeEnds(before);
    }
    if (after >= 0) {
        trips[after].before = before;
        if (before < 0) use(trips[after], +1);
        placeEnds(after);
    }
    if (before >= 0 && !walk(before)) return false;
    if (after >= 0 && !walk(after)) return false;
    return schedule(before >= 0 ? before : after);
}

bool Plan::walk(int32_t t) {
    Trip& trip = trips[t];
    const VehicleType& type = problem.types[trip.type];
    const int D = problem.dimensions;
    const int32_t start = startOf(t), end = endOf(t);
    trip.distance = trip.load = trip.options = 0;
    int64_t busy = 0;
    for (int d = 1; d < D; ++d) loads[t * D + d] = 0;
    // What hangs on the vehicle's other trips is left to the segments.
    stops[start].depart = problem.segmented ? type.shiftStart : trip.ready;
    sums[start] = {};
    stops[end].latest = problem.segmented ? type.shiftEnd + type.overtime : trip.due;
    bool inTime = true;
    int32_t position = 0;
    TimeSegment time;
    for (int32_t s = start; s != end;) {
        Stop& stop = stops[s];
        const int32_t nextId = stop.next;
        Stop& next = stops[nextId];
        // What stayed as it was is not looked up again: the tables are seldom in a near cache.
        if (stop.ahead < 0) {
            stop.ahead = problem.distance(type.profile, stop.location, next.location);
            if (problem.timed) stop.aheadTime = problem.duration(type.profile, stop.location, next.location);
        }
        trip.distance += stop.ahead;
        next.position = ++position;
        if (problem.timed) {
            if (problem.segmented) {
                const bool last = nextId == end;
                busy += int64_t{stop.aheadTime} + next.service;
                inTime &= time.append(stop.aheadTime, last ? TimeSegment{} : TimeSegment::of(problem.visits[nextId]));
                (last ? whole[t] : timeTo[nextId]) = time;
            }
            const int64_t arrive = int64_t{stop.depart} + stop.aheadTime;
            inTime &= arrive <= next.close;
            next.depart = static_cast<Seconds>(
                std::min<int64_t>(std::max<int64_t>(arrive, next.open) + next.service, kTimeMax));
        }
        if (nextId != end) {
            trip.load += next.load;
            trip.options += next.cost;
            for (int d = 1; d < D; ++d) loads[t * D + d] += problem.delivered[nextId * D + d];
        }
        sums[nextId] = {trip.distance, trip.load, trip.options};
        s = nextId;
    }
    if (problem.segmented) trip.waiting = whole[t].duration - busy;
    if (!inTime || (type.maxDistance >= 0 && trip.distance > type.maxDistance)) return false;
    if (type.maxOrders >= 0 && trip.count > type.maxOrders) return false;
    loads[t * D] = trip.load;
    if (!problem.gains && !problem.fits(trip.type, &loads[t * D])) return false;
    if (problem.timed) {
        inTime &= stops[end].depart <= stops[end].latest;
        TimeSegment tail;
        for (int32_t s = stops[end].previous; s != start; s = stops[s].previous) {
            Stop& stop = stops[s];
            stop.latest = std::min(stop.close, stops[stop.next].latest - stop.aheadTime - stop.service);
            if (!problem.segmented) continue;
            TimeSegment head = TimeSegment::of(problem.visits[s]);
            inTime &= head.append(stop.aheadTime, tail);
            tail = timeFrom[s] = head;
        }
    }
    if (problem.gains) {
        for (int d = 0; d < D; ++d) {
            LoadSegment load;
            for (int32_t s = stops[start].next; s != end; s = stops[s].next)
                loadTo[s * D + d] = load =
                    load.then(LoadSegment::of(problem, s, d));
            if (load.peak > problem.capacity[trip.type * D + d]) return false;
            load = {};
            for (int32_t s = stops[end].previous; s != start; s = stops[s].previous)
                loadFrom[s * D + d] = load =
                    LoadSegment::of(problem, s, d).then(load);
        }
    }
    return inTime;
}

bool Plan::schedule(int32_t t) {
    if (problem.trips) {
        while (trips[t].before >= 0) t = trips[t].before;
        if (!relay(t) || !rest(t)) return false;
    }
    for (; t >= 0; t = trips[t].after) {
        Trip& trip = trips[t];
        const VehicleType& type = problem.types[trip.type];
        const Money base = trip.options + (trip.before < 0 ? type.fixed : 0);
        Money now = base + trip.distance * type.perMetre;
        if (problem.segmented) {
            if (!judge(whole[t], trip, trip.leave, trip.back)) return false;
            now += timeCost(trip, whole[t].duration, trip.back);
        }
        trip.bound = now;
        if (problem.exact) {
            sequence(t, order);
            const Outcome outcome = rules.evaluate(order, context(t));
            if (!outcome.feasible) return false;
            trip.leave = outcome.leave;
            trip.back = outcome.back;
            now = base + outcome.cost;
        }
        cost += now - trip.cost;
        trip.cost = now;
        if (trip.after >= 0 && type.breaks.empty()) {
            const Reload& reload = type.reloads[trip.reload];
            trips[trip.after].ready = reload.done(trip.back);
        }
    }
    return true;
}

bool Plan::relay(int32_t first) {
    const VehicleType& type = problem.types[trips[first].type];
    trips[first].ready = type.shiftStart;
    int32_t t = first;
    while (trips[t].after >= 0) t = trips[t].after;
    int64_t due = int64_t{type.shiftEnd} + type.overtime;
    for (; t >= 0; t = trips[t].before) {
        if (due < 0) return false;
        trips[t].due = static_cast<Seconds>(due);
        if (trips[t].before < 0) break;
        int64_t leaveBy = std::min(whole[t].late, due - whole[t].duration);
        if (type.charging && type.breaks.empty()) {
            sequence(t, order);
            leaveBy = rules.latest(order, context(t), false);
        }
        due = backBy(trips[t].before, leaveBy);
    }
    return true;
}

/// When a trip must be back so that the next one can leave by a moment.
int64_t Plan::backBy(int32_t t, int64_t leaveBy) const {
    const Reload& reload = problem.types[trips[t].type].reloads[trips[t].reload];
    return reload.window.open + int64_t{reload.duration} > leaveBy
               ? -1
               : std::min<int64_t>(reload.window.close, leaveBy - reload.duration);
}

/// What a vehicle's trips ask for, from its first one on.
void Plan::dayOf(int32_t first, std::vector<Errand>& day) const {
    const VehicleType& type = problem.types[trips[first].type];
    day.clear();
    for (int32_t t = first; t >= 0; t = trips[t].after) {
        Errand& errand = day.emplace_back();
        sequence(t, errand.visits);
        errand.context = context(t);
        errand.context.ready = t == first ? type.shiftStart : 0;
        if (type.charging) errand.context.due = type.shiftEnd + type.overtime;
        for (int32_t v : errand.visits)
            errand.context.ready = std::max(errand.context.ready, problem.visits[v].release);
        if (trips[t].after >= 0) errand.reload = &type.reloads[trips[t].reload];
    }
}

/// Place the breaks of a vehicle that makes several trips.
bool Plan::rest(int32_t first) {
    const VehicleType& type = problem.types[trips[first].type];
    if (type.breaks.empty() || trips[first].after < 0) return true;
    thread_local std::vector<Errand> day;
    dayOf(first, day);
    const auto found = placeRests(rules, type, day, false);
    if (!found) return false;
    size_t k = 0;
    for (int32_t t = first; t >= 0; t = trips[t].after, ++k) {
        trips[t].rests = (*found)[k];
        if (type.charging) trips[t].due = trips[t].rests.due;
        if (t != first) trips[t].ready = trips[t].rests.earliest;
    }
    return true;
}

int32_t Plan::upgrade(int32_t t, int32_t visit, Money& extra) const {
    const Trip& trip = trips[t];
    if (problem.kin[trip.type].size() < 2 || problem.gains || trip.chained()) return -1;
    int32_t found = -1;
    for (int32_t other : problem.kin[trip.type]) {
        if (other == trip.type || !spare(other) || !problem.mayServe(other, visit)) continue;
        const VehicleType& kind = problem.types[other];
        if (kind.maxOrders >= 0 && trip.count >= kind.maxOrders) continue;
        bool fits = true;
        for (int d = 0; fits && d < problem.dimensions; ++d)
            fits = loads[t * problem.dimensions + d] + problem.delivered[visit * problem.dimensions + d] <=
                   problem.capacity[other * problem.dimensions + d];
        if (!fits) continue;
        const Money more = estimate(t, other) - estimate(t, trip.type);
        if ((found < 0 || more < extra) && mayDrive(other, t)) {
            found = other;
            extra = more;
        }
    }
    return found;
}

bool Plan::mayDrive(int32_t type, int32_t t) const {
    for (int32_t s = stops[startOf(t)].next; isVisit(s); s = stops[s].next)
        if (!problem.mayServe(type, s)) return false;
    return true;
}

void Plan::retype(int32_t t) {
    if (trips[t].count == 0 || trips[t].chained() || trips[t].locked > 0) return;
    for (size_t other = 0; other < problem.types.size(); ++other) {
        const auto type = static_cast<int32_t>(other);
        if (type == trips[t].type || !spare(type) || estimate(t, type) >= estimate(t, trips[t].type)) continue;
        tryType(t, type, true);
    }
}

/// Cost of a trip with a vehicle of another type, as long as it takes no longer.
Money Plan::estimate(int32_t t, int32_t type) const {
    const Trip& trip = trips[t];
    const VehicleType& kind = problem.types[type];
    int64_t metres = trip.distance;
    const VehicleType& own = problem.types[trip.type];
    if (kind.profile != own.profile) {
        metres = 0;
        int32_t at = kind.start;
        for (int32_t s = stops[startOf(t)].next; isVisit(s); s = stops[s].next) {
            metres += problem.distance(kind.profile, at, stops[s].location);
            at = stops[s].location;
        }
        metres += problem.distance(kind.profile, at, kind.end);
    } else if (kind.start != own.start || kind.end != own.end) {
        const Stop& first = stops[stops[startOf(t)].next];
        const Stop& last = stops[stops[endOf(t)].previous];
        metres += problem.distance(kind.profile, kind.start, first.location) - stops[startOf(t)].ahead +
                  problem.distance(kind.profile, last.location, kind.end) - last.ahead;
    }
    return kind.fixed + kind.perMetre * metres + kind.perSecond * (trip.back - trip.leave);
}

void Plan::tryType(int32_t t, int32_t type, bool onlyIfCheaper) {
    if (trips[t].chained() || trips[t].locked > 0 || !spare(type)) return;
    if ((problem.gains || problem.fits(type, &loads[t * problem.dimensions])) && mayDrive(type, t))
        changeType(t, type, onlyIfCheaper);
}

bool Plan::changeType(int32_t t, int32_t type, bool onlyIfCheaper) {
    touch(t);
    const int32_t old = trips[t].type;
    const Money before = trips[t].cost;
    const auto become = [&](int32_t kind) {
        Trip& trip = trips[t];
        use(trip, -1);
        if (problem.types[kind].profile != problem.types[trip.type].profile)
            for (int32_t s = startOf(t); s != endOf(t); s = stops[s].next) stops[s].ahead = kUnknown;
        trip.type = kind;
        trip.ready = problem.types[kind].shiftStart;
        trip.due = problem.types[kind].shiftEnd + problem.types[kind].overtime;
        use(trip, +1);
        placeEnds(t);
        return walk(t) && schedule(t);
    };
    if (become(type) && (!onlyIfCheaper || trips[t].cost < before)) return true;
    become(old);
    return false;
}

}  // namespace lastmile::routing
