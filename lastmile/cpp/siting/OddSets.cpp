#include "siting/OddSets.h"

#include <algorithm>
#include <utility>

#include "siting/OddSetSearch.h"

namespace lastmile::siting {

namespace {

constexpr int kOfCustomer = 8;  // sets that a customer gets into at once

/// Two sets of one hash cost no more than a row.
std::uint64_t hashOf(std::span<const std::int32_t> ascending) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const std::int32_t one : ascending) {
        hash ^= static_cast<std::uint64_t>(one) + 0x9e3779b97f4a7c15;
        hash *= 0xff51afd7ed558ccd;
        hash ^= hash >> 32;
    }
    return hash;
}

}  // namespace

OddSets::OddSets(const CoveringPart& part) : part(part), near(part) { index(); }

void OddSets::index() {
    const std::size_t sites = part.site.size();
    std::vector<std::vector<std::int32_t>> sets(sites);
    std::vector<std::int32_t> count(sites, 0);
    for (std::size_t t = 0; t < size(); ++t) {
        for (const std::int32_t c : of(t))
            for (const std::int32_t k : near.of(c))
                if (++count[k] % 2 == 1) sets[k].push_back(static_cast<std::int32_t>(part.weight.size() + t));
        for (const std::int32_t c : of(t))
            for (const std::int32_t k : near.of(c)) count[k] = 0;
    }
    firstRow.assign(1, 0);
    row.clear();
    for (std::size_t k = 0; k < sites; ++k) {
        const auto customers = part.of(k);
        row.insert(row.end(), customers.begin(), customers.end());
        row.insert(row.end(), sets[k].begin(), sets[k].end());
        firstRow.push_back(row.size());
    }
}

void OddSets::keep(std::span<const std::uint8_t> kept) {
    std::vector<std::size_t> begins{0};
    std::vector<std::int32_t> members;
    for (std::size_t t = 0; t < size(); ++t) {
        if (!kept[t]) {
            known.erase(hashOf(of(t)));
            continue;
        }
        members.insert(members.end(), of(t).begin(), of(t).end());
        begins.push_back(members.size());
    }
    first = std::move(begins);
    customer = std::move(members);
    index();
}

void OddSets::take(const std::vector<std::vector<std::int32_t>>& sets) {
    if (sets.empty()) return;
    for (const auto& set : sets) {
        known.insert(hashOf(set));
        customer.insert(customer.end(), set.begin(), set.end());
        first.push_back(customer.size());
    }
    index();
}

/// The most broken ones first; each customer comes into a few only, so that all have some.
void OddSets::separate(std::span<const double> shares) {
    OddSetSearch search(part, near, shares);
    std::vector<int> count(part.weight.size(), 0);
    std::vector<std::int32_t> set;
    for (const OddSetSearch::Found& found : search.run()) {
        std::size_t most = part.weight.size();
        for (const std::int32_t p : found.patterns) most = std::min(most, search.customers(p).size());
        for (std::size_t n = 0; n < most; ++n) {
            set.clear();
            bool isFull = false;
            for (const std::int32_t p : found.patterns) {
                set.push_back(search.customers(p)[n]);
                isFull = isFull || count[set.back()] >= kOfCustomer;
            }
            if (isFull) continue;
            std::sort(set.begin(), set.end());
            if (!known.insert(hashOf(set)).second) continue;
            for (const std::int32_t c : set) ++count[c];
            customer.insert(customer.end(), set.begin(), set.end());
            first.push_back(customer.size());
        }
    }
    index();
}

}  // namespace lastmile::siting
