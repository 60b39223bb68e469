#include "siting/OddSetSearch.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace lastmile::siting {

namespace {

constexpr double kOpen = 0.02;           // share from which on a site is one of a pattern
constexpr double kSlack = 0.9;           // of a customer in a set, at most: all of a set together leave less than 1
constexpr double kBroken = 0.02;         // by how much a set must be broken
constexpr double kNearlyBroken = -0.2;  // and one that is widened: two more may break it
constexpr std::size_t kOthers = 40;      // patterns that have most in common
constexpr std::size_t kBest = 8;         // sets around a pattern

bool isBetter(const OddSetSearch::Found& x, const OddSetSearch::Found& y) {
    return x.broken != y.broken ? x.broken > y.broken : x.patterns < y.patterns;
}

}  // namespace

OddSetSearch::OddSetSearch(const CoveringPart& part, const Near& near, std::span<const double> shares)
    : shares(shares), ofSite(shares.size()), isOdd(shares.size(), 0), added(shares.size(), 0) {
    gather(part, near);
    for (std::size_t p = 0; p < patterns.size(); ++p)
        for (const std::int32_t k : patterns[p].sites) ofSite[k].push_back(static_cast<std::int32_t>(p));
    common.assign(patterns.size(), 0);
}

void OddSetSearch::gather(const CoveringPart& part, const Near& near) {
    std::map<std::vector<std::int32_t>, std::size_t> number;
    std::vector<std::int32_t> sites;
    for (std::size_t c = 0; c < part.weight.size(); ++c) {
        double cover = 0, open = 0;
        sites.clear();
        for (const std::int32_t k : near.of(c)) {
            cover += shares[k];
            if (shares[k] < kOpen) continue;
            open += shares[k];
            sites.push_back(k);
        }
        const double slack = std::abs(1 - cover) + (cover - open);
        // By one site alone it is either covered or not.
        if (sites.size() < 2 || slack > kSlack) continue;
        const auto [at, isNew] = number.try_emplace(sites, patterns.size());
        if (isNew) patterns.push_back({sites, {}, open, slack});
        Pattern& pattern = patterns[at->second];
        pattern.customers.push_back(static_cast<std::int32_t>(c));
        pattern.slack = std::min(pattern.slack, slack);
    }
    for (Pattern& pattern : patterns)
        std::stable_sort(pattern.customers.begin(), pattern.customers.end(),
                         [&](std::int32_t a, std::int32_t b) { return part.weight[a] > part.weight[b]; });
}

std::vector<OddSetSearch::Found> OddSetSearch::run() {
    std::vector<Found> ones;
    for (std::size_t p = 0; p < patterns.size(); ++p) ones.push_back({0, {static_cast<std::int32_t>(p)}});
    std::vector<Found> threes = widen(ones, kNearlyBroken);
    if (threes.size() > patterns.size()) threes.resize(patterns.size());
    std::vector<Found> found = widen(threes, kBroken);
    for (Found& three : threes)
        if (three.broken >= kBroken) found.push_back(std::move(three));
    std::sort(found.begin(), found.end(), isBetter);
    return found;
}

/// Each with two more patterns, broken by so much at the least; the most broken ones first.
std::vector<OddSetSearch::Found> OddSetSearch::widen(const std::vector<Found>& from, double least) {
    std::set<std::vector<std::int32_t>> known;
    std::vector<Found> result;
    for (const Found& one : from) {
        widen(one.patterns, least);
        for (Found& found : best) {
            std::sort(found.patterns.begin(), found.patterns.end());
            if (known.insert(found.patterns).second) result.push_back(std::move(found));
        }
    }
    std::sort(result.begin(), result.end(), isBetter);
    return result;
}

/// `best` becomes these patterns with two of those that have most in common with what is odd of them.
void OddSetSearch::widen(const std::vector<std::int32_t>& from, double least) {
    rank(from);
    double base = 0;
    for (const std::int32_t p : from) base += patterns[p].slack;
    for (const std::int32_t k : odd) base += shares[k];
    best.clear();
    double most = 1 - 2 * least;  // that may be odd
    for (std::size_t n = 0; n < others.size(); ++n) {
        const Pattern& a = patterns[others[n].pattern];
        const double rest = a.cover - others[n].common;
        for (const std::int32_t k : a.sites) added[k] = isOdd[k] ? 2 * shares[k] : -2 * shares[k];
        // In a broken three the pairs have more than (sum of covers and slacks - 1) / 2 in common, two of them two thirds
        // of it, and the pattern in both is the middle.
        const double wanted = (base - most) / 3 - others[n].key;
        for (std::size_t m = n + 1; m < others.size() && others[m].key >= wanted; ++m) {
            const Pattern& c = patterns[others[m].pattern];
            double sum = base + a.slack + c.slack + a.cover + c.cover - 2 * (others[n].common + others[m].common);
            if (sum - 2 * std::min(rest, c.cover - others[m].common) > most) continue;
            for (const std::int32_t k : c.sites) sum += added[k];
            if (sum > most) continue;
            best.push_back({(1 - sum) / 2, from});
            best.back().patterns.push_back(others[n].pattern);
            best.back().patterns.push_back(others[m].pattern);
            if (best.size() < 2 * kBest) continue;
            std::nth_element(best.begin(), best.begin() + kBest - 1, best.end(), isBetter);
            best.resize(kBest);
            most = 1 - 2 * best.back().broken;
        }
        for (const std::int32_t k : a.sites) added[k] = 0;
    }
    std::sort(best.begin(), best.end(), isBetter);
    best.resize(std::min(best.size(), kBest));
    for (const std::int32_t k : odd) isOdd[k] = 0;
}

/// `odd` becomes the sites that cover an odd number of these patterns, `others` what has most in common with them.
void OddSetSearch::rank(const std::vector<std::int32_t>& from) {
    odd.clear();
    touched.clear();
    others.clear();
    for (const std::int32_t p : from)
        for (const std::int32_t k : patterns[p].sites) isOdd[k] ^= 1;
    for (const std::int32_t p : from)
        for (const std::int32_t k : patterns[p].sites)
            if (isOdd[k] == 1) {
                odd.push_back(k);
                isOdd[k] = 2;
            }
    for (const std::int32_t k : odd)
        for (const std::int32_t p : ofSite[k]) {
            if (common[p] == 0) touched.push_back(p);
            common[p] += shares[k];
        }
    for (const std::int32_t p : touched) {
        if (std::find(from.begin(), from.end(), p) == from.end())
            others.push_back({common[p] - (patterns[p].cover + patterns[p].slack) / 3, common[p], p});
        common[p] = 0;
    }
    const auto count = static_cast<std::ptrdiff_t>(std::min(others.size(), kOthers));
    std::partial_sort(others.begin(), others.begin() + count, others.end(), [](const Other& x, const Other& y) {
        return x.key != y.key ? x.key > y.key : x.pattern < y.pattern;
    });
    others.resize(static_cast<std::size_t>(count));
}

}  // namespace lastmile::siting
