#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "routing/Neighbours.h"
#include "routing/Rules.h"
#include "routing/Search.h"

namespace lastmile::routing {

/// How long to search; the temperature follows the iterations where they are limited, else the clock.
struct Budget {
    double seconds = 0;      // 0: no limit
    int64_t iterations = 0;  // of all searches together; 0: no limit
};

struct Progress {
    double seconds = 0;
    int64_t iterations = 0;
    Money cost = 0;
    int32_t vehicles = 0, absent = 0;
};

/// Searches side by side that exchange their best plans at fixed shares of the budget: the same plan every time for the
/// same seed, iterations and number of searches.
class Team {
public:
    enum class Ending { iterations, time, interrupted };

    Team(const Problem& problem, uint64_t seed, int32_t threads, const Settings& settings);

    void start(std::span<const Tour> tours);
    /// Calls `poll` several times a second from this thread; false from it ends the search.
    Ending run(const Budget& budget, const std::function<bool(const Progress&)>& poll);

    std::vector<Tour> bestTours() const { return searches[leader()]->bestTours(); }
    /// Tours of good plans that the searches came by.
    std::vector<Tour> pooledTours() const;
    int64_t iterations() const;

private:
    const Problem& problem;
    const int64_t mostPooled;
    Rules rules;
    Neighbours near, around;
    std::vector<std::unique_ptr<Search>> searches;

    size_t leader() const;
    void exchange();
};

}  // namespace lastmile::routing
