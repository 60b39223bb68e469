#pragma once

#include <algorithm>
#include <cstdint>

#include "routing/Problem.h"

namespace lastmile::routing {

/// Time of a part of a trip, driven without avoidable waiting.
///
/// Vidal, Crainic, Gendreau & Prins (2013), section 4.2, doi:10.1016/j.cor.2012.07.018, without time warp: parts that
/// cannot be driven in time are not merged.
struct TimeSegment {
    int64_t duration = 0;
    int64_t early = -kTimeMax;  // beginning earlier does not end earlier
    int64_t late = kTimeMax;    // beginning later is too late
    int64_t release = 0;        // the trip may not leave earlier

    static TimeSegment of(const Visit& visit) { return {visit.service, visit.open, visit.close, visit.release}; }

    /// Whether `next`, begun `travel` after this ends, can be in time; then `next` is appended.
    bool append(int64_t travel, const TimeSegment& next) {
        const int64_t delta = duration + travel;
        if (early + delta > next.late) return false;
        const int64_t wait = std::max<int64_t>(0, next.early - delta - late);
        duration = delta + wait + next.duration;
        early = std::max(next.early - delta, early) - wait;
        late = std::min(next.late - delta, late);
        release = std::max(release, next.release);
        return true;
    }
};

/// One dimension of the load of a part of a trip.
struct LoadSegment {
    int64_t delivered = 0;  // aboard from the depot, taken off within
    int64_t gained = 0;     // put aboard less taken off otherwise
    int64_t peak = 0;       // greatest load within, when just what is delivered within is aboard at its beginning

    static LoadSegment of(const Problem& problem, int32_t visit, int dimension) {
        const size_t at = static_cast<size_t>(visit) * problem.dimensions + dimension;
        const int64_t delivered = problem.delivered[at], gained = problem.gained[at];
        return {delivered, gained, std::max({delivered, gained, int64_t{0}})};
    }

    LoadSegment then(const LoadSegment& next) const {
        return {delivered + next.delivered, gained + next.gained,
                std::max(peak + next.delivered, next.peak + gained)};
    }
};

}  // namespace lastmile::routing
