// The linear relaxation of maximal covering.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "siting/Covering.h"

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
class CoveringRelaxation {
public:
    static constexpr std::int64_t kStride = 10;  // steps between two looks

    /// `prices`, by customer, and `shares`, by site, to begin with; `balance` of their steps. The part must stay, and
    /// have sites and customers.
    CoveringRelaxation(const CoveringPart& part, std::vector<double> prices, std::vector<double> shares, double balance);

    /// kStride steps.
    void run();

    /// The best bound.
    [[nodiscard]] double bound() const { return bound_; }
    /// The least cost of a y.
    [[nodiscard]] double cost() const { return cost_; }
    /// At the best bound.
    [[nodiscard]] const std::vector<double>& prices() const { return bestPrices; }
    /// At the least cost.
    [[nodiscard]] const std::vector<double>& shares() const { return bestShares; }
    [[nodiscard]] double balance() const { return balance_; }
    struct Forced {
        std::vector<double> open, closed;       // by site: the bound if it must be open, or closed
        std::vector<std::uint8_t> isChosen;     // by site: whether it opens at the best bound
    };
    /// At the best prices.
    [[nodiscard]] Forced forced();

private:
    /// A point, and what follows from it.
    struct Point {
        std::vector<double> prices, cover;   // by customer: u, and the sum of y that cover it
        std::vector<double> shares, earned;  // by site: y, and the sum of u that it covers
    };

    const CoveringPart& part;
    std::vector<double> bestPrices, bestShares;
    std::vector<double> ofSite, ofCustomer;  // steps: one over the number of its pairs
    std::vector<double> threshold;           // by kind: what a share must earn to grow, at the last projection
    std::vector<std::size_t> order;
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
    void cover(const std::vector<double>& shares, std::vector<double>& result) const;
    void earn(const std::vector<double>& prices, std::vector<double>& result) const;
};

}  // namespace lastmile::siting
