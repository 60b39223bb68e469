#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/Random.h"
#include "routing/Cooling.h"
#include "routing/FewestVehicles.h"
#include "routing/Insertion.h"
#include "routing/LocalSearch.h"
#include "routing/Neighbours.h"
#include "routing/Plan.h"
#include "routing/Rules.h"
#include "routing/TourPool.h"

namespace lastmile::routing {

struct Settings {
    double removed = 10;   // mean visits that a ruin removes
    double longest = 10;   // longest string
    double split = 0.5;    // share of strings with a gap that stays
    double hot = 3;        // first temperature, in costs of a mean arc between neighbours
    double cold = 0.05;    // last temperature
    double blink = 0.01;   // share of places that an insertion passes over
    int32_t near = 40;     // neighbours beside which an insertion looks
    int32_t moves = 10;    // neighbours beside which the local search looks
    double whole = 0.8;    // share of recreations in which new vehicles are weighed so; see Openings
    double shared = 0.1;   // and so; in the others they come last
    double flood = 0.01;   // share of recreations that try all requests which may be left out and are
    double cheapest = 0.5; // share of ruined trips that get the cheapest vehicle type for what is left
    double other = 0.3;    // and any other type that can drive it
    double expelled = 0.3; // share of those whose visits that the other type may not serve go as well
    double polish = 1;     // share of recreations that the local search follows
    double polishLong = 1; // where the budget is for several coolings
    double pass = 20;      // iterations between two passes of the local search over the whole plan, for each request
    double enough = 2000;  // iterations of a cooling, for each request
    bool fewest = false;   // vehicles come before all else: the search begins with a phase that takes them away
    double fleetShare = 0.4;    // of the budget, for that phase
    double fleetHeat = 1;       // share of the budget whose temperature it has
    double focus = 0.5;         // share of its ruins around what is not served
    double coldFew = 0.15;      // last temperature after it
    double pooled = 0.5;        // share of the budget after which tours are pooled
    int32_t mostPooled = 1000;  // tours that a pool gives
    double leastComplete = 0.3, mostComplete = 0.5;  // share of its iterations that serve all that must be served

    /// What pays for a problem: without times, routes are short and the local search finds little, but for the choice
    /// between options.
    static Settings of(const Problem& problem) {
        Settings settings;
        if (!problem.timed) {
            settings.polish = problem.meanOptions() > 1 ? 0.5 : 0.1;
            settings.polishLong = std::max(settings.polish, 0.3);
            settings.pass = 50;
        }
        return settings;
    }
};

/// Ruin and recreate by string removal, with a local search, under simulated annealing.
///
/// Christiaens & Vanden Berghe (2020). Slack induction by string removals for vehicle routing problems. Transportation
/// Science 54(2). doi:10.1287/trsc.2019.0914.
class Search {
public:
    Search(const Problem& problem, const Rules& rules, const Neighbours& near, const Neighbours& around, uint64_t seed,
           const Settings& settings);

    /// Begin with these tours and serve what they leave out if it pays. Throws std::invalid_argument with the number of
    /// a tour that breaks a rule.
    void start(std::span<const Tour> tours);
    /// Go on from these tours of another search of this problem, if they are better.
    void adopt(std::span<const Tour> tours, Money cost);
    /// Improve the best plan by every move there is.
    void finish();

    /// Search until this many iterations are done, or `stop`; `share(iterations)` is the share of the budget used.
    template <typename Share>
    void run(int64_t until, Share share, const std::atomic<bool>& stop) {
        while (iteration < until && !stop.load(std::memory_order_relaxed)) {
            if (iteration % kStride == 0) {
                const double used = share(iteration);
                if (used >= 1) break;
                if (fleet && used >= settings.fleetShare) endShedding();
                cool(used);
                if (iteration % kStay == 0) settle();
                if (!fleet && iteration >= nextPass) {
                    polishAll();
                    nextPass = iteration + perPass;
                }
                adapt();
            }
            step();
        }
    }

    Money bestCost() const { return best; }
    int32_t bestVehicles() const { return vehiclesOfBest; }
    int32_t bestAbsent() const { return absentOfBest; }
    int64_t iterations() const { return iteration; }
    std::vector<Tour> bestTours() const;
    const TourPool& tourPool() const { return pool; }

private:
    static constexpr int64_t kStride = 64;  // iterations between two looks at the budget
    static constexpr int64_t kStay = 16 * kStride;  // iterations in one region

    struct BestTrip {
        Trip trip;
        std::vector<int32_t> visits;
    };

    const Problem& problem;
    const Neighbours& around;
    const Settings settings;
    Plan plan;
    Random random;
    Insertion insertion;
    LocalSearch local, wide;
    Cooling cooling;
    TourPool pool;
    bool pooling = false;
    std::optional<FewestVehicles> fleet;  // while the phase lasts
    int64_t iteration = 0;
    const int64_t perPass;  // iterations between two passes of the local search over the whole plan
    int64_t nextPass;
    int32_t region = 0;  // first of the visits among which ruins have their centres for a while; see `ruin`
    double scale, temperature = 0;
    bool priced = false;    // some requests may be left out
    bool limited = false;   // to the vehicles of the best plan: the phase that takes them away is over
    double penalty;         // of a request that must be served and is left out for a while
    std::vector<double> insistence;  // by request: factor of that
    int32_t completed = 0;  // iterations since the penalty changed that left out no more of them than the best plan
    int32_t barren = 0;     // looks at the penalty, in a row, between which there was none
    Money best = kNever;
    int32_t vehiclesOfBest = 0, absentOfBest = 0, missingOfBest = 0;
    std::vector<BestTrip> bestTrips;
    std::vector<int32_t> changedSince;  // trips, since the best
    std::vector<uint8_t> isChanged;
    std::vector<int32_t> pending;  // requests to insert
    std::vector<int32_t> leaving;  // visits
    bool flooded = false;          // pending are all that are absent
    std::vector<int32_t> ruined;   // trips
    std::vector<std::pair<double, int32_t>> keyed;

    void cool(double used);
    void settle();
    void shed();
    void endShedding();
    int32_t missing() const;
    Money judged() const;
    void adapt();
    bool accepts(Money before);
    void remember();
    void rememberAll();
    bool polishAll();
    void replace(std::span<const Tour> tours);
    void changeVehicle(int32_t trip);
    void expel(int32_t trip, int32_t type);
    void step();
    void ruin();
    void removeString(int32_t centre, double longest);
    void removeRequest(int32_t visit);
    void removeLeaving(int32_t trip);
    void recreate();
    void keep();
    void build(std::span<const Tour> tours);
};

}  // namespace lastmile::routing
