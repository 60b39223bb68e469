#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/Problem.h"

namespace lastmile::routing {

/// What a trip's vehicle brings to it.
struct Context {
    int32_t type;
    int32_t start, end;  // locations; end -1: it ends at its last visit
    Seconds ready, due;  // it may leave; it must be back
    bool last = true;    // of the vehicle's day
    int32_t restsFrom = 0, restsTo = 0;  // of the type's breaks: these are its matter
    bool around = true;  // whether they may lie ahead of the departure and behind the return too
    Seconds idle = 0;    // from when on they may lie ahead of the departure
};

/// What one trip costs and when it is back; where charging makes fractions of seconds, rounded outwards.
struct Outcome {
    bool feasible = false;
    int64_t distance = 0;
    Seconds leave = 0, back = 0;
    double departs = -1, returns = -1;  // the same in fractions, of a schedule with charging
    Money cost = 0;  // distance, time and overtime; not the vehicle's fixed cost, not the options
};

/// One halt of a schedule.
struct Halt {
    int32_t visit = -1;
    int32_t rest = -1;     // of the type's breaks
    int32_t charger = -1;  // of the problem's
    double arrive, begin, depart;
};

/// The exact evaluation of one trip: the one place that knows the rules which the search does not see (several windows,
/// breaks, time on board, batteries). The search asks only for what its own bounds let through.
///
/// Of the schedules that obey every rule it takes those that are back first, and of these the one that leaves last.
/// Once it is fixed between which stops each break lies, a trip is a simple temporal problem (Dechter, Meiri & Pearl
/// 1991, doi:10.1016/0004-3702(91)90006-6) with windows; its earliest and latest times are fixed points.
class Rules {
public:
    explicit Rules(const Problem& problem) : problem(problem) {}

    /// Loads are not looked at. With `halts` the schedule is written down too.
    Outcome evaluate(std::span<const int32_t> visits, const Context& context, std::vector<Halt>* halts = nullptr) const;

    /// The latest whole second at which a vehicle that charges on its way may be ready for a trip, whatever is before it:
    /// over the ways that the search knows or, `exactly`, over all. Below 0 where it cannot be back in time.
    int64_t latest(std::span<const int32_t> visits, const Context& context, bool exactly) const;

private:
    struct Link;
    struct Limit;
    struct Chain;

    const Problem& problem;

    double energy(std::span<const int32_t> visits, const Context& context) const;
    bool plain(std::span<const int32_t> visits, const Context& context, Outcome& outcome,
               std::vector<Halt>* halts) const;
    bool linked(std::span<const int32_t> visits, const Context& context, Outcome& outcome,
                std::vector<Halt>* halts) const;
    bool restful(std::span<const int32_t> visits, const Context& context, Outcome& outcome) const;
    struct ElectricTrip;
    ElectricTrip electric(std::span<const int32_t> visits, const Context& context,
                          const std::array<int32_t, 2>& home) const;
    bool charged(std::span<const int32_t> visits, const Context& context, Outcome& outcome,
                 std::vector<Halt>* halts) const;
    bool lasts(std::span<const int32_t> visits, const Context& context) const;
    bool chained(Chain& chain, std::span<const int32_t> visits, const Context& context,
                 std::span<const int32_t> gaps) const;
    const Window* windowFrom(const Visit& visit, int64_t moment) const;
    const Window* windowUntil(const Visit& visit, int64_t moment) const;
};

}  // namespace lastmile::routing
