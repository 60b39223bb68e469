// Pearce (2016), A space-efficient algorithm for finding strongly connected components, Information Processing Letters
// 116, section 3 (PEA_FIND_SCC2), with the recursion on a stack of our own. doi:10.1016/j.ipl.2015.08.010
#include "Components.h"

#include <cstddef>
#include <stdexcept>

namespace lastmile::roads {

std::vector<std::int32_t> strongComponents(const Graph& graph, std::span<const std::uint8_t> open) {
    if (open.size() != static_cast<std::size_t>(graph.edges())) {
        throw std::invalid_argument("open must have one entry per edge");
    }
    struct Visit {
        std::int32_t node;
        std::int32_t edge;  // next to look at
        bool root;          // nothing that was seen before is reached from here
    };
    const std::int32_t nodes = graph.nodes();
    // 0 unseen; while a node's component is open the order of its visit or of the earliest it reaches, from 1; then the
    // component, counted down from nodes - 1, which stays above every order still in use.
    std::vector<std::int32_t> rank(static_cast<std::size_t>(nodes), 0);
    const auto at = [&](std::int32_t node) -> std::int32_t& { return rank[static_cast<std::size_t>(node)]; };
    std::vector<Visit> path;
    std::vector<std::int32_t> waiting;  // done, but in a component that is not
    std::int32_t order = 1;
    std::int32_t component = nodes - 1;
    for (std::int32_t start = 0; start < nodes; ++start) {
        if (at(start) != 0) {
            continue;
        }
        at(start) = order++;
        path.push_back({start, graph.begin(start), true});
        while (!path.empty()) {
            Visit& visit = path.back();
            const std::int32_t node = visit.node;
            if (visit.edge < graph.end(node)) {
                const std::int32_t edge = visit.edge;
                const std::int32_t head = graph.head(edge);
                if (open[static_cast<std::size_t>(edge)] == 0) {
                    ++visit.edge;
                } else if (at(head) == 0) {
                    // The edge is looked at once more when the visit of its head is over.
                    at(head) = order++;
                    path.push_back({head, graph.begin(head), true});
                } else {
                    if (at(head) < at(node)) {
                        at(node) = at(head);
                        visit.root = false;
                    }
                    ++visit.edge;
                }
                continue;
            }
            if (visit.root) {
                --order;
                while (!waiting.empty() && at(node) <= at(waiting.back())) {
                    at(waiting.back()) = component;
                    waiting.pop_back();
                    --order;
                }
                at(node) = component--;
            } else {
                waiting.push_back(node);
            }
            path.pop_back();
        }
    }
    for (std::int32_t& label : rank) {
        label = nodes - 1 - label;
    }
    return rank;
}

}  // namespace lastmile::roads
