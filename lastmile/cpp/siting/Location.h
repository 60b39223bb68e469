// Which sites to open: the problem, by site and by customer.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace lastmile::siting {

/// Whatever unit the caller counts in; all sums fit 62 bits.
using Cost = std::int64_t;
constexpr Cost kNever = std::numeric_limits<Cost>::max() / 4;

/// What is decided of a site; below, at and above nought where callers give numbers.
enum class Choice : std::int8_t { kClosed = -1, kFree = 0, kOpen = 1 };

/// By site: what no plan costs less than if it must be open, or closed.
struct Forced {
    std::vector<double> open, closed;
};

/// Sites cost something to open; each customer is served by the cheapest open site that it has a pair with, or by none
/// at a price. Sought are the sites, at most so many of each kind, for which all that is least.
///
/// One model for three classics: the p-median problem, uncapacitated facility location (the simple plant location
/// problem), and maximal covering, where every pair costs nothing and the price is the customer's weight. Only pairs
/// that are given exist, so a city's catchments stay sparse. With capacities it is capacitated facility location, or
/// covering, where customers may be served in parts.
class Location {
public:
    struct Pair {
        std::int32_t other;  // of a site: a customer; of a customer: a site
        Cost cost;
    };

    struct Given {
        std::span<const std::int32_t> site, customer;  // of every pair; each pair once
        std::span<const Cost> cost;                    // and of serving all of the customer there
        std::span<const Cost> opening, unserved;
        std::span<const std::uint8_t> standing;
        std::span<const double> capacity, amount;  // by site, by customer; both empty: no limits
        bool everyone;                             // must be served: the price is only what a search pays
        std::span<const std::int32_t> kind;        // of every site, in ascending order
        std::span<const std::int32_t> most;        // by kind: sites that may be open
    };

    /// Throws std::invalid_argument when an index or a number is impossible, or sums could overflow.
    explicit Location(const Given& given);

    [[nodiscard]] std::int32_t sites() const { return static_cast<std::int32_t>(opening.size()); }
    [[nodiscard]] std::int32_t customers() const { return static_cast<std::int32_t>(unserved.size()); }
    [[nodiscard]] std::span<const Pair> of(std::int32_t site) const { return row(bySite, firstOfSite, site); }
    /// Cheapest first.
    [[nodiscard]] std::span<const Pair> near(std::int32_t customer) const {
        return row(byCustomer, firstOfCustomer, customer);
    }

    /// By site: what is decided, and whatever stands open. Throws std::invalid_argument unless there is one for each.
    [[nodiscard]] std::vector<Choice> choices(std::span<const std::int8_t> decided) const;
    /// With nothing else decided.
    [[nodiscard]] std::vector<Choice> choices() const {
        return choices(std::vector<std::int8_t>(opening.size(), 0));
    }

    /// Of sites that a plan begins with, those that do not stand already, each once, in the order given. Throws
    /// std::invalid_argument where there is no such site, or more of a kind than may be open.
    [[nodiscard]] std::vector<std::int32_t> toOpen(std::span<const std::int32_t> sites) const;

    std::vector<Cost> opening;           // by site
    std::vector<Cost> unserved;          // by customer: the price
    std::vector<std::uint8_t> standing;  // by site: open already, and stays so
    std::vector<double> capacity;        // by site; empty: no limits
    std::vector<double> amount;          // by customer, of what capacities count
    bool everyone;                       // must be served
    std::vector<std::int32_t> kind;      // by site; those of a kind lie together
    std::vector<std::int32_t> most;      // by kind: sites that may be open
    bool limited = false;                // some kind has more sites than may be open

private:
    std::vector<std::size_t> firstOfSite, firstOfCustomer;
    std::vector<Pair> bySite, byCustomer;

    static std::span<const Pair> row(const std::vector<Pair>& pairs, const std::vector<std::size_t>& first,
                                     std::int32_t index) {
        return {pairs.data() + first[index], first[index + 1] - first[index]};
    }
};

}  // namespace lastmile::siting
