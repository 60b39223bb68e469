// Branch and bound of maximal covering.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "siting/Covering.h"
#include "siting/CoveringRelaxation.h"
#include "siting/OddSets.h"
#include "siting/OpenSet.h"

namespace lastmile::siting {

/// The plans that may be better than the best one, in parts; the part with the lowest bound comes next. Its linear
/// relaxation goes on from that of the part that it was cut from, as long as it may still get it out of the way, decides
/// sites by their penalties (Beasley 1993, doi:10.1016/0377-2217(93)90118-7), and begins anew on what that leaves where
/// it left much less. The first one adds rows of odd sets, in rounds, and all others keep them. The sites that the bound
/// opens, improved by swaps (Teitz & Bart 1968, doi:10.1287/opre.16.5.955), are a plan. Then the part is cut in two at the
/// site that opens nearest to half.
class CoveringTree {
public:
    /// Throws std::invalid_argument where `location` is no covering problem.
    explicit CoveringTree(const Location& location, std::span<const std::int8_t> decided);

    /// Go through parts until that took so many visits of pairs, a better plan than any before is found that costs less
    /// than `limit`, or none is left. What costs at least `limit` is of no use.
    void grow(std::int64_t visits, double limit);

    /// What no plan in the tree costs less than; infinite where no part is left.
    [[nodiscard]] double bound() const;
    /// Sites of the best plan, in ascending order, and what it costs; kNever where none was found below the limits.
    [[nodiscard]] const std::vector<std::int32_t>& best() const { return best_; }
    [[nodiscard]] Cost cost() const { return cost_; }

private:
    /// Where a relaxation ended.
    struct State {
        std::vector<float> prices, shares;  // by customer, by site of the problem
        std::vector<std::vector<std::int32_t>> sets;  // of customers
        std::vector<double> ofSets;                   // prices
        double balance;
    };
    struct Node {
        double bound;
        std::int64_t number;  // the order in which they were made settles ties
        std::vector<Choice> decided;
        std::shared_ptr<const State> state;
        bool operator<(const Node& other) const {  // the lowest bound first
            return bound != other.bound ? bound > other.bound : number > other.number;
        }
    };

    const Location& location;
    Covering covering;
    OpenSet plan;
    std::priority_queue<Node> nodes;
    std::int64_t made = 0;
    std::int64_t left = 0;  // visits
    double limit_ = 0;
    std::vector<std::int32_t> best_;
    Cost cost_ = kNever;

    void branch(Node node);
    static void remember(const CoveringPart& part, const CoveringRelaxation& relaxation, const OddSets& sets, State& state);
    static CoveringRelaxation begin(const CoveringPart& part, const State* state, OddSets& sets);
    bool relax(CoveringRelaxation& relaxation, const CoveringPart& part, const Node& node, bool isRoot);
    bool tighten(std::optional<CoveringRelaxation>& relaxation, const CoveringPart& part, const Node& node, OddSets& sets);
    void attempt(const CoveringPart* part, const std::vector<std::uint8_t>& isChosen, const std::vector<Choice>& decided);
    void improve();
    [[nodiscard]] double limit() const;
};

}  // namespace lastmile::siting
