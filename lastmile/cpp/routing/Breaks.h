#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "routing/Problem.h"
#include "routing/Rules.h"

namespace lastmile::routing {

/// Where the breaks of a vehicle that makes several trips lie about one of them, as ranges of the type's breaks:
/// [before, out) between loading and departure, [out, home) on the way; behind the return and ahead of the reload those
/// up to the next trip's `before`.
struct Rests {
    int32_t before = 0, out = 0, home = 0;
    Seconds due = 0;       // it must be back, for what is behind it
    Seconds idle = 0;      // it is loaded, and may rest
    Seconds ready = 0;     // it has rested, and may leave
    Seconds earliest = 0;  // it could be loaded then, wherever the breaks lie
};

/// One trip of a day whose breaks are not placed yet.
struct Errand {
    std::vector<int32_t> visits;
    Context context;                 // its `ready` whatever was before: the shift's begin, what it carries
    const Reload* reload = nullptr;  // behind it; null behind the last one
};

/// When the breaks [from, to) are over, each taken as early as it can be from `moment` on; -1 where one is too late.
Seconds rested(const VehicleType& type, int32_t from, int32_t to, Seconds moment);

/// Where the breaks lie about each trip of a day; nothing where they find no room.
///
/// Every way to divide them among the trips and the pauses between these is looked at, in a pause ahead of the reload
/// and behind it. Each trip is then as `Rules` schedules it with its breaks on the way, each pause as short as it can
/// be. Of all such days it is the one whose last trip is back first, of these the one with the least time out (of these
/// the shortest), and of these the one that takes most breaks early. Days that have come to the same moment with the
/// same breaks taken have the same future: one of them is kept (dynamic programming over trips and breaks taken).
///
/// A vehicle that charges on its way drives each trip as is cheapest and leaves time for what is behind it, wherever its
/// breaks lie there; of all such days it is first of all the one of which metres and last return cost least. `exactly`
/// over all ways, not only those that the search knows.
std::optional<std::vector<Rests>> placeRests(const Rules& rules, const VehicleType& type,
                                             std::span<const Errand> day, bool exactly);

}  // namespace lastmile::routing
