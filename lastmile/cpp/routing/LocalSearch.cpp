#include "routing/LocalSearch.h"

#include <algorithm>
#include <array>

namespace lastmile::routing {

namespace {

constexpr int32_t kChain = 3;  // longest chain of visits that moves as one

}  // namespace

LocalSearch::LocalSearch(Plan& plan, const Neighbours& neighbours, int32_t near, bool exhaustive)
    : plan(plan),
      problem(plan.problem),
      neighbours(neighbours),
      near(near),
      exhaustive(exhaustive),
      queued(plan.problem.visitCount(), 0) {
    for (const VehicleType& type : problem.types)
        rates.push_back({problem.profiles[type.profile], type.perMetre, type.perSecond, type.perOvertimeSecond == 0});
}

void LocalSearch::enqueue(std::initializer_list<int32_t> visits) {
    for (int32_t s : visits) {
        if (plan.isVisit(s) && !queued[s]) {
            queued[s] = 1;
            queue.push_back(s);
        }
    }
}

void LocalSearch::improve() {
    // A third of the ruins of a good plan are mended to what was there before.
    const auto& changed = plan.changed;
    const auto elsewhere = [&](int32_t s) { return plan.isVisit(s) && plan.moved(s); };
    if (std::none_of(changed.begin(), changed.end(), elsewhere)) return;
    queue.clear();
    for (int32_t s : changed) enqueue({s});
    descend();
}

void LocalSearch::improveAll() {
    queue.clear();
    for (int32_t s = 0; s < static_cast<int32_t>(problem.visitCount()); ++s) enqueue({s});
    descend();
}

void LocalSearch::descend() {
    for (size_t k = 0; k < queue.size(); ++k) {
        const int32_t u = queue[k];
        queued[u] = 0;
        while (plan.stops[u].trip >= 0 && (choose(u) || around(u) || split(u) || (exhaustive && exchangeFreely(u)))) {
        }
    }
}

/// A quick look at what `mayMove` asks.
bool LocalSearch::suits(int32_t visit, int32_t trip) const {
    return problem.mayServe(plan.trips[trip].type, visit);
}

/// Whether a trip may deliver so much more.
bool LocalSearch::holds(int32_t trip, int64_t more) const {
    return plan.trips[trip].load + more <= problem.capacity[plan.trips[trip].type * problem.dimensions];
}

bool LocalSearch::mayMove(int32_t visit, int32_t trip) const {
    return problem.visits[visit].partner < 0 && problem.mayServe(plan.trips[trip].type, visit) &&
           plan.stops[visit].position > plan.trips[plan.stops[visit].trip].locked;
}

int64_t LocalSearch::arc(int32_t trip, int32_t from, int32_t to) const {
    const VehicleType& type = problem.types[plan.trips[trip].type];
    return problem.distance(type.profile, plan.stops[from].location, plan.stops[to].location);
}

/// What a move costs by its arcs, at least: waiting is taken to vanish. New arcs are looked up all at once, as the
/// tables are seldom in a near cache and the processor then fetches them side by side.
class LocalSearch::Balance {
public:
    Balance(const LocalSearch& search, int32_t a, int32_t b)
        : search(search),
          plan(search.plan),
          ofA(search.rates[plan.trips[a].type]),
          ofB(search.rates[plan.trips[b].type]),
          tripA(a),
          cost(-plan.trips[a].waiting * ofA.perSecond - plan.trips[b].waiting * ofB.perSecond) {}

    /// Whether the arcs tell: by what both are charged alike.
    bool tells() const {
        return &ofA == &ofB ? ofA.overtimeIsFree
                            : ofA.tables.distance == ofB.tables.distance &&
                                  ofA.tables.duration == ofB.tables.duration && ofA.perSecond == ofB.perSecond &&
                                  ofA.overtimeIsFree && ofB.overtimeIsFree;
    }
    /// Without the arc behind a stop.
    void cut(int32_t stop) {
        const Stop& from = plan.stops[stop];
        cost -= (from.trip == tripA ? ofA : ofB).price(from.ahead, from.aheadTime);
    }
    /// So many metres are driven by B instead of A.
    void hand(int64_t metres) { cost += metres * (ofB.perMetre - ofA.perMetre); }
    void add(Money money) { cost += money; }
    /// With a new arc of A or B.
    void joinA(int32_t from, int32_t to) { join(ofA, from, to); }
    void joinB(int32_t from, int32_t to) { join(ofB, from, to); }
    bool saves() const { return cost < 0; }

private:
    const LocalSearch& search;
    const Plan& plan;
    const Rate &ofA, &ofB;
    const int32_t tripA;
    Money cost;

    void join(const Rate& rate, int32_t from, int32_t to) { cost += search.price(rate, from, to); }
};

bool LocalSearch::around(int32_t u) {
    int32_t looked = 0;
    for (int32_t v : neighbours.of(u)) {
        const Stop& U = plan.stops[u];
        const Stop& V = plan.stops[v];
        if (V.trip < 0 || (!suits(u, V.trip) && !suits(v, U.trip))) continue;
        if (looked++ >= near) break;
        const int32_t profile = problem.types[plan.trips[U.trip].type].profile;
        // Nearly every move that saves has a new arc here shorter than an old one at one of its ends (Lin & Kernighan).
        const int32_t before = plan.stops[U.previous].ahead, beforeV = plan.stops[V.previous].ahead;
        if ((exhaustive || problem.distanceInto(profile, V.location, U.location) < std::max(before, V.ahead)) &&
            (U.trip == V.trip ? shift(u, v, true) : reaches(v, u) && follow(v, u)))
            return true;
        if ((exhaustive || problem.distance(profile, U.location, V.location) < std::max(U.ahead, beforeV)) &&
            (U.trip == V.trip ? shift(u, v, false) : leadsTo(u, v) && precede(u, v)))
            return true;
    }
    return false;
}

/// Whether `u` can be in time behind `v` where nothing ahead of `v` changes.
bool LocalSearch::reaches(int32_t v, int32_t u) const {
    if (!problem.timed) return true;
    const Stop &V = plan.stops[v], &U = plan.stops[u];
    const int32_t profile = problem.types[plan.trips[V.trip].type].profile;
    return int64_t{V.depart} + problem.durationInto(profile, V.location, U.location) <= U.close;
}

/// Whether `v` can be in time behind `u` where nothing behind `v` changes.
bool LocalSearch::leadsTo(int32_t u, int32_t v) const {
    if (!problem.timed) return true;
    const Stop &U = plan.stops[u], &V = plan.stops[v];
    const int32_t profile = problem.types[plan.trips[V.trip].type].profile;
    return int64_t{U.open} + U.service + problem.duration(profile, U.location, V.location) <= V.latest;
}

bool LocalSearch::follow(int32_t v, int32_t u) {
    int32_t last = u;
    for (int32_t length = 1; length <= kChain && plan.isVisit(last); ++length) {
        if (moveChain(u, last, v)) return true;
        last = plan.stops[last].next;
    }
    if (exchangeTails(v, u)) return true;
    const int32_t w = plan.stops[v].next;
    if (!plan.isVisit(w)) return false;
    const int32_t u2 = plan.stops[u].next, w2 = plan.stops[w].next;
    return swapChains(u, u, w, w) || (plan.isVisit(u2) && swapChains(u, u2, w, w)) ||
           (plan.isVisit(w2) && swapChains(u, u, w, w2)) ||
           (plan.isVisit(u2) && plan.isVisit(w2) && swapChains(u, u2, w, w2));
}

bool LocalSearch::precede(int32_t u, int32_t v) {
    int32_t from = u;
    for (int32_t length = 1; length <= kChain && plan.isVisit(from); ++length) {
        if (moveChain(from, u, plan.stops[v].previous)) return true;
        from = plan.stops[from].previous;
    }
    if (exchangeTails(u, v)) return true;
    const int32_t w = plan.stops[v].previous;
    if (!plan.isVisit(w)) return false;
    const int32_t u2 = plan.stops[u].previous, w2 = plan.stops[w].previous;
    return swapChains(u, u, w, w) || (plan.isVisit(u2) && swapChains(u2, u, w, w)) ||
           (plan.isVisit(w2) && swapChains(u, u, w2, w)) ||
           (plan.isVisit(u2) && plan.isVisit(w2) && swapChains(u2, u, w2, w));
}

bool LocalSearch::moveChain(int32_t a, int32_t b, int32_t after) {
    const int32_t from = plan.stops[a].trip, to = plan.stops[after].trip;
    const int32_t p = plan.stops[a].previous, n = plan.stops[b].next, next = plan.stops[after].next;
    if (plan.stops[after].position < plan.trips[to].locked || !suits(a, to) || !suits(b, to)) return false;
    const bool empties = !plan.isVisit(p) && !plan.isVisit(n);
    if (empties && plan.trips[from].chained()) return false;
    if (!holds(to, plan.loadOf(a, b))) return false;
    Balance balance(*this, from, to);
    if (balance.tells()) {
        balance.cut(p);
        balance.cut(b);
        balance.cut(after);
        balance.hand(plan.metresBetween(a, b));
        if (empties) balance.add(-problem.types[plan.trips[from].type].fixed);
        balance.joinB(after, a);
        balance.joinB(b, next);
        if (!empties) balance.joinA(p, n);
        if (!balance.saves()) return false;
    }
    middle.clear();
    for (int32_t s = a;; s = plan.stops[s].next) {
        if (!mayMove(s, to)) return false;
        middle.push_back(s);
        if (s == b) break;
    }
    const Money now = plan.trips[from].bound + plan.trips[to].bound;
    const Money less = empties ? 0 : plan.spliced(p, {}, n);
    if (less == kNever) return false;
    const Money more = plan.spliced(after, middle, next);
    if (more == kNever || less + more >= now) return false;
    first.clear();
    second.clear();
    for (int32_t s = plan.stops[plan.startOf(from)].next; plan.isVisit(s); s = plan.stops[s].next) {
        if (s == a) s = b;
        else first.push_back(s);
    }
    for (int32_t s = plan.startOf(to); s != plan.endOf(to); s = plan.stops[s].next) {
        if (plan.isVisit(s)) second.push_back(s);
        if (s == after) second.insert(second.end(), middle.begin(), middle.end());
    }
    if (!apply(from, to)) return false;
    enqueue({p, n, a, b, after, next});
    return true;
}

bool LocalSearch::swapChains(int32_t a, int32_t lastA, int32_t b, int32_t lastB) {
    const int32_t tripA = plan.stops[a].trip, tripB = plan.stops[b].trip;
    const int32_t pA = plan.stops[a].previous, nA = plan.stops[lastA].next;
    const int32_t pB = plan.stops[b].previous, nB = plan.stops[lastB].next;
    if (!suits(a, tripB) || !suits(b, tripA)) return false;
    const int64_t shifted = plan.loadOf(a, lastA) - plan.loadOf(b, lastB);
    if (!holds(tripA, -shifted) || !holds(tripB, shifted)) return false;
    Balance balance(*this, tripA, tripB);
    if (balance.tells()) {
        balance.cut(pA);
        balance.cut(lastA);
        balance.cut(pB);
        balance.cut(lastB);
        balance.hand(plan.metresBetween(a, lastA) - plan.metresBetween(b, lastB));
        balance.joinA(pA, b);
        balance.joinA(lastB, nA);
        balance.joinB(pB, a);
        balance.joinB(lastA, nB);
        if (!balance.saves()) return false;
    }
    int32_t toA[2], toB[2];
    size_t sizeA = 0, sizeB = 0;
    for (int32_t s = b;; s = plan.stops[s].next) {
        if (!mayMove(s, tripA)) return false;
        toA[sizeA++] = s;
        if (s == lastB) break;
    }
    for (int32_t s = a;; s = plan.stops[s].next) {
        if (!mayMove(s, tripB)) return false;
        toB[sizeB++] = s;
        if (s == lastA) break;
    }
    const Money costA = plan.spliced(pA, {toA, sizeA}, nA);
    if (costA == kNever) return false;
    const Money costB = plan.spliced(pB, {toB, sizeB}, nB);
    if (costB == kNever || costA + costB >= plan.trips[tripA].bound + plan.trips[tripB].bound) return false;
    first.clear();
    second.clear();
    for (int32_t s = plan.stops[plan.startOf(tripA)].next; plan.isVisit(s); s = plan.stops[s].next) {
        if (s == a) {
            first.insert(first.end(), toA, toA + sizeA);
            s = lastA;
        } else {
            first.push_back(s);
        }
    }
    for (int32_t s = plan.stops[plan.startOf(tripB)].next; plan.isVisit(s); s = plan.stops[s].next) {
        if (s == b) {
            second.insert(second.end(), toB, toB + sizeB);
            s = lastB;
        } else {
            second.push_back(s);
        }
    }
    if (!apply(tripA, tripB)) return false;
    enqueue({pA, a, lastA, nA, pB, b, lastB, nB});
    return true;
}

bool LocalSearch::exchangeTails(int32_t head, int32_t tail) {
    // head goes on to tail, and what preceded tail goes on to what followed head.
    const int32_t tripA = plan.stops[head].trip, tripB = plan.stops[tail].trip;
    const Trip& A = plan.trips[tripA];
    const Trip& B = plan.trips[tripB];
    const VehicleType& typeA = problem.types[A.type];
    const VehicleType& typeB = problem.types[B.type];
    if (typeA.profile != typeB.profile) return false;
    const int32_t endA = plan.endOf(tripA), endB = plan.endOf(tripB);
    // Where the ends of the two differ, so do the arcs to them.
    const bool alike = typeA.exchangeable(typeB) && plan.stops[endA].location == plan.stops[endB].location;
    const int32_t after = plan.stops[head].next, before = plan.stops[tail].previous;
    if (A.paired + B.paired > 0 || plan.stops[after].position <= A.locked || plan.stops[tail].position <= B.locked)
        return false;
    const bool empties = !plan.isVisit(after) && !plan.isVisit(before);
    if (empties && (A.chained() || B.chained())) return false;
    const int64_t shifted = plan.loadBehind(head) - plan.loadBehind(before);
    if (!holds(tripA, -shifted) || !holds(tripB, shifted)) return false;
    Balance balance(*this, tripA, tripB);
    if (balance.tells()) {
        balance.cut(head);
        balance.cut(before);
        const int32_t lastA = plan.stops[endA].previous, lastB = plan.stops[endB].previous;
        const bool moves = plan.isVisit(after);  // anything to B
        if (!alike) {
            balance.cut(lastB);
            if (moves) balance.cut(lastA);
        }
        balance.hand((alike ? plan.metresBetween(after, endA) : moves ? plan.metresBetween(after, lastA) : 0) -
                      plan.metresBetween(tail, alike ? endB : lastB));
        if (empties) balance.add(-typeB.fixed);
        if (A.count == 0) balance.add(typeA.fixed);
        balance.joinA(head, tail);
        if (!empties) balance.joinB(before, alike || moves ? after : endB);
        if (!alike) {
            balance.joinA(lastB, endA);
            if (moves) balance.joinB(lastA, endB);
        }
        if (!balance.saves()) return false;
    }
    const auto joined = [&](int32_t from, int32_t on, int32_t end) {
        if (alike) return plan.spliced(from, {}, on);
        middle.clear();
        for (int32_t s = on; plan.isVisit(s); s = plan.stops[s].next) middle.push_back(s);
        return plan.spliced(from, middle, end);
    };
    const Money costA = joined(head, tail, endA);
    if (costA == kNever) return false;
    const Money costB = empties ? 0 : joined(before, after, endB);
    if (costB == kNever || costA + costB >= A.bound + B.bound) return false;
    first.clear();
    second.clear();
    bool passed = false;
    for (int32_t s = plan.stops[plan.startOf(tripA)].next; plan.isVisit(s); s = plan.stops[s].next) {
        (passed ? second : first).push_back(s);
        passed |= s == head;
    }
    passed = false;
    size_t into = 0;
    for (int32_t s = plan.stops[plan.startOf(tripB)].next; plan.isVisit(s); s = plan.stops[s].next) {
        passed |= s == tail;
        if (passed) {
            first.push_back(s);
        } else {
            second.insert(second.begin() + into++, s);
        }
    }
    for (int32_t s : first)
        if (!problem.mayServe(A.type, s)) return false;
    for (int32_t s : second)
        if (!problem.mayServe(B.type, s)) return false;
    if (!apply(tripA, tripB)) return false;
    enqueue({head, tail, after, before});
    return true;
}

/// The place of a trip that costs least for `coming` once `leaving` is gone, by arcs; where windows forbid none.
LocalSearch::Place LocalSearch::placeWithout(int32_t leaving, int32_t coming) const {
    const int32_t trip = plan.stops[leaving].trip, end = plan.endOf(trip);
    const int32_t previous = plan.stops[leaving].previous, next = plan.stops[leaving].next;
    const Rate& rate = rates[plan.trips[trip].type];
    const auto now = [&](int32_t s) { return rate.price(plan.stops[s].ahead, plan.stops[s].aheadTime); };
    const Money joined = price(rate, previous, next);
    const Money left = joined - now(previous) - now(leaving);
    Place best;
    int32_t s = plan.startOf(trip);
    for (int32_t k = plan.trips[trip].locked; k > 0; --k) s = plan.stops[s].next;
    for (; s != end; s = plan.stops[s].next) {
        const bool instead = s == previous;
        if (s == leaving || plan.tooLate(s, coming) || (!instead && plan.tooEarly(s, coming))) continue;
        const Money cost = left + price(rate, s, coming) + price(rate, coming, instead ? next : plan.stops[s].next) -
                           (instead ? joined : now(s));
        if (cost < best.cost) best = {cost, s};
    }
    return best;
}

/// `u` and a near visit of another trip change trips, each to the best place there (SWAP*; Vidal 2022,
/// doi:10.1016/j.cor.2021.105643).
bool LocalSearch::exchangeFreely(int32_t u) {
    const int32_t tripU = plan.stops[u].trip;
    const auto write = [&](int32_t leaving, int32_t coming, int32_t after, std::vector<int32_t>& into) {
        into.clear();
        const int32_t trip = plan.stops[leaving].trip;
        for (int32_t s = plan.startOf(trip); s != plan.endOf(trip); s = plan.stops[s].next) {
            if (plan.isVisit(s) && s != leaving) into.push_back(s);
            if (s == after) into.push_back(coming);
        }
    };
    int32_t looked = 0;
    for (int32_t v : neighbours.of(u)) {
        const int32_t tripV = plan.stops[v].trip;
        if (tripV < 0) continue;
        if (looked++ >= near) break;
        if (tripV == tripU || !mayMove(u, tripV) || !mayMove(v, tripU)) continue;
        const int64_t shifted = plan.stops[u].load - plan.stops[v].load;
        if (!holds(tripU, -shifted) || !holds(tripV, shifted)) continue;
        const Place forV = placeWithout(u, v);
        if (forV.after < 0) continue;
        const Place forU = placeWithout(v, u);
        if (forU.after < 0 || forV.cost + forU.cost >= 0) continue;
        write(u, v, forV.after, first);
        write(v, u, forU.after, second);
        const auto &U = plan.stops[u], &V = plan.stops[v];
        const std::array beside{U.previous, U.next, V.previous, V.next};
        if (!apply(tripU, tripV)) continue;
        for (int32_t s : beside) enqueue({s});
        enqueue({u, v, forV.after, forU.after});
        return true;
    }
    return false;
}

/// Another option of the same request takes the place of `u`.
bool LocalSearch::choose(int32_t u) {
    const Visit& visit = problem.visits[u];
    const int32_t trip = plan.stops[u].trip, p = plan.stops[u].previous, n = plan.stops[u].next;
    if (visit.partner >= 0 || plan.stops[u].position <= plan.trips[trip].locked) return false;
    for (int32_t v : problem.visitsOf(visit.request)) {
        if (v == u || !problem.mayServe(plan.trips[trip].type, v)) continue;
        Balance balance(*this, trip, trip);
        if (balance.tells()) {
            balance.cut(p);
            balance.cut(u);
            balance.add(plan.stops[v].cost - plan.stops[u].cost);
            balance.joinA(p, v);
            balance.joinA(v, n);
            if (!balance.saves()) continue;
        }
        if (plan.spliced(p, {&v, 1}, n) >= plan.trips[trip].bound) continue;
        const Money before = plan.cost;
        const auto replace = [&](int32_t old, int32_t now) {
            plan.unlink(old);
            plan.link(p, now);
            return plan.settle(trip);
        };
        if (replace(u, v) && plan.cost < before) {
            enqueue({p, v, n});
            return true;
        }
        replace(v, u);
    }
    return false;
}

/// What is from `u` on leaves for a vehicle of its own.
bool LocalSearch::split(int32_t u) {
    const int32_t trip = plan.stops[u].trip;
    const int32_t p = plan.stops[u].previous;
    if (!plan.isVisit(p) || plan.trips[trip].chained() || !plan.available(plan.trips[trip].type)) return false;
    Balance balance(*this, trip, trip);
    if (balance.tells()) {
        balance.cut(p);
        balance.add(problem.types[plan.trips[trip].type].fixed);
        balance.joinA(p, plan.endOf(trip));
        balance.joinA(plan.startOf(trip), u);
        if (!balance.saves()) return false;
    }
    const int32_t made = plan.openTrip({.type = plan.trips[trip].type});
    if (exchangeTails(plan.startOf(made), u)) return true;
    plan.settle(made);
    return false;
}

bool LocalSearch::apply(int32_t tripA, int32_t tripB) {
    const Money before = plan.cost;
    plan.touch(tripA);
    plan.touch(tripB);
    plan.sequence(tripA, oldFirst);
    plan.sequence(tripB, oldSecond);
    // What empties a trip comes first: it may be the last vehicle of its type.
    const bool better = second.empty() ? plan.assign(tripB, second) && plan.assign(tripA, first)
                                       : plan.assign(tripA, first) && plan.assign(tripB, second);
    if (better && plan.cost < before) return true;
    // The bounds of the search promised more than the rules allow.
    plan.assign(tripA, oldFirst);
    plan.assign(tripB, oldSecond);
    return false;
}

bool LocalSearch::rearrange(int32_t head, int32_t tail) {
    const int32_t trip = plan.stops[head].trip;
    if (plan.stops[head].position < plan.trips[trip].locked) return false;
    if (plan.spliced(head, middle, tail) >= plan.trips[trip].bound) return false;
    first.clear();
    if (plan.isVisit(head))
        for (int32_t s = plan.stops[plan.startOf(trip)].next;; s = plan.stops[s].next) {
            first.push_back(s);
            if (s == head) break;
        }
    first.insert(first.end(), middle.begin(), middle.end());
    for (int32_t s = tail; plan.isVisit(s); s = plan.stops[s].next) first.push_back(s);
    if (plan.trips[trip].paired > 0 && !inOrder()) return false;
    const Money before = plan.cost;
    plan.sequence(trip, oldFirst);
    if (plan.assign(trip, first) && plan.cost < before) return true;
    plan.assign(trip, oldFirst);
    return false;
}

/// Whether every pair's first visit comes first in the sequence.
bool LocalSearch::inOrder() const {
    for (auto s = first.begin(); s != first.end(); ++s)
        if (problem.visits[*s].leads && std::find(first.begin(), s, problem.visits[*s].partner) != s) return false;
    return true;
}

bool LocalSearch::shift(int32_t u, int32_t v, bool behind) {
    const int32_t trip = plan.stops[u].trip;
    const auto at = [&](int32_t s) { return plan.stops[s].position; };
    const auto take = [&](int32_t from, int32_t to) {
        for (int32_t s = from; s != to; s = plan.stops[s].next) middle.push_back(s);
    };
    const int32_t after = behind ? v : plan.stops[v].previous;
    int32_t far = u;
    for (int32_t length = 1; length <= kChain && plan.isVisit(far); ++length) {
        const int32_t a = behind ? u : far, b = behind ? far : u;
        if (at(after) >= at(a) && at(after) <= at(b)) break;
        const int32_t p = plan.stops[a].previous, n = plan.stops[b].next, next = plan.stops[after].next;
        if (after != p && arc(trip, p, n) + arc(trip, after, a) + arc(trip, b, next) <
                              plan.stops[p].ahead + plan.stops[b].ahead + plan.stops[after].ahead) {
            const bool later = at(after) > at(b);
            middle.clear();
            if (later) take(n, next);
            take(a, n);
            if (!later) take(next, a);
            if (rearrange(later ? p : after, later ? next : n)) {
                enqueue({p, n, a, b, after, next});
                return true;
            }
        }
        far = behind ? plan.stops[far].next : plan.stops[far].previous;
    }
    // Turning round what lies between makes them neighbours too (2-opt).
    const int32_t x = at(u) < at(v) ? u : v, y = at(u) < at(v) ? v : u;
    const bool inner = behind == (x == v);
    const int32_t head = inner ? x : plan.stops[x].previous;
    const int32_t tail = inner ? plan.stops[y].next : y;
    const int32_t from = plan.stops[head].next, to = plan.stops[tail].previous;
    if (from == to || arc(trip, head, to) + arc(trip, from, tail) >= plan.stops[head].ahead + plan.stops[to].ahead)
        return false;
    middle.clear();
    for (int32_t s = to; s != head; s = plan.stops[s].previous) middle.push_back(s);
    if (!rearrange(head, tail)) return false;
    enqueue({head, from, to, tail});
    return true;
}

}  // namespace lastmile::routing
