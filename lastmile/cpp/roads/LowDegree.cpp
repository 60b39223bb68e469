#include "LowDegree.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace lastmile::roads {

namespace {

using Ids = std::vector<std::int32_t>;

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// Rows only ever shrink, so they are kept where they are.
class Reduction {
public:
    explicit Reduction(Undirected whole) : whole_(std::move(whole)), degree_(whole_.size()), gone_(whole_.size(), 0) {
        for (std::int32_t node = 0; std::cmp_less(node, whole_.size()); ++node) {
            degree_[at(node)] = whole_.end(node) - whole_.begin(node);
            queue(node);
        }
    }

    Reduced run() {
        // Dead ends before nodes between two others: they add the fewest arcs.
        while (!ends_.empty() || !between_.empty()) {
            Ids& open = ends_.empty() ? between_ : ends_;
            const auto node = open.back();
            open.pop_back();
            if (!gone_[at(node)]) {
                gone_[at(node)] = 1;
                taken_.push_back(node);
                takeOut(node);
            }
        }
        return rest();
    }

private:
    std::span<std::int32_t> row(std::int32_t node) {
        return std::span(whole_.head).subspan(at(whole_.begin(node)), at(degree_[at(node)]));
    }

    void queue(std::int32_t node) {
        if (degree_[at(node)] <= 2) {
            (degree_[at(node)] < 2 ? ends_ : between_).push_back(node);
        }
    }

    void takeOut(std::int32_t node) {
        const auto around = row(node);
        if (around.size() == 2 && std::ranges::find(row(around[0]), around[1]) == row(around[0]).end()) {
            std::ranges::replace(row(around[0]), node, around[1]);
            std::ranges::replace(row(around[1]), node, around[0]);
            return;
        }
        for (const auto other : around) {
            const auto its = row(other);
            *std::ranges::find(its, node) = its.back();
            --degree_[at(other)];
            queue(other);
        }
    }

    Reduced rest() {
        Reduced found{std::move(taken_), {}, {}};
        Ids local(whole_.size());
        for (std::int32_t node = 0; std::cmp_less(node, whole_.size()); ++node) {
            if (!gone_[at(node)]) {
                local[at(node)] = static_cast<std::int32_t>(found.left.size());
                found.left.push_back(node);
            }
        }
        found.rest.firstOut.push_back(0);
        for (const auto node : found.left) {
            const auto first = static_cast<std::ptrdiff_t>(found.rest.head.size());
            for (const auto target : row(node)) {
                found.rest.head.push_back(local[at(target)]);
            }
            std::sort(found.rest.head.begin() + first, found.rest.head.end());
            found.rest.firstOut.push_back(static_cast<std::int32_t>(found.rest.head.size()));
        }
        return found;
    }

    Undirected whole_;
    Ids degree_;
    std::vector<char> gone_;
    Ids ends_;
    Ids between_;
    Ids taken_;
};

}  // namespace

Reduced withoutLowDegree(Undirected whole) { return Reduction(std::move(whole)).run(); }

}  // namespace lastmile::roads
