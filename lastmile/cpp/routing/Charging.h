// Batteries for a fixed order of stops: where to charge between them, how long, and what the trip comes to.
//
// Two depths. The search asks `extend`, `prepend`, `insertion` and `drive`: between two places they know only the few
// ways over chargers that were chosen when the table was made, and keep only so many labels at a stop; what they find
// can be driven, but a cheaper way may exist. `exact` and `schedule` send labels over the chargers themselves and miss
// nothing. Breaks and further limits of time and metres are `Duties`; both depths know them.
//
// What is sought: the least metres * perMetre + return * perSecond; among equals the earliest return, then the fewest
// metres. (`schedule`: the earliest return, then the latest departure, then the fewest metres.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ChargingLabels.h"

namespace lastmile::routing {

class Charging {
public:
    // Square tables over `locations` places, row = origin; they must outlive whoever uses them.
    struct Tables {
        static constexpr std::int32_t kUnreachable = INT32_MAX;

        std::size_t locations;
        std::span<const std::int32_t> seconds;   // kUnreachable where there is no way
        std::span<const std::int32_t> metres;
        std::span<const std::int32_t> wattHours;  // empty: metres times the battery's wattHoursPerMetre
    };

    struct Battery {
        double capacity;  // watt-hours, as all energies here
        double reserve;
        double perMetre;
        double perMetreLoad;
        double secondsPerWattHour;
        bool fullOnly;
    };

    struct Limits {
        std::size_t ways = 6;     // by way of chargers, for each pair of places
        std::size_t labels = 16;  // at a stop, at least 5
        bool rests = false;       // breaks may be taken at the last charger of a way
    };

    // Ascending, apart from each other: when service may begin.
    using Windows = std::span<const std::array<std::int32_t, 2>>;

    struct Step {
        std::int32_t place;  // index of the list of places
        Windows windows;
        double service;  // seconds
        double load;     // aboard on arrival
    };

    struct Trip {
        double metres;
        double returns;  // seconds
        double departs;  // as late as that return allows with the labels that were kept
    };

    // One halt of a schedule, in seconds.
    struct Halt {
        std::int32_t step;     // -1 at a charger
        std::int32_t charger;  // index of the list of chargers, -1 at a step
        double arrives, begins, departs;
        std::int32_t rest = -1;  // a break, at the halt before or after it
    };

    // A break that begins within two moments and lasts so long.
    struct Rest {
        double opens, closes, lasts;
    };

    // A step begins at most so long after the end of an earlier one, or after the departure (-1).
    struct Limit {
        std::int32_t since, step;
        double seconds;
    };

    // What a trip must keep beside its windows.
    struct Duties {
        std::span<const Rest> rests;  // apart from each other, in their order; all are taken
        std::span<const Limit> limits;
        bool closed;           // the last step is a depot, where nothing is done any more
        bool offDuty = true;   // breaks may lie ahead of the departure and behind the return
        double idle = 0.0;     // from when on they may lie ahead of the departure
        double mostMetres = kForever, mostSeconds = kForever;  // of the trip

        [[nodiscard]] bool none() const {
            return rests.empty() && limits.empty() && mostMetres == kForever && mostSeconds == kForever;
        }
    };

    // Whether all chargers are looked at, or only the ways that were chosen.
    enum class Depth { chosen, all };

    struct Schedule {
        double departs, returns;
        std::int64_t metres;
        std::vector<Halt> halts;  // of the steps, and of the chargers between them
    };

    using Labels = Front<ChargingLabel>;  // on leaving a step
    using Needs = Front<ChargingNeed>;    // on arriving at a step

    // Memory of one thread, used again from call to call.
    struct Scratch {
        struct Reached : ChargingLabel {
            bool passedOn;  // to the other chargers
        };
        Labels here, there;
        std::vector<Front<Reached>> charged;  // labels on leaving each charger
        std::vector<std::int32_t> queue;
        std::vector<char> queued;
    };

    // `places`: locations of stops and depots; `chargers`: locations. `maxLoad`: the most that is ever aboard;
    // from charger to charger the ways of the table can be driven with it.
    // Throws std::invalid_argument where sizes, locations or numbers are impossible.
    Charging(const Tables& tables, const Battery& battery, std::span<const std::int32_t> places,
             std::span<const std::int32_t> chargers, double perMetre, double perSecond, double maxLoad,
             const Limits& limits);

    [[nodiscard]] std::size_t places() const { return places_.size(); }
    [[nodiscard]] std::size_t chargers() const { return chargers_.size(); }
    // Bytes of the table of ways.
    [[nodiscard]] std::size_t memory() const;

    // Bounds over any chargers and charges; Tables::kUnreachable where there is no way.
    [[nodiscard]] std::int32_t leastMetres(std::int32_t from, std::int32_t to) const {
        return leastMetres_[pair(from, to)];
    }
    [[nodiscard]] std::int32_t leastSeconds(std::int32_t from, std::int32_t to) const {
        return leastSeconds_[pair(from, to)];
    }

    [[nodiscard]] double costOf(const Trip& trip) const { return perMetre_ * trip.metres + perSecond_ * trip.returns; }

    // Labels on departure from a depot at `ready` or later.
    void depart(double ready, Labels& out) const;

    // Labels on leaving `step`, from those on leaving place `from`. Only what costs less than `limit` by then is kept.
    // Labels of a prefix, and needs of a suffix, are good for as long as its steps are, with the loads aboard if these
    // cost energy.
    void extend(const Labels& labels, std::int32_t from, const Step& step, Labels& out, double limit = kForever) const;

    // The best end of a trip that ends with the step of these labels, by `due`.
    [[nodiscard]] std::optional<Trip> finish(const Labels& labels, double due, double limit = kForever) const;

    // Needs on arrival at the last step of a trip that must be done by `due`. A depot to return to is a step like any
    // other, without service.
    void conclude(const Step& step, double due, Needs& out) const;

    // Needs on arrival at `step`, from those on arrival at `next`.
    void prepend(const Step& step, const Step& next, const Needs& needs, Needs& out) const;

    // The best trip of what these labels have done and these needs still ask for, if it costs less than `limit`. Where
    // time costs nothing its return can be kept, but is not always the earliest for its metres.
    [[nodiscard]] std::optional<Trip> join(const Labels& labels, std::int32_t from, const Step& to, const Needs& needs,
                                           double limit = kForever) const;

    // The same with `stop` between the two.
    [[nodiscard]] std::optional<Trip> insertion(const Labels& labels, std::int32_t from, const Step& stop,
                                                const Step& next, const Needs& needs, double limit,
                                                Scratch& scratch) const;

    // A whole trip, from a depot over the steps, done by `due`. A depot to return to is the last of the steps.
    [[nodiscard]] std::optional<Trip> drive(std::int32_t origin, std::span<const Step> steps, double ready, double due,
                                            double limit, Scratch& scratch) const;
    // The same over all ways that there are.
    [[nodiscard]] std::optional<Trip> exact(std::int32_t origin, std::span<const Step> steps, double ready, double due,
                                            Scratch& scratch) const;

    // The latest departure from which such a trip can be done by `due`; less than any time where there is none.
    [[nodiscard]] double latest(std::int32_t origin, std::span<const Step> steps, double due) const;
    // The same over all ways that there are.
    [[nodiscard]] double latestExactly(std::int32_t origin, std::span<const Step> steps, double due) const;

    // When the exact trip is where, charging no more and no earlier than it must.
    [[nodiscard]] std::optional<Schedule> schedule(std::int32_t origin, std::span<const Step> steps, double ready,
                                                   double due, Scratch& scratch) const;

    // The best trip that keeps its duties; among equals the earliest return, then the latest departure, then the fewest
    // metres.
    [[nodiscard]] std::optional<Trip> drive(std::int32_t origin, std::span<const Step> steps, const Duties& duties,
                                            double ready, double due) const;
    // The same over all ways that there are, and when it is where.
    [[nodiscard]] std::optional<Schedule> schedule(std::int32_t origin, std::span<const Step> steps,
                                                   const Duties& duties, double ready, double due) const;
    // The latest departure from which such a trip can be done by `due`; less than any time where there is none.
    [[nodiscard]] double latest(std::int32_t origin, std::span<const Step> steps, const Duties& duties, double due,
                                Depth depth) const;

private:
    struct Arc {
        double metres, seconds, energy;  // seconds kForever where there is no way
    };
    struct Ends {
        std::int32_t first, last;  // metres of a way to its first charger and from its last
    };
    class Table;
    class Retrace;
    class Dutiful;

    [[nodiscard]] std::size_t pair(std::int32_t from, std::int32_t to) const {
        return static_cast<std::size_t>(from) * places_.size() + static_cast<std::size_t>(to);
    }
    [[nodiscard]] Arc arc(std::int32_t fromLocation, std::int32_t toLocation, double load) const;
    // Whether the direct way is none longer than the one over a location.
    [[nodiscard]] bool passes(std::int32_t from, std::int32_t over, std::int32_t to, double load) const;
    [[nodiscard]] ChargingWay way(std::size_t index, double load) const {
        return ends_.empty() ? ways_[index] : loaded(index, load);
    }
    [[nodiscard]] ChargingWay loaded(std::size_t index, double load) const;
    [[nodiscard]] double costOf(const ChargingReach& reach) const {
        return perMetre_ * reach.metres + perSecond_ * reach.early;
    }
    // Calls `found(reach, window)` with what is left of a reach on leaving the step, for each window that matters.
    template <typename Found>
    void serve(const ChargingReach& arrived, const Step& step, Found found) const;
    void keep(const ChargingNeed& need, Needs& out) const;
    void extendExactly(const Labels& labels, std::int32_t from, const Step& step, Labels& out, Scratch& scratch) const;

    Tables tables_;
    Battery battery_;
    std::vector<std::int32_t> places_;
    std::vector<std::int32_t> chargers_;
    double perMetre_;
    double perSecond_;
    Limits limits_;
    double scale_;  // of charge, per watt-hour
    Charger charger_;
    std::vector<ChargingWay> ways_;       // a pair's direct way first, then ascending in metres
    std::vector<Ends> ends_;              // of the ways; empty where loads cost no energy
    std::vector<std::int32_t> lastSeconds_;  // of the ways, from their last charger on; empty without `Limits::rests`
    std::vector<std::uint32_t> offset_;   // of the pairs
    std::vector<std::int32_t> leastMetres_, leastSeconds_;
};

template <typename Found>
void Charging::serve(const ChargingReach& arrived, const Step& step, Found found) const {
    for (const std::array<std::int32_t, 2>& window : step.windows) {
        ChargingReach served = arrived;
        if (!served.serve(window[0], window[1], step.service)) {
            continue;
        }
        found(served, window);
        if (window[1] - arrived.empty >= arrived.most) {
            return;  // the window took nothing away: what later ones leave is dominated
        }
    }
}

}  // namespace lastmile::routing
