#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "routing/Neighbours.h"
#include "routing/Plan.h"

namespace lastmile::routing {

/// Granular local search around given visits (Toth & Vigo 2003, doi:10.1287/ijoc.15.4.333.24890): every move makes a
/// visit follow or precede one that is near to it. Takes the first move that saves.
class LocalSearch {
public:
    /// `exhaustive`: moves are tried whatever their arcs, and visits change trips with free choice of their places.
    LocalSearch(Plan& plan, const Neighbours& neighbours, int32_t near, bool exhaustive);

    /// Improve the plan until no move around its changed visits, nor around those that moves change, saves; not where
    /// all of them are back in their places.
    void improve();
    /// The same around all visits.
    void improveAll();

private:
    class Balance;
    /// What the arcs of a vehicle type cost, in one place.
    struct Rate {
        Profile tables;
        Money perMetre, perSecond;
        bool overtimeIsFree;

        Money price(int64_t metres, int64_t seconds) const { return metres * perMetre + seconds * perSecond; }
    };
    struct Place {
        Money cost = kNever;
        int32_t after = -1;
    };

    Plan& plan;
    const Problem& problem;
    const Neighbours& neighbours;
    const int32_t near;
    const bool exhaustive;
    std::vector<Rate> rates;
    std::vector<int32_t> queue;
    std::vector<uint8_t> queued;
    std::vector<int32_t> first, second, middle, oldFirst, oldSecond;

    void enqueue(std::initializer_list<int32_t> visits);
    void descend();
    /// Of an arc; nothing to an open end.
    Money price(const Rate& rate, int32_t from, int32_t to) const {
        const int32_t a = plan.stops[from].location, b = plan.stops[to].location;
        if (b < 0) return 0;
        const size_t cell = a * problem.locations + b;
        const Money money = rate.tables.distance[cell] * rate.perMetre;
        return rate.perSecond > 0 ? money + rate.tables.duration[cell] * rate.perSecond : money;
    }
    bool around(int32_t visit);
    bool reaches(int32_t v, int32_t u) const;
    bool leadsTo(int32_t u, int32_t v) const;
    bool follow(int32_t v, int32_t u);
    bool precede(int32_t u, int32_t v);
    bool shift(int32_t u, int32_t v, bool behind);
    bool moveChain(int32_t first, int32_t last, int32_t after);
    bool swapChains(int32_t a, int32_t lastA, int32_t b, int32_t lastB);
    bool exchangeTails(int32_t head, int32_t tail);
    bool choose(int32_t u);
    bool split(int32_t u);
    Place placeWithout(int32_t leaving, int32_t coming) const;
    bool exchangeFreely(int32_t u);
    bool rearrange(int32_t head, int32_t tail);
    bool apply(int32_t tripA, int32_t tripB);
    bool inOrder() const;
    bool suits(int32_t visit, int32_t trip) const;
    bool holds(int32_t trip, int64_t more) const;
    bool mayMove(int32_t visit, int32_t trip) const;
    int64_t arc(int32_t trip, int32_t from, int32_t to) const;
};

}  // namespace lastmile::routing
