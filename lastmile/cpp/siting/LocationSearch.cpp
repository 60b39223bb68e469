#include "siting/LocationSearch.h"

#include <algorithm>
#include <cmath>

namespace lastmile::siting {

namespace {

constexpr double kExtra = 0.1;                  // of recreations that try one more site than pays

}  // namespace

LocationSearch::LocationSearch(const Location& location, std::uint64_t seed)
    : location(location), random(seed), set_(std::in_place_type<OpenSet>, location) {
    if (!location.capacity.empty()) set_.emplace<LoadedSet>(location);
}

void LocationSearch::start(std::span<const std::int32_t> sites) {
    std::visit([&](auto& set) { startWith(set, sites); }, set_);
}

template <typename Set>
void LocationSearch::startWith(Set& set, std::span<const std::int32_t> sites) {
    const std::vector<std::int32_t> wanted = location.toOpen(sites);
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (set.isOpen(s) && !location.standing[s]) set.close(s);
    for (const std::int32_t site : wanted) set.open(site);
    if (!sites.empty()) keep(set);
    fill(set);
    double sum = 0;
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (set.isOpen(s)) sum += std::abs(static_cast<double>(set.loss(s)));
    scale = std::max(1.0, sum / std::max(1, set.count()));
    if (set.cost() < bestCost) keep(set);
}

template <typename Set>
void LocationSearch::keep(const Set& set) {
    bestCost = set.cost();
    best_.clear();
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (set.isOpen(s)) best_.push_back(s);
}

void LocationSearch::run(std::int64_t iterations, const Cooling& how, double from, double to) {
    std::visit([&](auto& set) { runOn(set, iterations, how, from, to); }, set_);
}

template <typename Set>
void LocationSearch::runOn(Set& set, std::int64_t iterations, const Cooling& how, double from, double to) {
    if (location.customers() == 0 || location.sites() == 0) return;
    for (std::int64_t k = 0; k < iterations; ++k) {
        const double share = from + (to - from) * static_cast<double>(k) / static_cast<double>(iterations);
        const double temperature = scale * how.hot * std::pow(how.cold / how.hot, share);
        const Cost before = set.cost();
        set.begin();
        ruin(set, how.closed);
        recreate(set, how.blink);
        if (static_cast<double>(set.cost() - before) >= temperature * random.exponential()) {
            set.rollback();
        } else if (set.cost() < bestCost) {
            keep(set);
        }
    }
}

/// Walks from a customer over the sites that are near to the customers of these: neighbours of neighbours, as far as
/// it takes.
template <typename Set>
void LocationSearch::ruin(Set& set, std::int32_t most) {
    const std::int32_t wanted = 1 + random.below(most);
    std::int32_t customer = random.below(location.customers());
    std::int32_t closed = 0;
    for (std::int32_t hop = 0; hop < 4 * wanted && closed < wanted; ++hop) {
        const auto near = location.near(customer);
        if (near.empty()) {
            customer = random.below(location.customers());
            continue;
        }
        // From here on around, the first that is open.
        const auto count = static_cast<std::int32_t>(near.size());
        const std::int32_t from = random.below(count);
        std::int32_t at = near[from].other;
        for (std::int32_t k = 0; k < count; ++k) {
            const std::int32_t site = near[(from + k) % count].other;
            if (!set.isOpen(site) || location.standing[site]) continue;
            set.close(site);
            ++closed;
            at = site;
            break;
        }
        const auto of = location.of(at);
        customer = of[random.below(static_cast<std::int32_t>(of.size()))].other;
    }
}

template <typename Set>
void LocationSearch::recreate(Set& set, double blink) {
    passed.clear();
    // Where the number is free, one more is tried now and then: what it saves may be that another one can go.
    std::int32_t extra = !location.limited && random.unit() < kExtra ? 1 : 0;
    while (true) {
        const std::int32_t site = set.best();
        if (site < 0) break;
        if (set.gain(site) <= 0 && extra-- <= 0) break;
        if (random.unit() < blink) {
            set.hold(site, true);
            passed.push_back(site);
            continue;
        }
        set.open(site);
    }
    for (const std::int32_t site : passed) set.hold(site, false);
}

}  // namespace lastmile::siting
