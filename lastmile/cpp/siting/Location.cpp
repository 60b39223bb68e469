#include "siting/Location.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <tuple>

namespace lastmile::siting {

namespace {

/// Rows of pairs by one of their two ends.
void arrange(std::span<const std::int32_t> key, std::span<const std::int32_t> other, std::span<const Cost> cost,
             std::size_t rows, std::vector<std::size_t>& first, std::vector<Location::Pair>& pairs) {
    first.assign(rows + 1, 0);
    for (const std::int32_t k : key) ++first[k + 1];
    std::partial_sum(first.begin(), first.end(), first.begin());
    pairs.resize(key.size());
    std::vector<std::size_t> next(first.begin(), first.end() - 1);
    for (std::size_t p = 0; p < key.size(); ++p) pairs[next[key[p]]++] = {other[p], cost[p]};
}

void checkIndices(std::span<const std::int32_t> indices, std::size_t limit, const char* what) {
    for (std::size_t p = 0; p < indices.size(); ++p)
        if (indices[p] < 0 || static_cast<std::size_t>(indices[p]) >= limit)
            throw std::invalid_argument("pair " + std::to_string(p) + " names " + what + " " +
                                        std::to_string(indices[p]) + ", there are " + std::to_string(limit));
}

}  // namespace

Location::Location(const Given& given)
    : opening(given.opening.begin(), given.opening.end()),
      unserved(given.unserved.begin(), given.unserved.end()),
      standing(given.standing.begin(), given.standing.end()),
      capacity(given.capacity.begin(), given.capacity.end()),
      amount(given.amount.begin(), given.amount.end()),
      everyone(given.everyone),
      kind(given.kind.begin(), given.kind.end()),
      most(given.most.begin(), given.most.end()) {
    const auto& [site, customer, cost] = std::tie(given.site, given.customer, given.cost);
    if (site.size() != customer.size() || site.size() != cost.size() || standing.size() != opening.size() ||
        kind.size() != opening.size())
        throw std::invalid_argument("arrays of pairs, or of sites, differ in length");
    if (!capacity.empty() && (capacity.size() != opening.size() || amount.size() != unserved.size()))
        throw std::invalid_argument("capacities and amounts must be given for all sites and all customers");
    checkIndices(site, opening.size(), "site");
    checkIndices(customer, unserved.size(), "customer");
    for (const std::int32_t k : kind)
        if (k < 0 || k >= std::ssize(most)) throw std::invalid_argument("a site is of a kind without a limit");
    if (!std::is_sorted(kind.begin(), kind.end())) throw std::invalid_argument("sites of a kind must lie together");
    double sum = 0;
    const auto add = [&](Cost one) {
        if (one < 0) throw std::invalid_argument("a cost is negative");
        sum += static_cast<double>(one);
    };
    std::for_each(opening.begin(), opening.end(), add);
    std::for_each(unserved.begin(), unserved.end(), add);
    for (const Cost one : cost)
        if (one < 0) throw std::invalid_argument("a cost is negative");
    if (sum > static_cast<double>(kNever)) throw std::invalid_argument("costs are so great that their sum may exceed 62 bits");
    std::vector<std::int32_t> stand(most.size(), 0), all(most.size(), 0);
    for (std::size_t s = 0; s < opening.size(); ++s) {
        ++all[kind[s]];
        if (standing[s]) ++stand[kind[s]];
    }
    for (std::size_t k = 0; k < most.size(); ++k) {
        if (stand[k] > most[k]) throw std::invalid_argument("more sites stand than may be open");
        limited = limited || most[k] < all[k];
    }
    arrange(site, customer, cost, opening.size(), firstOfSite, bySite);
    arrange(customer, site, cost, unserved.size(), firstOfCustomer, byCustomer);
    for (std::int32_t c = 0; c < customers(); ++c)
        std::sort(byCustomer.begin() + static_cast<std::ptrdiff_t>(firstOfCustomer[c]),
                  byCustomer.begin() + static_cast<std::ptrdiff_t>(firstOfCustomer[c + 1]),
                  [](const Pair& a, const Pair& b) { return a.cost != b.cost ? a.cost < b.cost : a.other < b.other; });
}

std::vector<Choice> Location::choices(std::span<const std::int8_t> decided) const {
    if (decided.size() != opening.size()) throw std::invalid_argument("a decision for each site is needed");
    std::vector<Choice> result(decided.size(), Choice::kFree);
    for (std::size_t s = 0; s < decided.size(); ++s) {
        if (decided[s] != 0) result[s] = decided[s] > 0 ? Choice::kOpen : Choice::kClosed;
        if (standing[s]) result[s] = Choice::kOpen;
    }
    return result;
}

std::vector<std::int32_t> Location::toOpen(std::span<const std::int32_t> sites) const {
    std::vector<std::uint8_t> opens = standing;
    std::vector<std::int32_t> left = most, result;
    for (std::size_t s = 0; s < standing.size(); ++s)
        if (standing[s]) --left[kind[s]];
    for (const std::int32_t site : sites) {
        if (site < 0 || site >= this->sites())
            throw std::invalid_argument("the start opens site " + std::to_string(site) + ", there are " +
                                        std::to_string(this->sites()));
        if (opens[site]) continue;
        if (--left[kind[site]] < 0) throw std::invalid_argument("the start opens more sites than may be open");
        opens[site] = 1;
        result.push_back(site);
    }
    return result;
}

}  // namespace lastmile::siting
