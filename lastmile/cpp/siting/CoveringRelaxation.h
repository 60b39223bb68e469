// The linear relaxation of maximal covering.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "siting/Covering.h"
#include "siting/OddSets.h"

namespace lastmile::siting {

/// With y_j the share to which a site opens and u_i the price of covering a customer,
///
///     min over y, max over u:  sum f_j y_j + sum u_i (1 - sum of y_j that cover i)
///     s.t. 0 <= u_i <= w_i;  0 <= y_j <= 1, of each kind at most so many
///
/// by primal-dual hybrid gradients (Chambolle & Pock 2011, doi:10.1007/s10851-010-0251-1) with the steps of Pock &
/// Chambolle (2011, doi:10.1109/ICCV.2011.6126441), each drawn back to where the last restart was (Halpern) after a
/// reflection (Lu & Yang 2024, arXiv:2407.16144), with the restarts and the balance of both steps of PDLP (Applegate et
/// al. 2021, arXiv:2106.04756). Any y costs at least as much as the relaxation, and the Lagrangian bound of any u is
/// right, so both ends are known at every look; subgradients stall long before.
///
/// With odd sets their prices v add to what sites earn, and h_i, the share of i that is not covered, is a variable of its
/// own where customer i is in such sets: nobody pays more than w_i for them and its cover together.
class CoveringRelaxation {
public:
    static constexpr std::int64_t kStride = 10;  // steps between two looks

    /// `prices`, by customer and then by set, and `shares`, by site, to begin with; `balance` of their steps. The part
    /// must stay, and have sites and customers; so must the sets, which may be none.
    CoveringRelaxation(const CoveringPart& part, std::vector<double> prices, std::vector<double> shares, double balance,
                       const OddSets* sets = nullptr);
    /// From even shares and no prices; the sets, if any, are none yet.
    static CoveringRelaxation begin(const CoveringPart& part, const OddSets* sets = nullptr);

    /// kStride steps.
    void run();
    /// On from here with those of these sets, which are this one's, that have a price, and with more that the shares break;
    /// this one must not be used any more.
    CoveringRelaxation cut(OddSets& ofThis);

    /// The best bound.
    [[nodiscard]] double bound() const { return bound_; }
    /// The least cost of a y.
    [[nodiscard]] double cost() const { return cost_; }
    /// At the best bound.
    [[nodiscard]] const std::vector<double>& prices() const { return bestPrices; }
    /// At the least cost.
    [[nodiscard]] const std::vector<double>& shares() const { return bestShares; }
    [[nodiscard]] double balance() const { return balance_; }
    struct ForcedOfPart : Forced {
        std::vector<std::uint8_t> isChosen;  // by site: whether it opens at the best bound
    };
    /// At the best prices.
    [[nodiscard]] ForcedOfPart forced();

private:
    /// A point, and what follows from it.
    struct Point {
        std::vector<double> prices, cover;   // by row, of customers, then of sets: u and v, and the row's left side
        std::vector<double> shares, earned;  // by site: y, and the sum of the prices of its rows
        std::vector<double> missed, owed;    // by customer in sets: h, and the sum of the prices of its rows
    };

    const CoveringPart& part;
    const OddSets* sets;
    std::vector<std::int32_t> inSets;        // customers
    std::vector<std::int32_t> numberInSets;  // by customer: of those, or -1
    std::vector<double> needed, dearest;     // by row: its right side, and what its price is at most
    std::vector<double> bestPrices, bestShares;
    std::vector<double> ofSite, ofRow, ofMissed;  // steps: one over the number of its pairs
    std::vector<double> threshold;           // by kind: what a share must earn to grow, at the last projection
    std::vector<std::size_t> order;
    std::vector<double> uncovered;  // by customer in sets
    Point at, next, anchor;
    double balance_;
    double bound_, cost_;
    double gap;              // at the last restart
    std::int64_t steps = 0;  // since then

    void step();
    void drawBack();
    void restart();
    double look(const Point& point);
    double lower(const Point& point);
    void choose(const CoveringPart::Kind& kind, const std::vector<double>& earned);
    void project(std::vector<double>& shares);
    [[nodiscard]] std::span<const std::int32_t> rows(std::size_t site) const {
        return sets ? sets->rows(site) : part.of(site);
    }
    [[nodiscard]] std::size_t countSets() const { return sets ? sets->size() : 0; }
    void cover(Point& point) const;
    void earn(Point& point) const;
    void earn(const std::vector<double>& prices, std::vector<double>& result) const;
    [[nodiscard]] double upper(const Point& point);
};

}  // namespace lastmile::siting
