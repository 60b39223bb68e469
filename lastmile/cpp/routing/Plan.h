#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "routing/Breaks.h"
#include "routing/Problem.h"
#include "routing/Rules.h"
#include "routing/Segments.h"

namespace lastmile::routing {

/// A visit within a plan, or one end of a trip, with all that a test of an insertion beside it needs: one cache line.
struct alignas(64) Stop {
    int32_t location = -1;
    int32_t trip = -1;  // -1: in none
    int32_t previous = -1, next = -1;
    Seconds open = 0, close = kTimeMax, service = 0;
    Seconds depart = 0;         // earliest end of service, at least
    Seconds latest = kTimeMax;  // latest begin of service, at most
    int32_t position = 0;       // 0 at the start of its trip
    int32_t ahead = 0;          // metres to the next stop; below zero until its trip is settled
    Seconds aheadTime = 0;      // seconds to the next stop
    Money cost = 0;             // of the option
    int64_t load = 0;           // delivered, dimension 0
};

/// One trip of one vehicle; a vehicle's trips follow each other.
struct Trip {
    int32_t type = -1;
    int32_t count = 0;                // visits
    int32_t locked = 0;               // so many visits from its start stay
    int32_t paired = 0;               // visits that belong to pairs
    int32_t before = -1, after = -1;  // trips of the same vehicle
    int32_t reload = -1;              // where it ends if another follows: index into the type's reloads
    int64_t waiting = 0;              // of its schedule, neither driven nor served
    int64_t distance = 0;             // metres of the direct arcs
    int64_t load = 0;                 // delivered, dimension 0
    Money options = 0;
    Money cost = 0;
    Money bound = 0;  // cost as the tests of moves see it: without the rules of the exact tier
    Seconds ready = 0, due = 0;   // it may leave; it must be back
    Seconds leave = 0, back = 0;  // its schedule, where time counts
    Rests rests{};                // of a vehicle that makes several trips and has breaks

    bool chained() const { return before >= 0 || after >= 0; }
};

/// What one vehicle does.
struct Tour {
    int32_t type = -1;
    int32_t locked = 0;  // visits of its first trip that stay
    std::vector<std::vector<int32_t>> trips;
    std::vector<int32_t> reloads;
    Money cost = 0;  // set where a plan drives it
};

/// A trip that could be added: of a new vehicle, or of one in use, behind or ahead of one of its trips.
struct Opening {
    int32_t type = -1;
    int32_t behind = -1, ahead = -1;
    int32_t reload = -1;  // between the two: index into the type's reloads
};

/// One trip with its schedule.
struct Scheduled {
    Outcome outcome;
    std::vector<Halt> halts;
};

constexpr int32_t kUnlimited = std::numeric_limits<int32_t>::max();

/// The trips of all vehicles as linked lists, with what makes the test of an insertion O(1), and an undo log: taking
/// back a change costs as much as the trips it touched, whatever the size of the problem.
class Plan {
public:
    Plan(const Problem& problem, const Rules& rules);

    const Problem& problem;
    std::vector<Stop> stops;  // the visits, then two ends per trip
    std::vector<Trip> trips;
    Money cost = 0;  // with the prices of what is absent
    std::vector<int32_t> changed;  // stops that were linked, or lost one beside them, since `begin`

    int32_t startOf(int32_t trip) const { return visits + 2 * trip; }
    int32_t endOf(int32_t trip) const { return visits + 2 * trip + 1; }
    bool isVisit(int32_t stop) const { return stop < visits; }
    /// Along one trip, from a stop to one behind it.
    int64_t metresBetween(int32_t from, int32_t to) const { return sums[to].metres - sums[from].metres; }
    /// Delivered by part of a trip, dimension 0: from its visit `first` to `last`; from any of its stops to its end.
    int64_t loadOf(int32_t first, int32_t last) const { return sums[last].load - sums[stops[first].previous].load; }
    int64_t loadBehind(int32_t stop) const { return trips[stops[stop].trip].load - sums[stop].load; }
    bool isAbsent(int32_t request) const { return absentAt[request] >= 0; }
    const std::vector<int32_t>& absent() const { return absentees; }
    int32_t vehicles() const { return vehicleCount; }
    /// Visits in their sequence.
    void sequence(int32_t trip, std::vector<int32_t>& into) const;
    /// What the vehicle of a trip does.
    void tourOf(int32_t trip, Tour& into) const;

    /// Whether a visit may be in a trip, wherever: skills, load, number of orders.
    bool mayJoin(int32_t trip, int32_t visit) const;
    /// Whether a visit cannot come behind a stop, however short the ways: after its window, or too late for the next.
    bool tooLate(int32_t after, int32_t visit) const { return problem.timed && stops[after].depart > stops[visit].close; }
    bool tooEarly(int32_t after, int32_t visit) const {
        const Stop& v = stops[visit];
        return problem.timed && stops[stops[after].next].latest < v.open + v.service;
    }
    /// Cost of a visit behind `after`, in a trip that it may join; above `bound` any number above it. kNever if its
    /// hull of windows, loads or limits forbid it. Exact but for the rules of the exact tier.
    Money insertion(int32_t after, int32_t visit, Money bound) const {
        const Stop& p = stops[after];
        const Stop& v = stops[visit];
        const VehicleType& type = problem.types[trips[p.trip].type];
        const int64_t detour = int64_t{problem.distanceInto(type.profile, p.location, v.location)} +
                               problem.distance(type.profile, v.location, stops[p.next].location) - p.ahead;
        const Money delta = detour * type.perMetre + v.cost;
        return delta >= bound ? delta : insertionWithin(after, visit, detour, delta);
    }
    /// The same with all rules.
    Money insertionExactly(int32_t after, int32_t visit) const;
    /// Cost of the trip of `head` if behind `head` it went to `middle`, then from `tail` on to the trip's end; kNever
    /// where that cannot be. `tail` may be of another trip of an exchangeable type, its end standing for this one's.
    Money spliced(int32_t head, std::span<const int32_t> middle, int32_t tail) const;
    /// The same with all rules.
    Money splicedExactly(int32_t head, std::span<const int32_t> middle, int32_t tail) const;
    /// Note a trip as it is, before visits move between trips.
    void touch(int32_t trip);
    /// Drive these visits instead; all trips that they come from must have been touched.
    bool assign(int32_t trip, std::span<const int32_t> visits);
    /// Whether there is a vehicle of the type that is not in use; whether one more vehicle can be.
    bool spare(int32_t type) const;
    bool available(int32_t type) const { return vehicleCount < mostVehicles && spare(type); }
    int32_t mostVehicles = kUnlimited;  // that may be in use
    int32_t tripsOf(int32_t trip) const;  // of its vehicle
    /// What a trip's vehicle brings to it as it is scheduled; what a new vehicle does.
    Context context(int32_t trip) const;
    Context fresh(int32_t type) const;
    /// The schedules of a vehicle's trips from its first one on, with the breaks in the pauses between.
    std::vector<Scheduled> schedules(int32_t first) const;

    void begin();
    void commit();
    void rollback();
    const std::vector<int32_t>& touched() const { return touchedTrips; }
    /// Whether a visit stands between others than at `begin`.
    bool moved(int32_t visit) const {
        const size_t at = savedAt[visit];
        if (at >= savedIds.size() || savedIds[at] != visit) return true;  // it was absent, or its trip is as it was
        return stops[visit].previous != savedStops[at].previous || stops[visit].next != savedStops[at].next;
    }

    /// Add a vehicle that does this; false where it breaks a rule, and the plan is of no use then.
    bool drive(const Tour& tour);
    /// Make an empty trip; one of a vehicle in use must get a visit before it is settled.
    int32_t openTrip(const Opening& opening);
    /// What it costs with these visits, in this sequence.
    Money openingCost(const Opening& opening, std::span<const int32_t> visits) const;
    void link(int32_t after, int32_t visit);
    void unlink(int32_t visit);
    /// Bring a trip's times, loads and cost up to date; false where what is left cannot be driven: it is then as it is,
    /// and must be changed or rolled back.
    bool settle(int32_t trip);
    /// Give a trip, its vehicle's only one, the cheapest vehicle type that can drive it.
    void retype(int32_t trip);
    /// Give it this one, if it is available and can drive the trip.
    void tryType(int32_t trip, int32_t type, bool onlyIfCheaper);
    /// The cheapest other type that could drive the trip with one more visit, -1 where there is none; `extra` is what
    /// its vehicle costs more.
    int32_t upgrade(int32_t trip, int32_t visit, Money& extra) const;
    bool changeType(int32_t trip, int32_t type, bool onlyIfCheaper);

private:
    const Rules& rules;
    const int32_t visits;
    struct Sums {
        int64_t metres = 0, load = 0, options = 0;  // from the trip's start through this stop
    };
    struct Saved {
        int32_t trip;
        size_t first, count;  // of its visits in the log
        Trip state;
        Stop start, end;
        Sums whole;
    };

    std::vector<Sums> sums;
    std::vector<TimeSegment> timeTo, timeFrom;  // from the trip's start to a stop's end, on to the trip's end
    std::vector<TimeSegment> whole;             // trips
    std::vector<LoadSegment> loadTo, loadFrom;  // (stops, dimensions)
    std::vector<int64_t> loads;                 // (trips, dimensions): delivered
    std::vector<int32_t> absentees, absentAt;
    std::vector<int32_t> usedOf, drawn;  // vehicles by type, by pool
    std::vector<int32_t> empties;
    std::vector<uint8_t> listedEmpty;
    int32_t vehicleCount = 0;

    bool logging = false;
    std::vector<uint8_t> isTouched;
    std::vector<int32_t> touchedTrips;
    std::vector<Saved> saved;
    std::vector<int32_t> savedIds;
    std::vector<size_t> savedAt;  // visits: where the log has them, if it does (Briggs & Torczon's sparse set)
    std::vector<Stop> savedStops;
    std::vector<Sums> savedSums;
    Money savedCost = 0;
    std::vector<int32_t> order;

    void save(int32_t trip);
    Money costAlone(std::span<const int32_t> visits, const Context& context) const;
    void use(const Trip& trip, int32_t change);
    Money insertionWithin(int32_t after, int32_t visit, int64_t detour, Money delta) const;
    Money estimate(int32_t trip, int32_t type) const;
    void markAbsent(int32_t request);
    void markServed(int32_t request);
    int32_t emptyTrip();
    void placeEnds(int32_t trip);
    bool walk(int32_t trip);
    bool schedule(int32_t trip);
    bool relay(int32_t first);
    int64_t backBy(int32_t trip, int64_t leaveBy) const;
    void dayOf(int32_t first, std::vector<Errand>& day) const;
    bool rest(int32_t first);
    Context leeway(int32_t trip) const;
    bool detach(int32_t trip);
    bool mayDrive(int32_t type, int32_t trip) const;
    bool judge(const TimeSegment& whole, const Trip& trip, Seconds& leave, Seconds& back) const;
    Money timeCost(const Trip& trip, int64_t duration, Seconds back) const;
};

}  // namespace lastmile::routing
