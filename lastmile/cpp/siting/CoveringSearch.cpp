#include "siting/CoveringSearch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>
#include <utility>

namespace lastmile::siting {

namespace {

constexpr int kFar = 2;                    // open sites from anywhere that a look tries
constexpr std::int64_t kAtOnce = 1 << 10;  // iterations at one temperature
constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// With nothing decided but what stands.
CoveringPart whole(const Location& location) {
    std::vector<Choice> decided = location.choices();
    return Covering(location).part(decided);
}

/// What the sites that are open cost, and their customers and all others.
double costOf(const Location& location, std::span<const std::uint8_t> isOpen) {
    double sum = 0;
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (isOpen[s]) sum += static_cast<double>(location.opening[s]);
    for (std::int32_t c = 0; c < location.customers(); ++c) {
        Cost cost = location.unserved[c];
        for (const Location::Pair& pair : location.near(c))
            if (isOpen[pair.other]) {
                cost = std::min(cost, pair.cost);
                break;
            }
        sum += static_cast<double>(cost);
    }
    return sum;
}

}  // namespace

CoveringSearch::CoveringSearch(const Location& location, std::uint64_t seed)
    : location(location), random(seed), part(whole(location)), kind(part.site.size()), position(part.site.size(), -1),
      open(part.kinds.size()), covers(part.weight.size()), count(part.weight.size(), 0), mixed(part.weight.size(), 0),
      lost(part.site.size(), 0), shared(part.site.size() + kSites, 0), owners(shared.size() + 1), total(part.paid) {
    for (std::size_t h = 0; h < part.kinds.size(); ++h)
        for (std::size_t k = part.kinds[h].from; k < part.kinds[h].to; ++k) kind[k] = static_cast<std::int32_t>(h);
    for (std::size_t c = 0; c < covers.size(); ++c) covers[c] = {part.weight[c], kNone};
    total = std::accumulate(part.weight.begin(), part.weight.end(), total);
}

void CoveringSearch::start(std::span<const std::int32_t> sites) {
    std::vector<std::uint8_t> opens = location.standing;
    for (const std::int32_t site : location.toOpen(sites)) opens[site] = 1;
    if (const double cost = sites.empty() ? kInfinite : costOf(location, opens); cost < bestCost) {
        bestCost = cost;
        best_.clear();
        for (std::int32_t s = 0; s < location.sites(); ++s)
            if (opens[s]) best_.push_back(s);
    }
    // What others are as good as is left closed.
    for (std::size_t k = 0; k < part.site.size(); ++k)
        if (const bool wanted = opens[part.site[k]]; wanted != (position[k] >= 0))
            change(static_cast<std::int32_t>(k), wanted);
    fill();
    double sum = 0;
    std::size_t opened = 0;
    for (const auto& ofKind : open)
        for (const std::int32_t k : ofKind) {
            sum += std::abs(lost[k] - part.opening[k]);
            ++opened;
        }
    scale = std::max(1.0, sum / static_cast<double>(std::max<std::size_t>(1, opened)));
    if (total < bestCost) keep();
}

/// Opens the site that saves most as long as one does. What a site saves only falls, so that it is looked at anew only
/// where it comes first: Minoux (1978), doi:10.1007/BFb0006528.
void CoveringSearch::fill() {
    const auto saved = [&](std::int32_t site) {
        double sum = -part.opening[site];
        for (const std::int32_t c : part.of(site))
            if (covers[c].owner == kNone) sum += covers[c].weight;
        return sum;
    };
    std::priority_queue<std::pair<double, std::int32_t>> queue;  // what is saved at most, and the site's complement
    for (std::int32_t k = 0; k < std::ssize(position); ++k)
        if (position[k] < 0) queue.emplace(saved(k), ~k);
    while (!queue.empty() && queue.top().first > 0) {
        const auto [most, complement] = queue.top();
        queue.pop();
        const std::int32_t site = ~complement;
        if (!hasRoom(kind[site])) continue;
        const double now = saved(site);
        if (now < most) {
            queue.emplace(now, complement);
        } else {
            change(site, true);
        }
    }
}

void CoveringSearch::run(std::int64_t iterations, const Cooling& how, double from, double to) {
    const auto sites = static_cast<std::int32_t>(part.site.size());
    if (sites == 0) return;
    double temperature = 0;
    for (std::int64_t k = 0; k < iterations; ++k) {
        if (k % kAtOnce == 0) {
            const double share = from + (to - from) * static_cast<double>(k) / static_cast<double>(iterations);
            temperature = scale * how.hot * std::pow(how.cold / how.hot, share);
        }
        const std::int32_t site = random.below(sites);
        const Move move =
            position[site] < 0 ? look(site) : Move{lost[site] - part.opening[site], -1, site};
        if (move.cost > 0) {
            if (move.cost >= temperature * random.exponential()) continue;
            if (!isKept) keep();
        }
        if (move.closed >= 0) change(move.closed, false);
        if (move.opened >= 0) change(move.opened, true);
        if (total < bestCost) {
            bestCost = total;
            isKept = false;
        }
    }
    if (!isKept) keep();
}

/// The best way to open a site.
CoveringSearch::Move CoveringSearch::look(std::int32_t site) {
    std::size_t found = 0;
    for (const std::int32_t c : part.of(site)) {
        // Without branches, as these would be guessed wrong: whoever is there already is overwritten.
        const Cover& cover = covers[c];
        double& sum = shared[cover.owner];
        owners[found] = cover.owner;
        found += sum == 0 ? 1 : 0;
        sum += cover.weight;
    }
    const bool mayAdd = hasRoom(kind[site]);
    const double alone = part.opening[site] - shared[kNone];
    Move best{mayAdd ? alone : kInfinite, site, -1};
    const auto instead = [&](std::int32_t closed) {
        const double cost = alone + lost[closed] - part.opening[closed] - shared[kSites + closed];
        if (cost < best.cost) best.cost = cost, best.closed = closed;
    };
    for (std::size_t n = 0; n < found; ++n)
        if (const std::int32_t other = owners[n] - kSites; other >= 0 && (mayAdd || kind[other] == kind[site]))
            instead(other);
    if (const auto& ofKind = open[kind[site]]; !mayAdd)
        for (int n = 0; n < kFar; ++n) instead(ofKind[random.below(static_cast<std::int32_t>(ofKind.size()))]);
    for (std::size_t n = 0; n < found; ++n) shared[owners[n]] = 0;
    return best;
}

void CoveringSearch::change(std::int32_t site, bool opens) {
    auto& ofKind = open[kind[site]];
    total += opens ? part.opening[site] : -part.opening[site];
    if (opens) {
        position[site] = static_cast<std::int32_t>(ofKind.size());
        ofKind.push_back(site);
    } else {
        ofKind[position[site]] = ofKind.back();
        position[ofKind.back()] = position[site];
        position[site] = -1;
        ofKind.pop_back();
    }
    for (const std::int32_t c : part.of(site)) {
        Cover& cover = covers[c];
        mixed[c] ^= site;
        count[c] += opens ? 1 : -1;
        if (cover.owner >= kSites) lost[cover.owner - kSites] -= cover.weight;
        if (cover.owner == kNone) total -= cover.weight;
        cover.owner = count[c] > 1 ? kMany : count[c] == 1 ? kSites + mixed[c] : kNone;
        if (cover.owner >= kSites) lost[cover.owner - kSites] += cover.weight;
        if (cover.owner == kNone) total += cover.weight;
    }
}

void CoveringSearch::keep() {
    bestCost = total;
    isKept = true;
    best_.clear();
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (location.standing[s]) best_.push_back(s);
    for (const auto& ofKind : open)
        for (const std::int32_t k : ofKind) best_.push_back(part.site[k]);
    std::sort(best_.begin(), best_.end());
}

}  // namespace lastmile::siting
