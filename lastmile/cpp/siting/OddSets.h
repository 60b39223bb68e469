// Rows that cut fractional points off the linear relaxation of maximal covering.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "siting/Covering.h"

namespace lastmile::siting {

/// Of an odd number of customers T, with y_j the share to which a site opens, h_i the share of a customer that none
/// covers, and n_j how many of T site j covers,
///
///     sum of h_i over T + sum over j of ceil(n_j / 2) y_j >= (|T| + 1) / 2
///
/// as half the sum of their rows h_i + sum of y_j that cover i >= 1 and h_i >= 0, rounded up first on the left and then on
/// the right (Chvatal 1973, doi:10.1016/0012-365X(73)90167-2; of covering: Balas & Ng 1989, doi:10.1007/BF01589394).
/// Three customers that three half open sites cover by twos are the smallest case.
class OddSets {
public:
    /// None; the part must stay.
    explicit OddSets(const CoveringPart& part);

    [[nodiscard]] std::size_t size() const { return first.size() - 1; }
    /// Customers of a set, ascending.
    [[nodiscard]] std::span<const std::int32_t> of(std::size_t set) const {
        return {customer.data() + first[set], first[set + 1] - first[set]};
    }
    /// The right side of a set's row.
    [[nodiscard]] double demand(std::size_t set) const { return static_cast<double>((of(set).size() + 1) / 2); }
    /// Rows of a site: customers, then sets from the number of customers on, each as often as its ceil(n_j / 2).
    [[nodiscard]] std::span<const std::int32_t> rows(std::size_t site) const {
        return {row.data() + firstRow[site], firstRow[site + 1] - firstRow[site]};
    }

    /// Adds these sets of customers, each in ascending order.
    void take(const std::vector<std::vector<std::int32_t>>& sets);
    /// Adds sets that these shares of sites break.
    void separate(std::span<const double> shares);
    /// Drops all others.
    void keep(std::span<const std::uint8_t> kept);

private:
    const CoveringPart& part;
    Near near;
    std::vector<std::size_t> first{0};  // by set, and one more: where its customers begin
    std::vector<std::int32_t> customer;
    std::vector<std::size_t> firstRow;  // by site, and one more
    std::vector<std::int32_t> row;
    std::unordered_set<std::uint64_t> known;  // hashes of sets

    void index();
};

}  // namespace lastmile::siting
