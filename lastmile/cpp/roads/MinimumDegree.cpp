#include "MinimumDegree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>
#include <vector>

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// Sets of nodes as bits: those of the part, then those outside (folded where they are too many, which only blurs counts).
constexpr std::size_t kBits = 64;
constexpr std::size_t kOwnWords = kSmallPart / kBits;
constexpr std::size_t kOutsideWords = 2;
using Set = std::array<std::uint64_t, kOwnWords + kOutsideWords>;

void add(Set& set, std::size_t bit) { set[bit / kBits] |= std::uint64_t{1} << bit % kBits; }
void remove(Set& set, std::size_t bit) { set[bit / kBits] &= ~(std::uint64_t{1} << bit % kBits); }
int count(const Set& set) {
    int bits = 0;
    for (const auto word : set) {
        bits += std::popcount(word);
    }
    return bits;
}

std::vector<Set> neighbours(const Part& part, const Undirected& whole) {
    std::vector<std::pair<std::int32_t, std::size_t>> inside;
    for (std::size_t node = 0; node < part.size(); ++node) {
        inside.emplace_back(part.name[node], node);
    }
    std::ranges::sort(inside);
    std::vector<Set> sets(part.size(), Set{});
    std::vector<std::pair<std::int32_t, std::size_t>> outside;  // of which node
    for (std::size_t node = 0; node < part.size(); ++node) {
        const auto name = part.name[node];
        for (auto edge = whole.begin(name); edge < whole.end(name); ++edge) {
            const std::pair target{whole.head[at(edge)], std::size_t{0}};
            const auto found = std::ranges::lower_bound(inside, target);
            if (found != inside.end() && found->first == target.first) {
                add(sets[node], found->second);
            } else {
                outside.emplace_back(target.first, node);
            }
        }
    }
    std::ranges::sort(outside);
    std::size_t bit = 0;
    for (std::size_t i = 0; i < outside.size(); ++i) {
        bit += i > 0 && outside[i].first != outside[i - 1].first;
        add(sets[outside[i].second], kOwnWords * kBits + bit % (kOutsideWords * kBits));
    }
    return sets;
}

}  // namespace

void minimumDegree(const Part& part, const Undirected& whole, std::span<std::int32_t> order) {
    constexpr int kGone = std::numeric_limits<int>::max();
    std::vector<Set> sets = neighbours(part, whole);
    std::vector<int> degree;
    for (const Set& set : sets) {
        degree.push_back(count(set));
    }
    for (auto& place : order) {
        const auto chosen = static_cast<std::size_t>(std::ranges::min_element(degree) - degree.begin());
        place = part.name[chosen];
        degree[chosen] = kGone;
        const Set around = sets[chosen];
        for (std::size_t word = 0; word < kOwnWords; ++word) {
            for (std::uint64_t rest = around[word]; rest != 0; rest &= rest - 1) {
                const std::size_t node = word * kBits + static_cast<std::size_t>(std::countr_zero(rest));
                for (std::size_t k = 0; k < around.size(); ++k) {
                    sets[node][k] |= around[k];
                }
                remove(sets[node], chosen);
                remove(sets[node], node);
                degree[node] = count(sets[node]);
            }
        }
    }
}

}  // namespace lastmile::roads
