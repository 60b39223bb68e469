#include "siting/CoveringRelaxation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

namespace lastmile::siting {

namespace {

constexpr double kStep = 0.99;               // of what is certain to converge
constexpr double kEnough = 0.4;              // share of the gap at the last restart that is left at the next one
constexpr std::int64_t kLongest = 400;       // steps between two restarts
constexpr int kRounds = 60;                  // of a projection: more than the halvings that doubles allow
constexpr double kWhole = 1e-10;             // share of the room within which a projection is exact

}  // namespace

CoveringRelaxation::CoveringRelaxation(const CoveringPart& part, std::vector<double> prices, std::vector<double> shares,
                                       double balance, const OddSets* sets)
    : part(part), sets(sets), numberInSets(part.weight.size(), -1), ofSite(part.site.size()),
      threshold(part.kinds.size(), 0), balance_(balance), bound_(-std::numeric_limits<double>::infinity()),
      cost_(std::numeric_limits<double>::infinity()) {
    const std::size_t customers = part.weight.size();
    ofRow.assign(customers + countSets(), 0);
    needed.assign(ofRow.size(), 1);
    dearest = part.weight;
    dearest.resize(ofRow.size(), std::numeric_limits<double>::infinity());
    for (std::size_t t = 0; t < countSets(); ++t) {
        needed[customers + t] = sets->demand(t);
        for (const std::int32_t c : sets->of(t)) {
            if (numberInSets[c] < 0) {
                numberInSets[c] = static_cast<std::int32_t>(inSets.size());
                inSets.push_back(c);
                ofMissed.push_back(1);
                ++ofRow[c];
            }
            ++ofMissed[numberInSets[c]];
            ++ofRow[customers + t];
        }
    }
    // In sets, what is paid beyond the weight is taken off the bound instead.
    for (const std::int32_t c : inSets) dearest[c] = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < ofSite.size(); ++k) {
        for (const std::int32_t r : rows(k)) ++ofRow[r];
        ofSite[k] = static_cast<double>(rows(k).size());
    }
    for (std::vector<double>* steps : {&ofSite, &ofRow, &ofMissed})
        for (double& each : *steps) each = 1 / each;
    for (std::size_t r = 0; r < prices.size(); ++r) prices[r] = std::clamp(prices[r], 0.0, dearest[r]);
    at.prices = std::move(prices);
    at.shares = std::move(shares);
    project(at.shares);
    at.missed.assign(inSets.size(), 0);
    cover(at);
    for (std::size_t n = 0; n < inSets.size(); ++n) at.missed[n] = std::max(0.0, 1 - at.cover[inSets[n]]);
    cover(at);
    earn(at);
    gap = look(at);
    next = anchor = at;
}

CoveringRelaxation CoveringRelaxation::begin(const CoveringPart& part, const OddSets* sets) {
    std::vector<double> shares(part.site.size());
    for (const CoveringPart::Kind& kind : part.kinds)
        for (std::size_t k = kind.from; k < kind.to; ++k)
            shares[k] = std::min(1.0, static_cast<double>(kind.room) / static_cast<double>(kind.to - kind.from));
    const double weight = std::accumulate(part.weight.begin(), part.weight.end(), 0.0);
    return {part, std::vector<double>(part.weight.size(), 0), std::move(shares),
            weight / static_cast<double>(part.weight.size()), sets};
}

void CoveringRelaxation::run() {
    for (std::int64_t k = 0; k < kStride; ++k) {
        step();
        ++steps;
        if (k + 1 == kStride) {
            const double now = look(next);
            if (now <= kEnough * gap || steps >= kLongest) {
                gap = now;
                restart();
                return;
            }
        }
        drawBack();
    }
}

CoveringRelaxation CoveringRelaxation::cut(OddSets& ofThis) {
    const std::size_t customers = part.weight.size();
    std::vector<std::uint8_t> kept(ofThis.size(), 0);
    std::size_t count = customers;
    for (std::size_t t = 0; t < kept.size(); ++t) {
        if (bestPrices[customers + t] <= 0) continue;
        kept[t] = 1;
        bestPrices[count++] = bestPrices[customers + t];
    }
    ofThis.keep(kept);
    ofThis.separate(bestShares);
    bestPrices.resize(count);
    bestPrices.resize(customers + ofThis.size(), 0);
    return {part, std::move(bestPrices), std::move(bestShares), balance_, &ofThis};
}

/// From `at` to `next`.
void CoveringRelaxation::step() {
    const double ofShares = kStep / balance_, ofPrices = kStep * balance_;
    for (std::size_t k = 0; k < ofSite.size(); ++k)
        next.shares[k] = at.shares[k] + ofShares * ofSite[k] * (at.earned[k] - part.opening[k]);
    project(next.shares);
    for (std::size_t n = 0; n < inSets.size(); ++n)
        next.missed[n] =
            std::clamp(at.missed[n] + ofShares * ofMissed[n] * (at.owed[n] - part.weight[inSets[n]]), 0.0, 1.0);
    cover(next);
    for (std::size_t r = 0; r < ofRow.size(); ++r) {
        const double missing = needed[r] - (2 * next.cover[r] - at.cover[r]);
        next.prices[r] = std::clamp(at.prices[r] + ofPrices * ofRow[r] * missing, 0.0, dearest[r]);
    }
    earn(next);
}

/// From `next`, reflected, towards the anchor. What follows from a point is linear in it.
void CoveringRelaxation::drawBack() {
    const double on = static_cast<double>(steps) / static_cast<double>(steps + 1);
    const auto draw = [on](std::vector<double>& from, const std::vector<double>& to, const std::vector<double>& back) {
        for (std::size_t k = 0; k < from.size(); ++k) from[k] = on * (2 * to[k] - from[k]) + (1 - on) * back[k];
    };
    draw(at.prices, next.prices, anchor.prices);
    draw(at.cover, next.cover, anchor.cover);
    draw(at.shares, next.shares, anchor.shares);
    draw(at.earned, next.earned, anchor.earned);
    draw(at.missed, next.missed, anchor.missed);
    draw(at.owed, next.owed, anchor.owed);
}

/// On from `next`, with steps in the ratio of the ways that both sides went.
void CoveringRelaxation::restart() {
    const auto way = [](const std::vector<double>& to, const std::vector<double>& from, const std::vector<double>& steps) {
        double sum = 0;
        for (std::size_t k = 0; k < to.size(); ++k) sum += (to[k] - from[k]) * (to[k] - from[k]) / steps[k];
        return sum;
    };
    const double ofPrices = way(next.prices, anchor.prices, ofRow);
    const double ofShares = way(next.shares, anchor.shares, ofSite) + way(next.missed, anchor.missed, ofMissed);
    if (ofPrices > 0 && ofShares > 0) {
        const double balance = std::sqrt(balance_ * std::sqrt(ofPrices / ofShares));
        if (std::isnormal(balance)) balance_ = balance;
    }
    at = anchor = next;
    steps = 0;
}

/// Keeps the best of both sides, and tells their gap.
double CoveringRelaxation::look(const Point& point) {
    const double bound = lower(point), cost = upper(point);
    if (bound > bound_) {
        bound_ = bound;
        bestPrices = point.prices;
    }
    if (cost < cost_) {
        cost_ = cost;
        bestShares = point.shares;
    }
    return cost - bound;
}

/// What the shares cost: customers in sets are left uncovered as far as those still miss.
double CoveringRelaxation::upper(const Point& point) {
    double cost = part.paid;
    for (std::size_t k = 0; k < part.opening.size(); ++k) cost += part.opening[k] * point.shares[k];
    for (std::size_t c = 0; c < part.weight.size(); ++c)
        if (numberInSets[c] < 0) cost += part.weight[c] * std::max(0.0, 1 - point.cover[c]);
    uncovered = point.missed;
    for (std::size_t n = 0; n < inSets.size(); ++n) uncovered[n] += std::max(0.0, 1 - point.cover[inSets[n]]);
    for (std::size_t t = 0; t < countSets(); ++t) {
        const std::size_t row = part.weight.size() + t;
        double missing = needed[row] - point.cover[row];
        for (const std::int32_t c : sets->of(t)) missing -= uncovered[numberInSets[c]] - point.missed[numberInSets[c]];
        for (const std::int32_t c : sets->of(t)) {
            double& share = uncovered[numberInSets[c]];
            const double more = std::clamp(missing, 0.0, std::max(0.0, 1 - share));
            share += more;
            missing -= more;
        }
    }
    for (std::size_t n = 0; n < inSets.size(); ++n) cost += part.weight[inSets[n]] * uncovered[n];
    return cost;
}

double CoveringRelaxation::lower(const Point& point) {
    double sum = part.paid;
    for (std::size_t r = 0; r < point.prices.size(); ++r) sum += needed[r] * point.prices[r];
    for (std::size_t n = 0; n < inSets.size(); ++n) sum -= std::max(0.0, point.owed[n] - part.weight[inSets[n]]);
    for (const CoveringPart::Kind& kind : part.kinds) {
        choose(kind, point.earned);
        for (const std::size_t k : order) sum += part.opening[k] - point.earned[k];
    }
    return sum;
}

/// `order` becomes the sites of a kind that earn more than they cost, as many as may open, the best ones.
void CoveringRelaxation::choose(const CoveringPart::Kind& kind, const std::vector<double>& earned) {
    order.clear();
    for (std::size_t k = kind.from; k < kind.to; ++k)
        if (earned[k] > part.opening[k]) order.push_back(k);
    if (order.size() <= kind.room) return;
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kind.room), order.end(),
                     [&](std::size_t a, std::size_t b) {
                         const double left = earned[a] - part.opening[a], right = earned[b] - part.opening[b];
                         return left != right ? left > right : a < b;
                     });
    order.resize(kind.room);
}

/// To the nearest shares that are allowed, in the metric of the steps: of each kind what all have to give is a
/// threshold for each of their steps, found by Newton's method between bounds.
void CoveringRelaxation::project(std::vector<double>& shares) {
    for (std::size_t h = 0; h < part.kinds.size(); ++h) {
        const auto [from, to, most] = part.kinds[h];
        const auto room = static_cast<double>(most);
        double low = 0, high = std::numeric_limits<double>::infinity(), all = 0, give = threshold[h];
        for (std::size_t k = from; k < to; ++k) all += std::clamp(shares[k], 0.0, 1.0);
        if (all <= room) give = 0;
        for (int round = 0; round < kRounds && all > room; ++round) {
            double sum = 0, slope = 0;
            for (std::size_t k = from; k < to; ++k) {
                const double share = shares[k] - ofSite[k] * give;
                if (share >= 1) {
                    sum += 1;
                } else if (share > 0) {
                    sum += share;
                    slope += ofSite[k];
                }
            }
            if (std::abs(sum - room) <= kWhole * room) break;
            (sum > room ? low : high) = give;
            double better = slope > 0 ? give + (sum - room) / slope : -1;
            if (!(better > low && better < high)) better = std::isinf(high) ? 2 * give + 1 : (low + high) / 2;
            if (better == give) break;
            give = better;
        }
        threshold[h] = give;
        for (std::size_t k = from; k < to; ++k) shares[k] = std::clamp(shares[k] - ofSite[k] * give, 0.0, 1.0);
    }
}

void CoveringRelaxation::cover(Point& point) const {
    point.cover.assign(ofRow.size(), 0);
    for (std::size_t k = 0; k < point.shares.size(); ++k)
        if (point.shares[k] > 0)
            for (const std::int32_t r : rows(k)) point.cover[r] += point.shares[k];
    for (std::size_t n = 0; n < inSets.size(); ++n) point.cover[inSets[n]] += point.missed[n];
    for (std::size_t t = 0; t < countSets(); ++t)
        for (const std::int32_t c : sets->of(t)) point.cover[part.weight.size() + t] += point.missed[numberInSets[c]];
}

void CoveringRelaxation::earn(Point& point) const {
    earn(point.prices, point.earned);
    point.owed.resize(inSets.size());
    for (std::size_t n = 0; n < inSets.size(); ++n) point.owed[n] = point.prices[inSets[n]];
    for (std::size_t t = 0; t < countSets(); ++t)
        for (const std::int32_t c : sets->of(t)) point.owed[numberInSets[c]] += point.prices[part.weight.size() + t];
}

void CoveringRelaxation::earn(const std::vector<double>& prices, std::vector<double>& result) const {
    result.resize(part.site.size());
    for (std::size_t k = 0; k < result.size(); ++k) {
        // Four sums do not wait for each other.
        const auto of = rows(k);
        double sums[4] = {};
        std::size_t n = 0;
        for (; n + 4 <= of.size(); n += 4)
            for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += prices[of[n + lane]];
        for (; n < of.size(); ++n) sums[0] += prices[of[n]];
        result[k] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}

CoveringRelaxation::ForcedOfPart CoveringRelaxation::forced() {
    const std::size_t sites = part.site.size();
    std::vector<double> earned;
    earn(bestPrices, earned);
    ForcedOfPart result{{std::vector<double>(sites, bound_), std::vector<double>(sites, bound_)},
                        std::vector<std::uint8_t>(sites, 0)};
    const auto value = [&](std::size_t k) { return part.opening[k] - earned[k]; };
    for (const CoveringPart::Kind& kind : part.kinds) {
        choose(kind, earned);
        for (const std::size_t k : order) result.isChosen[k] = 1;
        // Whoever is forced in may push the dearest of the chosen out; whoever is forced out makes room for the next.
        double last = 0, next = 0;
        if (order.size() == kind.room) {
            last = -std::numeric_limits<double>::infinity();
            for (std::size_t k = kind.from; k < kind.to; ++k) {
                double& limit = result.isChosen[k] ? last : next;
                limit = result.isChosen[k] ? std::max(limit, value(k)) : std::min(limit, value(k));
            }
        }
        for (std::size_t k = kind.from; k < kind.to; ++k)
            (result.isChosen[k] ? result.closed[k] += next - value(k) : result.open[k] += value(k) - last);
    }
    return result;
}

}  // namespace lastmile::siting
