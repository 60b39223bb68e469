#include "Part.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace lastmile::roads {

namespace {

using Ids = std::vector<std::int32_t>;

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

}  // namespace

Undirected undirected(const Graph& graph) {
    // Rows of both directions, then each row sorted and without repetitions.
    Undirected found;
    found.firstOut.assign(at(graph.nodes()) + 1, 0);
    const auto ends = [&](const auto& use) {
        for (std::int32_t edge = 0; edge < graph.edges(); ++edge) {
            if (graph.tail(edge) != graph.head(edge)) {
                use(graph.tail(edge), graph.head(edge));
                use(graph.head(edge), graph.tail(edge));
            }
        }
    };
    ends([&](std::int32_t tail, std::int32_t) { ++found.firstOut[at(tail) + 1]; });
    std::partial_sum(found.firstOut.begin(), found.firstOut.end(), found.firstOut.begin());
    found.head.resize(at(found.firstOut.back()));
    Ids next = found.firstOut;
    ends([&](std::int32_t tail, std::int32_t head) { found.head[at(next[at(tail)]++)] = head; });
    auto kept = found.head.begin();
    auto row = found.head.begin();
    for (std::int32_t node = 0; node < graph.nodes(); ++node) {
        const auto end = found.head.begin() + found.end(node);
        found.firstOut[at(node)] = static_cast<std::int32_t>(kept - found.head.begin());
        std::sort(row, end);
        kept = std::unique_copy(row, end, kept);
        row = end;
    }
    found.firstOut.back() = static_cast<std::int32_t>(kept - found.head.begin());
    found.head.erase(kept, found.head.end());
    return found;
}

Part wholePart(const Undirected& whole, std::span<const double> x, std::span<const double> y) {
    Part part{whole, {}, {}, {}};
    part.name.resize(whole.size());
    std::iota(part.name.begin(), part.name.end(), 0);
    // Rows are sorted: nodes come by in the order in which the rows of their neighbours name them.
    part.reverse.resize(part.head.size());
    Ids next = part.firstOut;
    for (std::size_t node = 0; node < part.size(); ++node) {
        for (auto edge = part.firstOut[node]; edge < part.firstOut[node + 1]; ++edge) {
            part.reverse[at(next[at(part.head[at(edge)])]++)] = edge;
        }
    }
    constexpr std::array<std::array<double, 2>, kDirections> kAlong{{{1, 0}, {0, 1}, {1, 1}, {1, -1}}};
    std::vector<std::pair<double, std::int32_t>> keys(part.size());
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        const auto [east, north] = kAlong[direction];
        for (std::size_t node = 0; node < part.size(); ++node) {
            keys[node] = {east * x[node] + north * y[node], static_cast<std::int32_t>(node)};
        }
        std::ranges::sort(keys);
        part.sorted[direction].reserve(part.size());
        for (const auto& [key, node] : keys) {
            part.sorted[direction].push_back(node);
        }
    }
    return part;
}

std::size_t components(const Part& part, Ids& piece) {
    piece.assign(part.size(), -1);
    std::int32_t count = 0;
    Ids open;
    for (std::int32_t start = 0; std::cmp_less(start, part.size()); ++start) {
        if (piece[at(start)] >= 0) {
            continue;
        }
        piece[at(start)] = count;
        open.push_back(start);
        while (!open.empty()) {
            const auto node = open.back();
            open.pop_back();
            for (auto edge = part.begin(node); edge < part.end(node); ++edge) {
                if (const auto target = part.head[at(edge)]; piece[at(target)] < 0) {
                    piece[at(target)] = count;
                    open.push_back(target);
                }
            }
        }
        ++count;
    }
    return at(count);
}

std::vector<Part> cut(const Part& whole, const Ids& piece, std::size_t pieces) {
    std::vector<Part> parts(pieces);
    Ids local(whole.size());
    for (std::size_t node = 0; node < whole.size(); ++node) {
        if (piece[node] >= 0) {
            Part& part = parts[at(piece[node])];
            local[node] = static_cast<std::int32_t>(part.name.size());
            part.name.push_back(whole.name[node]);
        }
    }
    for (Part& part : parts) {
        part.firstOut.reserve(part.name.size() + 1);
        part.firstOut.push_back(0);
    }
    Ids mine(whole.head.size());  // edge of the whole -> edge of its part
    for (std::size_t node = 0; node < whole.size(); ++node) {
        if (piece[node] < 0) {
            continue;
        }
        Part& part = parts[at(piece[node])];
        for (auto edge = whole.firstOut[node]; edge < whole.firstOut[node + 1]; ++edge) {
            const auto target = at(whole.head[at(edge)]);
            if (piece[target] != piece[node]) {
                continue;
            }
            const auto number = static_cast<std::int32_t>(part.head.size());
            mine[at(edge)] = number;
            part.head.push_back(local[target]);
            part.reverse.push_back(-1);
            if (const auto back = whole.reverse[at(edge)]; back < edge) {
                part.reverse[at(number)] = mine[at(back)];
                part.reverse[at(mine[at(back)])] = number;
            }
        }
        part.firstOut.push_back(static_cast<std::int32_t>(part.head.size()));
    }
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        for (Part& part : parts) {
            part.sorted[direction].reserve(part.size());
        }
        for (const auto node : whole.sorted[direction]) {
            if (piece[at(node)] >= 0) {
                parts[at(piece[at(node)])].sorted[direction].push_back(local[at(node)]);
            }
        }
    }
    return parts;
}

}  // namespace lastmile::roads
