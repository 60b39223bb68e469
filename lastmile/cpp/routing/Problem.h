#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "routing/Charging.h"

namespace lastmile::routing {

/// Whatever unit the caller counts in; all sums fit 64 bits.
using Money = int64_t;
constexpr Money kNever = std::numeric_limits<Money>::max() / 4;

using Seconds = int32_t;
constexpr Seconds kUnreachable = std::numeric_limits<int32_t>::max();
constexpr Seconds kTimeMax = 1 << 30;

/// Travel tables, row = origin; owned by whoever made the problem, so that none is copied.
struct Profile {
    const int32_t* duration;
    const int32_t* distance;
    const int32_t* energy;  // null: by the metre
    bool symmetric = false;  // metres and seconds are the same in both directions; set by `complete`

    /// Where the way between two places stands, in the row of the second one if that has it too: whoever asks for many
    /// first ones finds them near each other in memory.
    size_t cellInto(size_t locations, int32_t from, int32_t to) const {
        return symmetric ? to * locations + from : from * locations + to;
    }
};

struct Window {
    Seconds open, close;
};

/// A way to serve a request: an option of an order.
struct Visit {
    int32_t location;
    int32_t request;
    Seconds open, close;   // from its first window's begin to its last one's end
    Seconds service;
    Seconds release;       // its trip may not leave earlier
    Seconds onBoard;       // from departure, or from its pair's first visit; -1: no limit
    int32_t partner = -1;  // of a pair: the other visit
    bool leads = false;    // of a pair: comes first
    int32_t firstWindow, windowCount;
    Money cost;
};

/// What is served at most once, by one of its visits; a pair has two, and both are served.
struct Request {
    int32_t firstVisit;
    int32_t visitCount;
    bool pair = false;
    bool required = true;
    Money price = 0;  // of leaving it out
};

struct Break {
    Window window;
    Seconds duration;
};

struct Reload {
    int32_t location;
    Seconds duration;
    Window window;

    /// When it is over for a vehicle that comes at `moment`, in time for the window.
    Seconds done(Seconds moment) const { return std::max(moment, window.open) + duration; }
};

struct Battery {
    double capacity, reserve, perMetre, perMetreLoad, secondsPerWh;
    bool fullOnly;

    bool operator==(const Battery&) const = default;
};

struct VehicleType {
    int32_t count;
    int32_t start, end;  // locations; end -1: open
    int32_t profile;       // in which the search measures arcs
    int32_t givenProfile;  // whose arcs are driven
    Seconds shiftStart, shiftEnd, overtime;
    Money fixed, perMetre, perSecond, perOvertimeSecond;
    int64_t maxDistance, maxDuration, maxOrders;
    int32_t maxTrips;
    std::vector<Reload> reloads;
    std::vector<Break> breaks;
    std::vector<int32_t> pools;
    bool electric = false;
    Battery battery{};
    std::shared_ptr<const Charging> charging;  // null where it cannot charge on its way

    /// Whether the other one can take over a trip as it stands, but for capacity, limits and cost.
    bool exchangeable(const VehicleType& other) const {
        return start == other.start && end == other.end && profile == other.profile &&
               shiftStart == other.shiftStart && shiftEnd == other.shiftEnd && overtime == other.overtime;
    }
};

/// A vehicle-routing problem, checked in Python; what can overflow is checked here.
class Problem {
public:
    size_t locations = 0;
    int dimensions = 1;
    std::vector<Profile> profiles;
    std::vector<VehicleType> types;
    std::vector<Visit> visits;
    std::vector<Window> windows;
    std::vector<Request> requests;
    std::vector<int32_t> requestVisits;  // of each request, from firstVisit on
    std::vector<int64_t> capacity;       // (types, dimensions)
    std::vector<int64_t> delivered;      // (visits, dimensions): aboard from the depot until here
    std::vector<int64_t> gained;         // (visits, dimensions): net change of the rest of the load here
    std::vector<uint8_t> allowed;        // (types, visits)
    std::vector<int32_t> poolSize;
    std::vector<int32_t> chargers;       // locations

    /// Of each type, those that may take over its trips: they differ in capacity and cost alone, cheapest first.
    std::vector<std::vector<int32_t>> kin;

    /// What the search must look at; set by `complete`.
    bool timed = false;     // windows, shifts or durations can bind
    bool segmented = false; // cost or limits hang on durations, or trips on each other: merges time segments
    bool gains = false;     // loads rise on the way: merges load segments
    bool exact = false;     // rules that only the exact evaluation of a trip sees
    bool trips = false;     // some vehicles make several
    bool paired = false;
    bool selective = false; // some types may not serve all visits

    /// Derive the flags, and what batteries and chargers come to: vehicles that can charge on their way get a profile
    /// of their own, in which every arc is the shortest and the fastest way over any chargers. Throws std::invalid_argument when sums could
    /// overflow.
    void complete();

    size_t visitCount() const { return visits.size(); }
    /// Visits for each one that a plan which serves all uses, rounded up; 8 at most.
    int64_t meanOptions() const;
    /// Vehicles for each one that may serve a visit, on the mean, rounded up; 4 at most.
    int64_t meanSelection() const;
    std::span<const int32_t> visitsOf(int32_t request) const {
        const Request& r = requests[request];
        return {requestVisits.data() + r.firstVisit, static_cast<size_t>(r.visitCount)};
    }
    bool mayServe(int32_t type, int32_t visit) const { return !selective || allowed[type * visits.size() + visit]; }
    bool fits(int32_t type, const int64_t* load) const {
        for (int d = 0; d < dimensions; ++d)
            if (load[d] > capacity[type * dimensions + d]) return false;
        return true;
    }
    /// Places of charging: index of a location among those of stops and depots.
    std::vector<int32_t> placeOf;
    std::vector<std::array<int32_t, 2>> opening;  // the windows, as charging reads them

    /// Metres of an arc; nothing to an open end.
    int32_t distance(int32_t profile, int32_t from, int32_t to) const {
        return to < 0 ? 0 : profiles[profile].distance[from * locations + to];
    }
    Seconds duration(int32_t profile, int32_t from, int32_t to) const {
        return to < 0 ? 0 : profiles[profile].duration[from * locations + to];
    }

    /// The same, read from the row of `to` where tables are symmetric; not to an open end.
    int32_t distanceInto(int32_t profile, int32_t from, int32_t to) const {
        const Profile& p = profiles[profile];
        return p.distance[p.cellInto(locations, from, to)];
    }
    Seconds durationInto(int32_t profile, int32_t from, int32_t to) const {
        const Profile& p = profiles[profile];
        return p.duration[p.cellInto(locations, from, to)];
    }

private:
    std::vector<std::unique_ptr<std::vector<int32_t>>> bounds;  // tables of the profiles that charging makes

    void electrify();
};

}  // namespace lastmile::routing
