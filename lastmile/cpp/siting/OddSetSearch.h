// Odd sets of customers that a point of the linear relaxation of maximal covering breaks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "siting/Covering.h"

namespace lastmile::siting {

/// With shares y_j of open sites, a set T breaks its row (see OddSets) where what is lost to rounding is less than one
/// half: sum over T of |1 - sum of y_j that cover i| + sum of y_j that cover an odd number of T < 1 (Caprara & Fischetti
/// 1996, doi:10.1007/BF02592196). Customers that the same sites cover, of those that are open in part, are one pattern.
/// Around each pattern threes are sought with those that have most in common with it; around the sites that cover an odd
/// number of the best threes, two more patterns for fives.
class OddSetSearch {
public:
    struct Found {
        double broken;
        std::vector<std::int32_t> patterns;  // in ascending order
    };

    OddSetSearch(const CoveringPart& part, const Near& near, std::span<const double> shares);

    /// Sets of patterns, the most broken ones first.
    std::vector<Found> run();
    /// Of a pattern, most weight first.
    [[nodiscard]] const std::vector<std::int32_t>& customers(std::int32_t pattern) const {
        return patterns[pattern].customers;
    }

private:
    struct Pattern {
        std::vector<std::int32_t> sites;      // ascending
        std::vector<std::int32_t> customers;
        double cover, slack;                  // sum of these sites' shares, and what the customer loses
    };
    struct Other {
        double key, common;
        std::int32_t pattern;
    };

    std::span<const double> shares;
    std::vector<Pattern> patterns;
    std::vector<std::vector<std::int32_t>> ofSite;  // patterns
    // Of the search around some patterns:
    std::vector<std::uint8_t> isOdd;    // by site: whether it covers an odd number of them
    std::vector<double> common, added;  // by pattern: shares of odd sites; by site: what is odd on top if it covers two more
    std::vector<std::int32_t> odd, touched;
    std::vector<Other> others;
    std::vector<Found> best;

    void gather(const CoveringPart& part, const Near& near);
    std::vector<Found> widen(const std::vector<Found>& from, double least);
    void widen(const std::vector<std::int32_t>& from, double least);
    void rank(const std::vector<std::int32_t>& from);
};

}  // namespace lastmile::siting
