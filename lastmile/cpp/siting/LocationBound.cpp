#include "siting/LocationBound.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace lastmile::siting {

namespace {

constexpr std::int64_t kPatience = 20;  // steps without a better bound, until they shorten and begin at the best again
constexpr double kFirstPace = 1, kLeastPace = 1e-3, kSlower = 0.7;
constexpr double kMemory = 0.7;        // of the direction before
constexpr double kWorthwhile = 1e-3;  // share of the gap by which a bound must be better to count

}  // namespace

LocationBound::LocationBound(const Location& location)
    : location(location), decided(location.standing.begin(), location.standing.end()),
      prices_(location.customers()), values(location.sites()) {
    if (!location.capacity.empty()) needed = std::accumulate(location.amount.begin(), location.amount.end(), 0.0);
    // What a customer's cheapest site saves it.
    for (std::int32_t c = 0; c < location.customers(); ++c) {
        const auto near = location.near(c);
        const Cost price = near.size() > 1 && near[0].cost < near[1].cost ? near[1].cost : location.unserved[c];
        prices_[c] = static_cast<double>(std::min(price, location.unserved[c]));
    }
    begin();
}

void LocationBound::decide(std::span<const std::int8_t> sites, std::span<const double> prices) {
    if (sites.size() != decided.size() || prices.size() != prices_.size())
        throw std::invalid_argument("a decision for each site and a price for each customer are needed");
    decided.assign(sites.begin(), sites.end());
    for (std::size_t s = 0; s < decided.size(); ++s)
        if (location.standing[s]) decided[s] = kOpen;
    prices_.assign(prices.begin(), prices.end());
    begin();
}

/// From the prices as they are.
void LocationBound::begin() {
    restart();
    best_ = at;
    pace = kFirstPace;
    worse = 0;
}

/// On from the best prices.
void LocationBound::restart() {
    trial = prices_;
    at = evaluate(trial);
    slope(trial);
    direction = gradient;
}

/// What an open site is worth, without its opening: it serves whoever pays more than it costs, as far as it can.
template <typename Serve>
double LocationBound::fill(std::int32_t site, const std::vector<double>& prices, Serve serve) {
    double worth = 0;
    if (location.capacity.empty()) {
        for (const auto& [customer, cost] : location.of(site)) {
            const double saved = static_cast<double>(cost) - prices[customer];
            if (saved >= 0) continue;
            worth += saved;
            serve(customer, 1.0);
        }
        return worth;
    }
    items.clear();
    for (const auto& [customer, cost] : location.of(site)) {
        const double saved = static_cast<double>(cost) - prices[customer];
        if (saved < 0) items.push_back({customer, saved, location.amount[customer]});
    }
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
        const double left = a.worth * b.amount, right = b.worth * a.amount;
        return left != right ? left < right : a.customer < b.customer;
    });
    double room = location.capacity[site];
    for (const Item& item : items) {
        const double share = item.amount <= room ? 1.0 : room / item.amount;
        if (share <= 0) break;
        worth += share * item.worth;
        room -= share * item.amount;
        serve(item.customer, share);
    }
    return worth;
}

/// The bound at these prices; `chosen` are its sites.
double LocationBound::evaluate(const std::vector<double>& prices) {
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (decided[s] != kClosed)
            values[s] = static_cast<double>(location.opening[s]) + fill(s, prices, [](std::int32_t, double) {});
    return std::accumulate(prices.begin(), prices.end(), 0.0) + choose();
}

/// The sites that are worth most at these values, and that worth; of the last one for the capacity only a share.
double LocationBound::choose(std::int32_t mustOpen, std::int32_t mustClose) {
    double sum = 0, held = 0;
    chosen.clear();
    order.clear();
    const auto take = [&](std::int32_t site, double share) {
        chosen.push_back({site, share});
        sum += share * values[site];
        if (needed > 0) held += share * location.capacity[site];
    };
    for (std::int32_t s = 0; s < location.sites(); ++s) {
        if (decided[s] == kOpen || s == mustOpen) {
            take(s, 1);
        } else if (decided[s] == kFree && s != mustClose &&
                   (values[s] < 0 || (needed > 0 && location.capacity[s] > 0))) {
            order.push_back(s);
        }
    }
    const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, location.most - std::ssize(chosen)));
    if (needed <= 0 || location.most < location.sites()) {
        std::erase_if(order, [&](std::int32_t s) { return values[s] >= 0; });
        if (order.size() > room) {
            bringCheapest(room);
            order.resize(room);
        }
        for (const std::int32_t s : order) take(s, 1);
        return sum;
    }
    std::erase_if(order, [&](std::int32_t s) {
        if (values[s] < 0) take(s, 1);
        return values[s] < 0;
    });
    return sum + supply(std::max(0.0, needed - held));
}

/// So many of `order`, the cheapest ones, come first.
void LocationBound::bringCheapest(std::size_t count) {
    if (count == 0 || count >= order.size()) return;
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                     [&](std::int32_t a, std::int32_t b) {
                         return values[a] != values[b] ? values[a] < values[b] : a < b;
                     });
}

/// The cheapest of `order` that hold so much more, at the least: by what each unit of capacity costs, the last one only
/// in part, or by their number, if that comes to more; `chosen` and `order` become theirs.
double LocationBound::supply(double wanted) {
    if (wanted <= needed * 1e-9) return 0;
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
        const double left = values[a] / location.capacity[a], right = values[b] / location.capacity[b];
        return left != right ? left < right : a < b;
    });
    double byCapacity = 0, held = 0;
    const std::size_t before = chosen.size();
    for (const std::int32_t s : order) {
        if (held >= wanted) break;
        const double share = std::min(1.0, (wanted - held) / location.capacity[s]);
        chosen.push_back({s, share});
        byCapacity += share * values[s];
        held += share * location.capacity[s];
    }
    if (held < wanted * (1 - 1e-9)) return std::numeric_limits<double>::infinity();
    // However they are chosen, it takes as many as of the largest.
    sizes.clear();
    for (const std::int32_t s : order) sizes.push_back(location.capacity[s]);
    std::sort(sizes.begin(), sizes.end(), std::greater<>());
    std::size_t count = 0;
    for (double left = wanted * (1 - 1e-9); left > 0; ++count) left -= sizes[count];
    bringCheapest(count);
    const double byNumber =
        std::accumulate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), 0.0,
                        [&](double sum, std::int32_t s) { return sum + values[s]; });
    if (byNumber <= byCapacity) return byCapacity;
    chosen.resize(before);
    for (std::size_t k = 0; k < count; ++k) chosen.push_back({order[k], 1});
    return byNumber;
}

/// Once each, less how often the chosen sites serve a customer.
void LocationBound::slope(const std::vector<double>& prices) {
    gradient.assign(prices.size(), 1.0);
    for (const auto& [site, part] : chosen)
        fill(site, prices, [&, part = part](std::int32_t customer, double share) { gradient[customer] -= part * share; });
}

void LocationBound::run(std::int64_t steps, Cost target) {
    const auto aim = static_cast<double>(target);
    // One that pays the price of no service may be left without it.
    const auto capped = [&](std::size_t c) {
        return direction[c] > 0 && trial[c] >= static_cast<double>(location.unserved[c]);
    };
    for (std::int64_t k = 0; k < steps && best_ < aim; ++k) {
        double length = 0;
        for (std::size_t c = 0; c < direction.size(); ++c)
            if (!capped(c)) length += direction[c] * direction[c];
        if (length <= 0) return;
        const double step = pace * (aim - at) / length;
        for (std::size_t c = 0; c < direction.size(); ++c)
            if (!capped(c)) trial[c] = std::min(static_cast<double>(location.unserved[c]), trial[c] + step * direction[c]);
        at = evaluate(trial);
        slope(trial);
        for (std::size_t c = 0; c < direction.size(); ++c) direction[c] = gradient[c] + kMemory * direction[c];
        if (at > best_) {
            worse = at > best_ + kWorthwhile * (aim - best_) ? 0 : worse + 1;
            best_ = at;
            prices_ = trial;
        } else {
            ++worse;
        }
        if (worse < kPatience) continue;
        worse = 0;
        pace = pace * kSlower < kLeastPace ? kFirstPace : pace * kSlower;
        restart();
    }
}

LocationBound::Forced LocationBound::forced() {
    const double bound = evaluate(prices_);
    const std::size_t sites = values.size();
    Forced result{std::vector<double>(sites, bound), std::vector<double>(sites, bound)};
    std::vector<std::uint8_t> isChosen(sites, 0);
    for (const auto& [site, share] : chosen) isChosen[site] = 1;
    if (needed > 0) {
        const double prices = std::accumulate(prices_.begin(), prices_.end(), 0.0);
        for (std::size_t s = 0; s < sites; ++s) {
            if (decided[s] != kFree) continue;
            result.open[s] = prices + choose(static_cast<std::int32_t>(s), -1);
            result.closed[s] = prices + choose(-1, static_cast<std::int32_t>(s));
        }
        return result;
    }
    // Whoever is forced in may push the dearest of the chosen out; whoever is forced out makes room for the next one.
    double last = 0, next = 0;
    if (std::ssize(chosen) >= location.most) {
        last = -std::numeric_limits<double>::infinity();
        for (std::size_t s = 0; s < sites; ++s) {
            if (decided[s] != kFree) continue;
            if (isChosen[s]) {
                last = std::max(last, values[s]);
            } else {
                next = std::min(next, values[s]);
            }
        }
    }
    for (std::size_t s = 0; s < sites; ++s) {
        if (decided[s] != kFree) continue;
        (isChosen[s] ? result.closed[s] += next - values[s] : result.open[s] += values[s] - last);
    }
    return result;
}

}  // namespace lastmile::siting
