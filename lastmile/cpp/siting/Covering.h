// Maximal covering: what a customer costs depends only on whether some open site covers it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "siting/Location.h"

namespace lastmile::siting {

/// What is left of a covering problem once some of its sites are decided: those that may still open, and the customers
/// that no open site covers. Customers that the same sites cover are one.
struct CoveringPart {
    struct Kind {
        std::size_t from, to;  // of `site`
        std::size_t room;      // how many of them may open, at least one
    };

    std::vector<std::int32_t> site;      // in the problem's numbers, ascending
    std::vector<double> opening;         // by site
    std::vector<std::size_t> first;      // by site, and one more: where its customers begin
    std::vector<std::int32_t> customer;  // of each site in turn, in numbers of the part
    std::vector<double> weight;          // by customer: what it costs uncovered, above what it costs covered
    std::vector<std::int32_t> number;    // by the problem's customer: that of the part, -1: it has none
    std::vector<Kind> kinds;
    double paid;  // whatever opens

    [[nodiscard]] std::span<const std::int32_t> of(std::size_t k) const {
        return {customer.data() + first[k], first[k + 1] - first[k]};
    }
};

/// Sites of each customer of a part, ascending.
class Near {
public:
    explicit Near(const CoveringPart& part);
    [[nodiscard]] std::span<const std::int32_t> of(std::size_t customer) const {
        return {site.data() + first[customer], first[customer + 1] - first[customer]};
    }

private:
    std::vector<std::size_t> first;  // by customer, and one more
    std::vector<std::int32_t> site;
};

class Covering {
public:
    /// Throws std::invalid_argument where sites have capacities, or a customer costs more at one site than at another.
    explicit Covering(const Location& location);

    [[nodiscard]] std::size_t sites() const { return location.opening.size(); }
    [[nodiscard]] std::size_t customers() const { return weight.size(); }
    /// What is left with these sites decided; more are closed: whatever covers no one, and whatever covers no one that
    /// another free site of its kind would not cover for as little.
    CoveringPart part(std::vector<Choice>& decided) const;
    /// Prices of the problem's customers, for those of a part: who is one pays together.
    static std::vector<double> gather(const CoveringPart& part, std::span<const float> prices);
    /// And back: each pays by its weight.
    [[nodiscard]] std::vector<float> spread(const CoveringPart& part, std::span<const double> prices) const;

private:
    const Location& location;
    double paid = 0;             // by customers, covered or not
    std::vector<double> weight;  // by customer
    std::vector<std::size_t> first;
    std::vector<std::int32_t> customer;  // by site

    [[nodiscard]] CoveringPart left(const std::vector<Choice>& decided) const;
    static std::vector<std::size_t> dominated(const CoveringPart& part);
};

}  // namespace lastmile::siting
