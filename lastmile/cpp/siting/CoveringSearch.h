// Good sets of open sites of a maximal covering: greedy, then swaps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/Random.h"
#include "siting/Covering.h"

namespace lastmile::siting {

/// Opens a closed site at random and closes the open one that is missed least, by simulated annealing (Kirkpatrick, Gelatt
/// & Vecchi 1983, doi:10.1126/science.220.4598.671; of covering: Murray & Church 1996, doi:10.1007/BF00226292). Of each
/// customer that one open site alone covers it is known which, so that one look at a closed site's customers tells what
/// it comes to in place of each of the open ones around it (Resende & Werneck 2007, doi:10.1016/j.ejor.2005.05.054), and
/// what nobody accepts changes nothing. Some open sites from anywhere are tried too: nothing else moves sites from one
/// part of a city to another.
class CoveringSearch {
public:
    /// Throws std::invalid_argument where `location` is no covering problem.
    CoveringSearch(const Location& location, std::uint64_t seed);

    /// Begin with these sites and those that stand, filled up greedily. Throws std::invalid_argument where they are
    /// too many or do not exist.
    void start(std::span<const std::int32_t> sites);
    struct Cooling {
        double hot, cold;  // first and last temperature, in mean losses of an open site
    };

    /// So many iterations of a cooling, from this share of it to that.
    void run(std::int64_t iterations, const Cooling& how, double from, double to);

    /// In ascending order.
    [[nodiscard]] const std::vector<std::int32_t>& best() const { return best_; }
    [[nodiscard]] Cost cost() const { return static_cast<Cost>(bestCost); }

private:
    /// What a look at a customer needs.
    struct Cover {
        double weight;
        std::int32_t owner;  // the site that alone covers it, or one of these:
    };
    static constexpr std::int32_t kMany = 0, kNone = 1, kSites = 2;  // from here on owners are sites

    struct Move {
        double cost;
        std::int32_t opened, closed;  // sites, or -1
    };

    const Location& location;
    Random random;
    CoveringPart part;                   // sites and customers are its from here on
    std::vector<std::int32_t> kind;      // by site: index of part.kinds
    std::vector<std::int32_t> position;  // by site: in `open`, -1: it is closed
    std::vector<std::vector<std::int32_t>> open;  // by kind
    std::vector<Cover> covers;                    // by customer
    std::vector<std::int32_t> count, mixed;       // by customer: of the open sites that cover it, and all their numbers by xor
    std::vector<double> lost;                     // by site: the weight that it alone covers
    std::vector<double> shared;           // by owner, while a site is looked at: what of that the site covers too
    std::vector<std::int32_t> owners;     // to whom that applies; room for one more
    double scale = 1;                     // mean loss of an open site
    double total;
    double bestCost = static_cast<double>(kNever);
    bool isKept = true;                   // whether best_ costs that
    std::vector<std::int32_t> best_;

    [[nodiscard]] bool hasRoom(std::int32_t ofKind) const { return open[ofKind].size() < part.kinds[ofKind].room; }
    void fill();
    Move look(std::int32_t site);
    void change(std::int32_t site, bool opens);
    void keep();
};

}  // namespace lastmile::siting
