// What no set of open sites can cost less than.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "siting/Location.h"

namespace lastmile::siting {

/// Lagrangian bound: that each customer is served once is no rule any more but has a price u. Each site alone then
/// opens if what its customers pay above their costs outweighs it; of each kind at most so many do, the cheapest ones. With
/// u_i <= the price of not serving i, the sum of u and of these sites' values bounds every plan from below, whatever u
/// is (Cornuejols, Fisher & Nemhauser 1977, doi:10.1287/mnsc.23.8.789; for coverage Galvao & ReVelle 1996,
/// doi:10.1016/0377-2217(94)00159-6). The greatest such bound equals that of the linear relaxation; a deflected
/// subgradient with Polyak's step, towards the cost of the best plan, goes there (Camerini, Fratta & Maffioli 1975,
/// doi:10.1007/BFb0120697). With capacities each site fills a continuous knapsack; where all must be served, the sites
/// together hold what all customers bring, so there are at least as many as that takes of the largest.
class LocationBound {
public:
    explicit LocationBound(const Location& location);

    /// Go on from these prices, with what is decided of each site.
    void decide(std::span<const std::int8_t> sites, std::span<const double> prices);
    /// So many steps, towards a bound of `target`, the cost of the best plan that is known.
    void run(std::int64_t steps, Cost target);

    [[nodiscard]] double best() const { return best_; }
    /// Of each customer, at the best bound.
    [[nodiscard]] const std::vector<double>& prices() const { return prices_; }
    /// What the bound is at least with a free site open, or closed; by site, at the best prices.
    [[nodiscard]] Forced forced();

private:
    struct Item {
        std::int32_t customer;
        double worth, amount;
        bool operator<(const Item& other) const {  // most worth for each unit first
            const double left = worth * other.amount, right = other.worth * amount;
            return left != right ? left < right : customer < other.customer;
        }
    };
    struct Filling {
        double value, room;
    };
    struct Chosen {
        std::int32_t site;
        double share;
    };

    const Location& location;
    double needed = 0;  // capacity of all open sites together; 0: any
    double best_ = 0;
    std::vector<Choice> decided;                // by site
    std::vector<double> prices_;                // the best ones
    std::vector<double> trial, gradient, direction;  // by customer
    std::vector<double> values;                 // by site: of opening it at the trial prices
    std::vector<std::int32_t> order, room;  // `room`: by kind
    std::vector<Chosen> chosen;
    std::vector<std::uint8_t> isChosen;     // by site
    std::vector<Item> items;
    std::vector<Filling> filling;               // by site
    bool flat;  // with capacities: each customer costs the same at all of its sites
    std::vector<double> sizes;
    double pace, at;  // `at`: the bound at the trial prices
    std::int64_t worse = 0;

    void begin();
    void restart();
    void serveAll(const std::vector<double>& prices);
    void fillAll(const std::vector<double>& prices);
    double evaluate(const std::vector<double>& prices);
    double choose(std::int32_t mustOpen = -1, std::int32_t mustClose = -1);
    void bringCheapest(std::span<std::int32_t> sites, std::size_t count) const;
    double supply(double wanted);
    void markChosen();
    void slope(const std::vector<double>& prices);
    template <typename Serve>
    double fill(std::int32_t site, const std::vector<double>& prices, Serve serve);
};

}  // namespace lastmile::siting
