#include "routing/Rules.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace lastmile::routing {

namespace {

constexpr double kEnergySlack = 1e-6;  // watt-hours or seconds that rounding may cost
constexpr int64_t kBeyond = int64_t{8} * kTimeMax;

}  // namespace

/// A moment of a trip: its departure, the begin of a service or of a break, its return.
struct Rules::Link {
    int32_t visit = -1, rest = -1;
    int64_t open = 0, close = kBeyond;  // of what is not a visit
    int64_t lasts = 0;
    int64_t travel = 0;  // since the end of the link before
    int64_t time = 0;
};

/// A link begins at most so long after another one ends.
struct Rules::Limit {
    size_t since, to;
    int64_t seconds;
};

struct Rules::Chain {
    std::vector<Link> links;
    std::vector<Limit> limits;
    size_t leave = 0;
    int64_t back = kBeyond, left = 0;
    size_t rests = 0;  // taken on the way

    bool betterThan(const Chain& other) const {
        if (back != other.back) return back < other.back;
        if (left != other.left) return left > other.left;
        if (rests != other.rests) return rests > other.rests;
        // Then every service as early as can be, then every break.
        for (const bool visits : {true, false}) {
            for (size_t a = 0, b = 0;; ++a, ++b) {
                while (a < links.size() && (links[a].visit >= 0) != visits) ++a;
                while (b < other.links.size() && (other.links[b].visit >= 0) != visits) ++b;
                if (a >= links.size() || b >= other.links.size()) break;
                if (links[a].time != other.links[b].time) return links[a].time < other.links[b].time;
            }
        }
        return false;
    }
};

const Window* Rules::windowFrom(const Visit& visit, int64_t moment) const {
    const Window* window = problem.windows.data() + visit.firstWindow;
    for (int32_t k = 0; k < visit.windowCount; ++k, ++window)
        if (window->close >= moment) return window;
    return nullptr;
}

const Window* Rules::windowUntil(const Visit& visit, int64_t moment) const {
    const Window* window = problem.windows.data() + visit.firstWindow + visit.windowCount;
    for (int32_t k = 0; k < visit.windowCount; ++k)
        if ((--window)->open <= moment) return window;
    return nullptr;
}

Outcome Rules::evaluate(std::span<const int32_t> visits, const Context& context, std::vector<Halt>* halts) const {
    const VehicleType& type = problem.types[context.type];
    Outcome outcome;
    int32_t at = context.start;
    const bool rests = context.restsFrom < context.restsTo;
    bool limited = false;
    for (int32_t v : visits) {
        const Visit& visit = problem.visits[v];
        if (problem.duration(type.profile, at, visit.location) == kUnreachable) return outcome;
        outcome.distance += problem.distance(type.profile, at, visit.location);
        limited |= visit.onBoard >= 0;
        at = visit.location;
    }
    if (problem.duration(type.profile, at, context.end) == kUnreachable) return outcome;
    outcome.distance += problem.distance(type.profile, at, context.end);
    if (type.maxOrders >= 0 && static_cast<int64_t>(visits.size()) > type.maxOrders) return outcome;
    const double usable = type.battery.capacity - type.battery.reserve + kEnergySlack;
    if (type.electric && !type.charging && energy(visits, context) > usable)
        return outcome;
    const auto tooLong = [&type](int64_t duration) { return type.maxDuration >= 0 && duration > type.maxDuration; };
    // Home soonest may be out for too long, while breaks at other places leave a later and shorter trip.
    const auto restfulInTime = [&] {
        return restful(visits, context, outcome) && !tooLong(int64_t{outcome.back} - outcome.leave);
    };
    if (!(type.charging                            ? charged(visits, context, outcome, halts)
          : limited || (rests && halts != nullptr) ? linked(visits, context, outcome, halts)
          : rests ? restfulInTime() || (type.maxDuration >= 0 && linked(visits, context, outcome, nullptr))
                  : plain(visits, context, outcome, halts)))
        return outcome;
    if (type.maxDistance >= 0 && outcome.distance > type.maxDistance) return outcome;
    const int64_t duration = int64_t{outcome.back} - outcome.leave;
    // With charging it is limited in fractions.
    if (outcome.back > context.due || (!type.charging && tooLong(duration))) return outcome;
    const int64_t over = context.last ? std::max(0, outcome.back - type.shiftEnd) : 0;
    outcome.cost =
        outcome.distance * type.perMetre + duration * type.perSecond + over * type.perOvertimeSecond;
    outcome.feasible = true;
    return outcome;
}

/// Watt-hours of a trip that does not charge on its way.
double Rules::energy(std::span<const int32_t> visits, const Context& context) const {
    const VehicleType& type = problem.types[context.type];
    const Profile& profile = problem.profiles[type.givenProfile];
    double load = 0, sum = 0;
    if (type.battery.perMetreLoad > 0)
        for (int32_t v : visits) load += static_cast<double>(problem.delivered[v * problem.dimensions]);
    int32_t at = context.start;
    const auto drive = [&](int32_t to) {
        if (to < 0) return;
        const int32_t metres = profile.distance[at * problem.locations + to];
        const double base =
            profile.energy != nullptr ? profile.energy[at * problem.locations + to] : type.battery.perMetre * metres;
        sum += base + type.battery.perMetreLoad * load * metres;
        at = to;
    };
    for (int32_t v : visits) {
        drive(problem.visits[v].location);
        const size_t first = v * problem.dimensions;
        load += static_cast<double>(problem.gained[first] - problem.delivered[first]);
    }
    drive(context.end);
    return sum;
}

/// Without breaks and limits of times aboard: to drive on at once is best, and one pass each way is enough.
bool Rules::plain(std::span<const int32_t> visits, const Context& context, Outcome& outcome,
                  std::vector<Halt>* halts) const {
    const VehicleType& type = problem.types[context.type];
    int64_t now = context.ready;
    for (int32_t v : visits) now = std::max<int64_t>(now, problem.visits[v].release);
    int32_t at = context.start;
    for (int32_t v : visits) {
        const Visit& visit = problem.visits[v];
        now += problem.duration(type.profile, at, visit.location);
        const Window* window = windowFrom(visit, now);
        if (window == nullptr) return false;
        now = std::max<int64_t>(now, window->open) + visit.service;
        at = visit.location;
    }
    now += problem.duration(type.profile, at, context.end);
    if (now > context.due) return false;
    outcome.back = static_cast<Seconds>(now);
    at = context.end;
    for (size_t k = visits.size(); k-- > 0;) {
        const Visit& visit = problem.visits[visits[k]];
        now -= problem.duration(type.profile, visit.location, at) + visit.service;
        now = std::min<int64_t>(now, windowUntil(visit, now)->close);
        at = visit.location;
    }
    now -= problem.duration(type.profile, context.start, at);
    outcome.leave = static_cast<Seconds>(now);
    if (halts != nullptr) {
        halts->clear();
        at = context.start;
        for (int32_t v : visits) {
            const Visit& visit = problem.visits[v];
            now += problem.duration(type.profile, at, visit.location);
            const int64_t begin = std::max<int64_t>(now, windowFrom(visit, now)->open);
            halts->push_back({.visit = v,
                              .arrive = static_cast<double>(now),
                              .begin = static_cast<double>(begin),
                              .depart = static_cast<double>(begin + visit.service)});
            now = begin + visit.service;
            at = visit.location;
        }
    }
    return true;
}

/// A trip as charging sees it.
struct Rules::ElectricTrip {
    std::span<const Charging::Step> steps;  // the visits, and the depot that it returns to
    Charging::Duties duties;
};

/// Valid until the next call.
Rules::ElectricTrip Rules::electric(std::span<const int32_t> visits, const Context& context,
                                    const std::array<int32_t, 2>& home) const {
    thread_local std::vector<Charging::Step> steps;
    thread_local std::vector<Charging::Rest> rests;
    thread_local std::vector<Charging::Limit> limits;
    steps.clear();
    rests.clear();
    limits.clear();
    const VehicleType& type = problem.types[context.type];
    double load = 0;
    for (int32_t v : visits) load += static_cast<double>(problem.delivered[v * problem.dimensions]);
    for (size_t k = 0; k < visits.size(); ++k) {
        const int32_t v = visits[k];
        const Visit& visit = problem.visits[v];
        steps.push_back({problem.placeOf[visit.location],
                         {problem.opening.data() + visit.firstWindow, static_cast<size_t>(visit.windowCount)},
                         static_cast<double>(visit.service),
                         load});
        const size_t first = v * problem.dimensions;
        load += static_cast<double>(problem.gained[first] - problem.delivered[first]);
        if (visit.onBoard < 0 || visit.leads) continue;
        const auto since = std::find(visits.begin(), visits.end(), visit.partner);
        limits.push_back({since == visits.end() ? -1 : static_cast<int32_t>(since - visits.begin()),
                          static_cast<int32_t>(k), static_cast<double>(visit.onBoard)});
    }
    if (context.end >= 0) steps.push_back({problem.placeOf[context.end], {&home, 1}, 0.0, load});
    for (int32_t b = context.restsFrom; b < context.restsTo; ++b) {
        const Break& rest = type.breaks[b];
        rests.push_back({static_cast<double>(rest.window.open), static_cast<double>(rest.window.close - rest.duration),
                         static_cast<double>(rest.duration)});
    }
    Charging::Duties duties{.rests = rests,
                            .limits = limits,
                            .closed = context.end >= 0,
                            .offDuty = context.around,
                            .idle = static_cast<double>(context.idle)};
    if (type.maxDistance >= 0) duties.mostMetres = static_cast<double>(type.maxDistance);
    if (type.maxDuration >= 0) duties.mostSeconds = static_cast<double>(type.maxDuration);
    return {steps, duties};
}

int64_t Rules::latest(std::span<const int32_t> visits, const Context& context, bool exactly) const {
    const std::array<int32_t, 2> home{0, context.due};
    const auto [trip, duties] = electric(visits, context, home);
    if (trip.empty()) return context.due;
    const Charging& charging = *problem.types[context.type].charging;
    const int32_t origin = problem.placeOf[context.start];
    const auto depth = exactly ? Charging::Depth::all : Charging::Depth::chosen;
    const double found = !duties.none() ? charging.latest(origin, trip, duties, context.due, depth)
                         : exactly      ? charging.latestExactly(origin, trip, context.due)
                                        : charging.latest(origin, trip, context.due);
    return found < 0 ? -1 : static_cast<int64_t>(std::floor(found + kEnergySlack));
}

/// Whether one battery is enough for a trip all of whose direct ways are the shortest and the fastest there are.
bool Rules::lasts(std::span<const int32_t> visits, const Context& context) const {
    const VehicleType& type = problem.types[context.type];
    int32_t at = context.start;
    const auto direct = [&](int32_t to) {
        const bool same = problem.distance(type.profile, at, to) == problem.distance(type.givenProfile, at, to) &&
                          problem.duration(type.profile, at, to) == problem.duration(type.givenProfile, at, to);
        at = to;
        return same;
    };
    for (int32_t v : visits)
        if (!direct(problem.visits[v].location)) return false;
    return direct(context.end) && energy(visits, context) <= type.battery.capacity - type.battery.reserve;
}

/// With chargers on the way: labels over them, for this order of visits (see Charging.h).
bool Rules::charged(std::span<const int32_t> visits, const Context& context, Outcome& outcome,
                    std::vector<Halt>* halts) const {
    const Charging& charging = *problem.types[context.type].charging;
    thread_local Charging::Scratch scratch;
    Seconds ready = context.ready;
    for (int32_t v : visits) ready = std::max(ready, problem.visits[v].release);
    const std::array<int32_t, 2> home{0, context.due};
    const auto [steps, duties] = electric(visits, context, home);
    const int32_t origin = problem.placeOf[context.start];
    const auto keeps = [&duties](double metres, double departs, double returns) {
        return metres <= duties.mostMetres && returns - departs <= duties.mostSeconds + kEnergySlack;
    };
    // What is best without limits of the whole trip, and keeps them, is best.
    const bool simple = duties.rests.empty() && duties.limits.empty();
    const auto tell = [&](double metres, double departs, double returns) {
        outcome.distance = static_cast<int64_t>(metres);
        outcome.back = static_cast<Seconds>(std::ceil(returns - kEnergySlack));
        outcome.leave = static_cast<Seconds>(std::floor(departs + kEnergySlack));
        return true;
    };
    if (halts == nullptr) {
        // Most trips can do without labels for breaks and times aboard: those that need not charge. To rest at a charger
        // all the same may bring them home sooner; that is left to the schedule.
        if (!simple && lasts(visits, context) &&
            (duties.limits.empty() ? restful(visits, context, outcome) : linked(visits, context, outcome, nullptr)) &&
            keeps(static_cast<double>(outcome.distance), outcome.leave, outcome.back))
            return true;
        auto trip = charging.drive(origin, steps, ready, context.due, kForever, scratch);
        if (!trip) return false;
        if (!simple || !keeps(trip->metres, trip->departs, trip->returns))
            trip = charging.drive(origin, steps, duties, ready, context.due);
        return trip && tell(trip->metres, trip->departs, trip->returns);
    }
    std::optional<Charging::Schedule> schedule;
    if (simple) {
        schedule = charging.schedule(origin, steps, ready, context.due, scratch);
        if (!schedule) return false;
    }
    if (!schedule || !keeps(static_cast<double>(schedule->metres), schedule->departs, schedule->returns))
        schedule = charging.schedule(origin, steps, duties, ready, context.due);
    if (!schedule) return false;
    tell(static_cast<double>(schedule->metres), schedule->departs, schedule->returns);
    outcome.departs = schedule->departs;
    outcome.returns = schedule->returns;
    halts->clear();
    for (const Charging::Halt& halt : schedule->halts) {
        if (halt.step == static_cast<int32_t>(visits.size())) continue;  // the depot
        halts->push_back({.visit = halt.step < 0 ? -1 : visits[halt.step],
                          .rest = halt.rest < 0 ? -1 : context.restsFrom + halt.rest,
                          .charger = halt.charger,
                          .arrive = halt.arrives,
                          .begin = halt.begins,
                          .depart = halt.departs});
    }
    return true;
}

/// Return and departure with breaks, but without limits of times aboard: who is earlier with as many breaks taken has
/// nothing to lose, so one moment for each number of them is enough, forwards for the return and back for the departure.
bool Rules::restful(std::span<const int32_t> visits, const Context& context, Outcome& outcome) const {
    const VehicleType& type = problem.types[context.type];
    const size_t breaks = context.restsTo - context.restsFrom;
    const Break* rests = type.breaks.data() + context.restsFrom;
    const auto latestBegin = [&](size_t b) { return int64_t{rests[b].window.close} - rests[b].duration; };
    thread_local std::vector<int64_t> early, start, late;  // by breaks taken; kBeyond or -kBeyond where it cannot be
    // A chance to rest.
    const auto rest = [&] {
        for (size_t b = 0; b < breaks; ++b) {
            const int64_t begin = std::max<int64_t>(early[b], rests[b].window.open);
            if (begin <= latestBegin(b)) early[b + 1] = std::min(early[b + 1], begin + rests[b].duration);
        }
    };
    int64_t ready = context.ready;
    for (int32_t v : visits) ready = std::max<int64_t>(ready, problem.visits[v].release);
    early.assign(breaks + 1, kBeyond);
    if (context.around) {
        early[0] = context.idle;
        rest();
    }
    early[0] = ready;
    for (int64_t& moment : early)
        if (moment < kBeyond) moment = std::max(moment, ready);
    start = early;
    const bool open = context.end < 0;
    int32_t at = context.start;
    for (size_t k = 0; k < visits.size(); ++k) {
        const Visit& visit = problem.visits[visits[k]];
        const Seconds travel = problem.duration(type.profile, at, visit.location);
        bool possible = false;
        for (int64_t& moment : early)
            if (moment < kBeyond) moment += travel;
        rest();
        for (int64_t& moment : early) {
            if (moment >= kBeyond) continue;
            const Window* window = windowFrom(visit, moment);
            moment = window == nullptr ? kBeyond : std::max<int64_t>(moment, window->open) + visit.service;
            possible |= window != nullptr;
        }
        if (!possible) return false;
        if (!open || k + 1 < visits.size()) rest();
        at = visit.location;
    }
    const Seconds last = problem.duration(type.profile, at, context.end);
    // Windows are apart: if there is time for the next break behind the return, there is for the others.
    const auto finishes = [&](size_t b, int64_t back) {
        return back <= context.due && (b == breaks || (context.around && back <= latestBegin(b)));
    };
    int64_t back = kBeyond;
    for (size_t b = 0; b <= breaks; ++b)
        if (early[b] < kBeyond && finishes(b, early[b] + last)) back = std::min(back, early[b] + last);
    if (back == kBeyond) return false;

    late.assign(breaks + 1, -kBeyond);
    for (size_t b = 0; b <= breaks; ++b)
        if (finishes(b, back)) late[b] = back - last;
    const auto restBefore = [&] {
        for (size_t b = breaks; b-- > 0;) {
            const int64_t begin = std::min(latestBegin(b), late[b + 1] - rests[b].duration);
            if (begin >= rests[b].window.open) late[b] = std::max(late[b], begin);
        }
    };
    for (size_t k = visits.size(); k-- > 0;) {
        const Visit& visit = problem.visits[visits[k]];
        if (!open || k + 1 < visits.size()) restBefore();
        for (int64_t& moment : late) {
            if (moment <= -kBeyond) continue;
            const Window* window = windowUntil(visit, moment - visit.service);
            moment = window == nullptr ? -kBeyond : std::min<int64_t>(moment - visit.service, window->close);
        }
        restBefore();
        const Seconds travel =
            problem.duration(type.profile, k > 0 ? problem.visits[visits[k - 1]].location : context.start, visit.location);
        for (int64_t& moment : late)
            if (moment > -kBeyond) moment -= travel;
    }
    int64_t left = -kBeyond;
    for (size_t b = 0; b <= breaks; ++b)
        if (start[b] <= late[b]) left = std::max(left, late[b]);
    outcome.back = static_cast<Seconds>(back);
    outcome.leave = static_cast<Seconds>(left);
    return true;
}

/// Tries every place of every break: gap 0 is before the departure, 2i+1 before the service of visit i, 2i+2 behind it,
/// the last one after the return. Where a window cannot reach a gap, it is not tried.
bool Rules::linked(std::span<const int32_t> visits, const Context& context, Outcome& outcome,
                   std::vector<Halt>* halts) const {
    const VehicleType& type = problem.types[context.type];
    const auto count = static_cast<int32_t>(visits.size());
    const bool open = context.end < 0;
    const int32_t over = 2 * count + (open ? 0 : 1);
    thread_local std::vector<int64_t> soonest;  // by gap
    soonest.assign(over + 1, 0);
    int64_t now = context.ready;
    for (int32_t v : visits) now = std::max<int64_t>(now, problem.visits[v].release);
    int32_t at = context.start;
    for (int32_t k = 0; k < count; ++k) {
        const Visit& visit = problem.visits[visits[k]];
        now += problem.duration(type.profile, at, visit.location);
        soonest[2 * k + 1] = now;
        const Window* window = windowFrom(visit, now);
        if (window == nullptr) return false;
        now = std::max<int64_t>(now, window->open) + visit.service;
        if (2 * k + 2 <= over) soonest[2 * k + 2] = now;
        at = visit.location;
    }
    if (now + problem.duration(type.profile, at, context.end) > context.due) return false;
    const size_t breaks = context.restsTo - context.restsFrom;
    const int32_t firstGap = context.around ? 0 : 1;
    const int32_t lastGap = context.around ? over : over - 1;
    if (breaks > 0 && firstGap > lastGap) return false;
    const Break* rests = type.breaks.data() + context.restsFrom;
    std::vector<int32_t> gaps(breaks, firstGap);
    Chain best, chain;
    for (;;) {
        bool reached = true;
        for (size_t b = 0; reached && b < breaks; ++b)
            reached = gaps[b] == 0 || gaps[b] == over ||
                      soonest[gaps[b]] <= int64_t{rests[b].window.close} - rests[b].duration;
        if (reached && chained(chain, visits, context, gaps) &&
            (type.maxDuration < 0 || chain.back - chain.left <= type.maxDuration) && chain.betterThan(best))
            std::swap(best, chain);
        // The next ascending tuple of gaps.
        size_t b = breaks;
        while (b > 0 && gaps[b - 1] == lastGap) --b;
        if (b == 0) break;
        const int32_t next = gaps[b - 1] + 1;
        std::fill(gaps.begin() + b - 1, gaps.end(), next);
    }
    if (best.back == kBeyond || best.back > context.due) return false;
    outcome.back = static_cast<Seconds>(best.back);
    outcome.leave = static_cast<Seconds>(best.left);
    if (halts != nullptr) {
        halts->clear();
        int64_t arrive = 0;
        for (size_t k = best.leave + 1; k + 1 < best.links.size(); ++k) {
            const Link& link = best.links[k];
            const Link& before = best.links[k - 1];
            // What follows a break at the same stop arrived before it.
            if (link.travel > 0 || before.rest < 0) arrive = before.time + before.lasts + link.travel;
            const int64_t arrives = link.rest >= 0 ? link.time : arrive;
            halts->push_back({.visit = link.visit,
                              .rest = link.rest,
                              .arrive = static_cast<double>(arrives),
                              .begin = static_cast<double>(link.time),
                              .depart = static_cast<double>(link.time + link.lasts)});
        }
    }
    return true;
}

bool Rules::chained(Chain& chain, std::span<const int32_t> visits, const Context& context,
                    std::span<const int32_t> gaps) const {
    const VehicleType& type = problem.types[context.type];
    const auto count = static_cast<int32_t>(visits.size());
    const int32_t over = 2 * count + (context.end < 0 ? 0 : 1);
    std::vector<Link>& links = chain.links;
    links.clear();
    chain.limits.clear();
    chain.rests = 0;
    int64_t backBy = kBeyond;
    size_t b = 0;
    const auto rests = [&](int32_t gap, int64_t travel) {
        for (; b < gaps.size() && gaps[b] == gap; ++b) {
            const size_t index = context.restsFrom + b;
            const Break& rest = type.breaks[index];
            if (gap == over) {
                backBy = std::min<int64_t>(backBy, int64_t{rest.window.close} - rest.duration);
                continue;
            }
            links.push_back({.rest = static_cast<int32_t>(index),
                             .open = gap == 0 ? std::max(rest.window.open, context.idle) : rest.window.open,
                             .close = int64_t{rest.window.close} - rest.duration,
                             .lasts = rest.duration,
                             .travel = travel});
            chain.rests += gap > 0;
            travel = 0;
        }
        return travel;
    };
    rests(0, 0);
    chain.rests = b;
    chain.leave = links.size();
    int64_t ready = context.ready;
    for (int32_t v : visits) ready = std::max<int64_t>(ready, problem.visits[v].release);
    links.push_back({.open = ready});
    int32_t at = context.start;
    for (int32_t k = 0; k < count; ++k) {
        const Visit& visit = problem.visits[visits[k]];
        const int64_t travel = rests(2 * k + 1, problem.duration(type.profile, at, visit.location));
        if (visit.onBoard >= 0) {
            size_t since = chain.leave;
            if (visit.partner >= 0)
                while (since < links.size() && links[since].visit != visit.partner) ++since;
            chain.limits.push_back({since, links.size(), visit.onBoard});
        }
        links.push_back({.visit = visits[k], .lasts = visit.service, .travel = travel});
        if (2 * k + 2 < over) rests(2 * k + 2, 0);
        at = visit.location;
    }
    rests(over, 0);
    links.push_back({.close = backBy, .travel = problem.duration(type.profile, at, context.end)});

    // Push all moments up until nothing moves; what passes the day's end never settles.
    const auto up = [&](const Link& link, int64_t moment) {
        if (link.visit < 0) return std::max(moment, link.open) > link.close ? kBeyond : std::max(moment, link.open);
        const Window* window = windowFrom(problem.visits[link.visit], moment);
        return window == nullptr ? kBeyond : std::max<int64_t>(moment, window->open);
    };
    const auto pushUp = [&] {
        for (bool moved = true; moved;) {
            moved = false;
            for (size_t k = 0; k < links.size(); ++k) {
                int64_t moment = links[k].time;
                if (k > 0) moment = std::max(moment, links[k - 1].time + links[k - 1].lasts + links[k].travel);
                moment = up(links[k], moment);
                if (moment > context.due && k >= chain.leave) return false;
                if (moment >= kBeyond) return false;
                moved |= moment != links[k].time;
                links[k].time = moment;
            }
            for (const Limit& limit : chain.limits) {
                const int64_t moment = links[limit.to].time - limit.seconds - links[limit.since].lasts;
                if (moment > links[limit.since].time) {
                    links[limit.since].time = moment;
                    moved = true;
                }
            }
        }
        return true;
    };
    for (Link& link : links) link.time = 0;
    if (!pushUp()) return false;
    chain.back = links.back().time;

    // With the return held there, push them down: the latest departure.
    for (size_t k = 0; k + 1 < links.size(); ++k) links[k].time = kBeyond;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t k = links.size() - 1; k-- > 0;) {
            int64_t moment = std::min(links[k].time, links[k + 1].time - links[k + 1].travel - links[k].lasts);
            moment = links[k].visit < 0 ? std::min(moment, links[k].close)
                                        : std::min<int64_t>(moment, windowUntil(problem.visits[links[k].visit], moment)->close);
            moved |= moment != links[k].time;
            links[k].time = moment;
        }
        for (const Limit& limit : chain.limits) {
            const int64_t moment = links[limit.since].time + links[limit.since].lasts + limit.seconds;
            if (moment < links[limit.to].time) {
                links[limit.to].time = moment;
                moved = true;
            }
        }
    }
    chain.left = links[chain.leave].time;

    // And with the departure there, everything else as early as can be.
    for (size_t k = 0; k < links.size(); ++k) links[k].time = k == chain.leave ? chain.left : 0;
    return pushUp();
}

}  // namespace lastmile::routing
