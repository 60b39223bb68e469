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
                                       double balance)
    : part(part), ofSite(part.site.size()), ofCustomer(part.weight.size(), 0), threshold(part.kinds.size(), 0),
      balance_(balance), bound_(-std::numeric_limits<double>::infinity()),
      cost_(std::numeric_limits<double>::infinity()) {
    for (const std::int32_t c : part.customer) ++ofCustomer[c];
    for (double& each : ofCustomer) each = 1 / each;
    for (std::size_t k = 0; k < ofSite.size(); ++k) ofSite[k] = 1.0 / static_cast<double>(part.of(k).size());
    for (std::size_t c = 0; c < prices.size(); ++c) prices[c] = std::clamp(prices[c], 0.0, part.weight[c]);
    at.prices = std::move(prices);
    at.shares = std::move(shares);
    project(at.shares);
    cover(at.shares, at.cover);
    earn(at.prices, at.earned);
    gap = look(at);
    next = anchor = at;
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

/// From `at` to `next`.
void CoveringRelaxation::step() {
    const double ofShares = kStep / balance_, ofPrices = kStep * balance_;
    for (std::size_t k = 0; k < ofSite.size(); ++k)
        next.shares[k] = at.shares[k] + ofShares * ofSite[k] * (at.earned[k] - part.opening[k]);
    project(next.shares);
    cover(next.shares, next.cover);
    for (std::size_t c = 0; c < ofCustomer.size(); ++c) {
        const double missing = 1 - (2 * next.cover[c] - at.cover[c]);
        next.prices[c] = std::clamp(at.prices[c] + ofPrices * ofCustomer[c] * missing, 0.0, part.weight[c]);
    }
    earn(next.prices, next.earned);
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
}

/// On from `next`, with steps in the ratio of the ways that both sides went.
void CoveringRelaxation::restart() {
    const auto way = [](const std::vector<double>& to, const std::vector<double>& from, const std::vector<double>& steps) {
        double sum = 0;
        for (std::size_t k = 0; k < to.size(); ++k) sum += (to[k] - from[k]) * (to[k] - from[k]) / steps[k];
        return sum;
    };
    const double ofPrices = way(next.prices, anchor.prices, ofCustomer);
    const double ofShares = way(next.shares, anchor.shares, ofSite);
    if (ofPrices > 0 && ofShares > 0) {
        const double balance = std::sqrt(balance_ * std::sqrt(ofPrices / ofShares));
        if (std::isnormal(balance)) balance_ = balance;
    }
    at = anchor = next;
    steps = 0;
}

/// Keeps the best of both sides, and tells their gap.
double CoveringRelaxation::look(const Point& point) {
    double cost = part.paid;
    for (std::size_t k = 0; k < part.opening.size(); ++k) cost += part.opening[k] * point.shares[k];
    for (std::size_t c = 0; c < part.weight.size(); ++c) cost += part.weight[c] * std::max(0.0, 1 - point.cover[c]);
    const double bound = lower(point);
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

double CoveringRelaxation::lower(const Point& point) {
    double sum = part.paid + std::accumulate(point.prices.begin(), point.prices.end(), 0.0);
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

void CoveringRelaxation::cover(const std::vector<double>& shares, std::vector<double>& result) const {
    result.assign(part.weight.size(), 0);
    for (std::size_t k = 0; k < shares.size(); ++k)
        if (shares[k] > 0)
            for (const std::int32_t c : part.of(k)) result[c] += shares[k];
}

void CoveringRelaxation::earn(const std::vector<double>& prices, std::vector<double>& result) const {
    result.resize(part.site.size());
    for (std::size_t k = 0; k < result.size(); ++k) {
        // Four sums do not wait for each other.
        const auto of = part.of(k);
        double sums[4] = {};
        std::size_t n = 0;
        for (; n + 4 <= of.size(); n += 4)
            for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += prices[of[n + lane]];
        for (; n < of.size(); ++n) sums[0] += prices[of[n]];
        result[k] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}

CoveringRelaxation::Forced CoveringRelaxation::forced() {
    const std::size_t sites = part.site.size();
    std::vector<double> earned;
    earn(bestPrices, earned);
    Forced result{std::vector<double>(sites, bound_), std::vector<double>(sites, bound_),
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
