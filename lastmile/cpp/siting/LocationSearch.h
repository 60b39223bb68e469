// Good sets of open sites: greedy, then ruin and recreate.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "common/Random.h"
#include "siting/LoadedSet.h"
#include "siting/OpenSet.h"

namespace lastmile::siting {

/// Closes a few sites that share customers, opens others greedily, some of the best passed over at random, and accepts
/// by simulated annealing: ruin and recreate after Schrimpf, Schneider, Stamm-Wilbrandt & Dueck (2000),
/// doi:10.1006/jcph.1999.6413, on the incremental gains of OpenSet, or with capacities of LoadedSet. A run begins with the
/// greedy set, which for coverage is within 1 - 1/e of the best (Nemhauser, Wolsey & Fisher 1978,
/// doi:10.1007/BF01588971), or with a given one.
class LocationSearch {
public:
    LocationSearch(const Location& location, std::uint64_t seed);

    /// Begin with these sites and those that stand, filled up greedily. Throws std::invalid_argument where they are
    /// too many or do not exist.
    void start(std::span<const std::int32_t> sites);
    struct Cooling {
        std::int32_t closed;  // most sites that a ruin closes
        double blink;         // share of best sites passed over
        double hot, cold;     // first and last temperature, in mean losses of an open site
    };

    /// So many iterations of a cooling, from this share of it to that.
    void run(std::int64_t iterations, const Cooling& how, double from, double to);

    [[nodiscard]] const std::vector<std::int32_t>& best() const { return best_; }
    /// Of the best one. With capacities serving may be had for less.
    [[nodiscard]] Cost cost() const { return bestCost; }

private:
    const Location& location;
    Random random;
    std::variant<OpenSet, LoadedSet> set_;
    double scale = 1;  // mean loss of an open site
    Cost bestCost = kNever;
    std::vector<std::int32_t> best_;
    std::vector<std::int32_t> passed;

    template <typename Set>
    void startWith(Set& set, std::span<const std::int32_t> sites);
    template <typename Set>
    void runOn(Set& set, std::int64_t iterations, const Cooling& how, double from, double to);
    template <typename Set>
    void ruin(Set& set, std::int32_t most);
    template <typename Set>
    void recreate(Set& set, double blink);
    template <typename Set>
    void keep(const Set& set);
};

}  // namespace lastmile::siting
