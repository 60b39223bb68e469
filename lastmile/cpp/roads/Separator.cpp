#include "Separator.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "Flow.h"

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// Shares of the nodes at each end of a direction that a cut may not go through: the larger, the more balanced it is.
constexpr std::array kShares{0.3, 0.4};

}  // namespace

std::vector<std::int32_t> separate(const Part& part) {
    const std::size_t n = part.size();
    // The best cut: fewest edges for each node of its smaller side.
    std::vector<std::int32_t> piece(n, 1);
    double best = std::numeric_limits<double>::max();
    Flow flow(part);
    for (const auto& sorted : part.sorted) {
        flow.start(sorted);
        for (const double share : kShares) {
            flow.widen(std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(n) * share)));
            // A cut of so many edges would be no better even if it halved the part.
            const double limit = best * static_cast<double>(n) / 2.0;
            if (!flow.saturate(static_cast<int>(std::min(limit, 1e9)) + 1)) {
                break;
            }
            const std::size_t smaller = std::min(flow.reachedCount(), n - flow.reachedCount());
            if (const double ratio = flow.value() / static_cast<double>(smaller); ratio < best) {
                best = ratio;
                for (std::size_t node = 0; node < n; ++node) {
                    piece[node] = flow.reached(static_cast<std::int32_t>(node)) ? 0 : 1;
                }
            }
        }
    }
    // The ends of the cut's edges on one side separate the rest: on the side where they are fewer.
    std::array<std::vector<std::int32_t>, 2> borders;
    for (std::size_t node = 0; node < n; ++node) {
        for (auto edge = part.firstOut[node]; edge < part.firstOut[node + 1]; ++edge) {
            if (piece[at(part.head[at(edge)])] != piece[node]) {
                borders[at(piece[node])].push_back(static_cast<std::int32_t>(node));
                break;
            }
        }
    }
    for (const auto node : borders[0].size() < borders[1].size() ? borders[0] : borders[1]) {
        piece[at(node)] = kBetween;
    }
    return piece;
}

}  // namespace lastmile::roads
