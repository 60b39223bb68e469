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
constexpr std::ptrdiff_t kFew = 16;    // items that are sorted outright
constexpr double kWorthwhile = 1e-3;  // share of the gap by which a bound must be better to count

}  // namespace

LocationBound::LocationBound(const Location& location)
    : location(location), decided(location.choices()), prices_(location.customers()), values(location.sites()),
      filling(location.capacity.size()) {
    if (location.everyone) needed = std::accumulate(location.amount.begin(), location.amount.end(), 0.0);
    // What a customer's cheapest site saves it.
    flat = !location.capacity.empty();
    for (std::int32_t c = 0; c < location.customers(); ++c) {
        const auto near = location.near(c);
        const Cost price = near.size() > 1 && near[0].cost < near[1].cost ? near[1].cost : location.unserved[c];
        prices_[c] = static_cast<double>(std::min(price, location.unserved[c]));
        flat = flat && (near.empty() || near.front().cost == near.back().cost);
    }
    begin();
}

void LocationBound::decide(std::span<const std::int8_t> sites, std::span<const double> prices) {
    if (prices.size() != prices_.size()) throw std::invalid_argument("a price for each customer is needed");
    decided = location.choices(sites);
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

/// What an open site is worth, without its opening: it serves whoever pays more than it costs, as far as its capacity goes.
template <typename Serve>
double LocationBound::fill(std::int32_t site, const std::vector<double>& prices, Serve serve) {
    items.clear();
    double worth = 0, room = location.capacity[site], wanted = 0;
    for (const auto& [customer, cost] : location.of(site)) {
        const double saved = static_cast<double>(cost) - prices[customer];
        if (saved >= 0) continue;
        items.push_back({customer, saved, location.amount[customer]});
        wanted += location.amount[customer];
    }
    // The best of them that fit come first, as in quicksort but without what is certain to fit or not to.
    auto from = items.begin(), to = items.end();
    while (wanted > room && to - from > kFew) {
        const auto middle = from + (to - from) / 2;
        std::nth_element(from, middle, to);
        const double held = std::accumulate(from, middle, 0.0, [](double sum, const Item& item) { return sum + item.amount; });
        if (held > room) {
            to = middle;
            continue;
        }
        for (; from != middle; ++from) {
            worth += from->worth;
            room -= from->amount;
            wanted -= from->amount;
            serve(from->customer, 1.0);
        }
    }
    if (wanted > room) std::sort(from, to);
    for (; from != to; ++from) {
        const double share = from->amount <= room ? 1.0 : room / from->amount;
        if (share <= 0) break;
        worth += share * from->worth;
        room -= share * from->amount;
        serve(from->customer, share);
    }
    return worth;
}

/// The values of all sites without capacities. What costs a customer more than its price is not looked at, which of the
/// pairs of a median are most.
void LocationBound::serveAll(const std::vector<double>& prices) {
    for (std::int32_t s = 0; s < location.sites(); ++s) values[s] = static_cast<double>(location.opening[s]);
    for (std::int32_t c = 0; c < location.customers(); ++c)
        for (const auto& [site, cost] : location.near(c)) {
            const double saved = static_cast<double>(cost) - prices[c];
            if (saved >= 0) break;
            values[site] += saved;
        }
}

/// The values of all sites where each customer costs the same everywhere: all fill their rooms in the same order.
void LocationBound::fillAll(const std::vector<double>& prices) {
    items.clear();
    for (std::int32_t c = 0; c < location.customers(); ++c)
        if (const auto near = location.near(c); !near.empty())
            if (const double saved = static_cast<double>(near.front().cost) - prices[c]; saved < 0)
                items.push_back({c, saved, location.amount[c]});
    std::sort(items.begin(), items.end());
    for (std::int32_t s = 0; s < location.sites(); ++s)
        filling[s] = {static_cast<double>(location.opening[s]), location.capacity[s]};
    for (const Item& item : items) {
        if (item.amount <= 0) {
            for (const Location::Pair& pair : location.near(item.customer)) filling[pair.other].value += item.worth;
            continue;
        }
        const double each = item.worth / item.amount;
        for (const Location::Pair& pair : location.near(item.customer)) {
            Filling& at = filling[pair.other];
            const double taken = std::min(item.amount, at.room);
            at.value += taken * each;
            at.room -= taken;
        }
    }
    for (std::int32_t s = 0; s < location.sites(); ++s) values[s] = filling[s].value;
}

/// The bound at these prices; `chosen` are its sites.
double LocationBound::evaluate(const std::vector<double>& prices) {
    if (location.capacity.empty()) {
        serveAll(prices);
    } else if (flat) {
        fillAll(prices);
    } else {
        for (std::int32_t s = 0; s < location.sites(); ++s)
            if (decided[s] != Choice::kClosed)
                values[s] = static_cast<double>(location.opening[s]) + fill(s, prices, [](std::int32_t, double) {});
    }
    return std::accumulate(prices.begin(), prices.end(), 0.0) + choose();
}

/// The sites that are worth most at these values, and that worth; of the last one for the capacity only a share.
double LocationBound::choose(std::int32_t mustOpen, std::int32_t mustClose) {
    double sum = 0, held = 0;
    chosen.clear();
    order.clear();
    room = location.most;
    const auto take = [&](std::int32_t site, double share) {
        chosen.push_back({site, share});
        sum += share * values[site];
        if (needed > 0) held += share * location.capacity[site];
    };
    for (std::int32_t s = 0; s < location.sites(); ++s) {
        if (decided[s] == Choice::kOpen || s == mustOpen) {
            take(s, 1);
            --room[location.kind[s]];
        } else if (decided[s] == Choice::kFree && s != mustClose &&
                   (values[s] < 0 || (needed > 0 && location.capacity[s] > 0))) {
            order.push_back(s);
        }
    }
    if (needed <= 0 || location.limited) {
        // Sites of a kind lie together.
        std::erase_if(order, [&](std::int32_t s) { return values[s] >= 0; });
        for (auto from = order.begin(); from != order.end();) {
            const std::int32_t kind = location.kind[*from];
            const auto to = std::find_if(from, order.end(), [&](std::int32_t s) { return location.kind[s] != kind; });
            const auto count = static_cast<std::size_t>(std::max(room[kind], 0));
            const std::span<std::int32_t> ofKind(from, to);
            bringCheapest(ofKind, count);
            for (const std::int32_t s : ofKind.first(std::min(count, ofKind.size()))) take(s, 1);
            from = to;
        }
        return sum;
    }
    std::erase_if(order, [&](std::int32_t s) {
        if (values[s] < 0) take(s, 1);
        return values[s] < 0;
    });
    return sum + supply(std::max(0.0, needed - held));
}

/// So many of these, the cheapest ones, come first.
void LocationBound::bringCheapest(std::span<std::int32_t> sites, std::size_t count) const {
    if (count == 0 || count >= sites.size()) return;
    std::nth_element(sites.begin(), sites.begin() + static_cast<std::ptrdiff_t>(count), sites.end(),
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
    bringCheapest(order, count);
    const double byNumber =
        std::accumulate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), 0.0,
                        [&](double sum, std::int32_t s) { return sum + values[s]; });
    if (byNumber <= byCapacity) return byCapacity;
    chosen.resize(before);
    for (std::size_t k = 0; k < count; ++k) chosen.push_back({order[k], 1});
    return byNumber;
}

void LocationBound::markChosen() {
    isChosen.assign(values.size(), 0);
    for (const Chosen& one : chosen) isChosen[one.site] = 1;
}

/// Once each, less how often the chosen sites serve a customer.
void LocationBound::slope(const std::vector<double>& prices) {
    gradient.assign(prices.size(), 1.0);
    if (location.capacity.empty()) {
        markChosen();
        for (std::int32_t c = 0; c < location.customers(); ++c)
            for (const auto& [site, cost] : location.near(c)) {
                if (static_cast<double>(cost) >= prices[c]) break;
                if (isChosen[site]) gradient[c] -= 1;
            }
        return;
    }
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

Forced LocationBound::forced() {
    const double bound = evaluate(prices_);
    const std::size_t sites = values.size();
    Forced result{std::vector<double>(sites, bound), std::vector<double>(sites, bound)};
    markChosen();
    if (needed > 0) {
        const double prices = std::accumulate(prices_.begin(), prices_.end(), 0.0);
        for (std::size_t s = 0; s < sites; ++s) {
            if (decided[s] != Choice::kFree) continue;
            result.open[s] = prices + choose(static_cast<std::int32_t>(s), -1);
            result.closed[s] = prices + choose(-1, static_cast<std::int32_t>(s));
        }
        return result;
    }
    // Whoever is forced in may push the dearest of the chosen out; whoever is forced out makes room for the next one.
    const std::size_t kinds = location.most.size();
    std::vector<double> last(kinds, 0), next(kinds, 0);
    room = location.most;
    for (const auto& [site, share] : chosen) --room[location.kind[site]];
    for (std::size_t k = 0; k < kinds; ++k)
        if (room[k] <= 0) last[k] = -std::numeric_limits<double>::infinity();
    for (std::size_t s = 0; s < sites; ++s) {
        const std::int32_t kind = location.kind[s];
        if (decided[s] != Choice::kFree || room[kind] > 0) continue;
        if (isChosen[s]) {
            last[kind] = std::max(last[kind], values[s]);
        } else {
            next[kind] = std::min(next[kind], values[s]);
        }
    }
    for (std::size_t s = 0; s < sites; ++s) {
        if (decided[s] != Choice::kFree) continue;
        const std::int32_t kind = location.kind[s];
        (isChosen[s] ? result.closed[s] += next[kind] - values[s] : result.open[s] += values[s] - last[kind]);
    }
    return result;
}

}  // namespace lastmile::siting
