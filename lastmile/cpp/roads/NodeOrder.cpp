#include "NodeOrder.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace lastmile::roads {

namespace {

using Ids = std::vector<std::int32_t>;

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// Share of the nodes on each side that the flow may not cut through: keeps both parts of a cut large.
constexpr double kSide = 0.25;
// Below this size any order is as good as another.
constexpr std::size_t kSmall = 4;

// An undirected part of the network with nodes 0 .. n-1; every edge is stored at both ends.
struct Part {
    Ids name;       // of the node in the whole network
    Ids firstOut;
    Ids head;
    Ids reverse;    // the same edge as seen from its other end

    [[nodiscard]] std::size_t size() const { return name.size(); }
};

// The subgraph of some nodes of a part; `local` is scratch space, -1 everywhere on entry and on return.
Part subgraph(const Part& whole, const Ids& chosen, Ids& local) {
    Part part;
    part.name.reserve(chosen.size());
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        local[at(chosen[i])] = static_cast<std::int32_t>(i);
        part.name.push_back(whole.name[at(chosen[i])]);
    }
    part.firstOut.reserve(chosen.size() + 1);
    part.firstOut.push_back(0);
    Ids mine(whole.head.size(), -1);  // edge of the whole -> edge of the part
    Ids origin;
    for (const auto node : chosen) {
        for (auto edge = whole.firstOut[at(node)]; edge < whole.firstOut[at(node) + 1]; ++edge) {
            if (const auto target = local[at(whole.head[at(edge)])]; target >= 0) {
                mine[at(edge)] = static_cast<std::int32_t>(part.head.size());
                origin.push_back(edge);
                part.head.push_back(target);
            }
        }
        part.firstOut.push_back(static_cast<std::int32_t>(part.head.size()));
    }
    part.reverse.reserve(part.head.size());
    for (const auto edge : origin) {
        part.reverse.push_back(mine[at(whole.reverse[at(edge)])]);
    }
    for (const auto node : chosen) {
        local[at(node)] = -1;
    }
    return part;
}

// Maximum flow with unit capacities between two sets of nodes (Dinic), given up once it exceeds a limit.
class Flow {
public:
    explicit Flow(const Part& part)
        : part_(&part), flow_(part.head.size(), 0), level_(part.size()), next_(part.size()) {}

    // Returns the flow, or `limit` where it is at least that. `side`: 1 source, 2 sink, 0 neither.
    int run(const std::vector<char>& side, const Ids& sources, int limit) {
        int total = 0;
        while (total < limit && levels(side, sources)) {
            std::ranges::copy(part_->firstOut.begin(), part_->firstOut.end() - 1, next_.begin());
            for (const auto source : sources) {
                while (total < limit && augment(side, source)) {
                    ++total;
                }
            }
        }
        return total;
    }

    // Nodes that the sources still reach; valid after a run that ended below its limit.
    [[nodiscard]] bool reached(std::int32_t node) const { return level_[at(node)] >= 0; }

private:
    [[nodiscard]] bool open(std::int32_t edge) const { return flow_[at(edge)] < 1; }

    bool levels(const std::vector<char>& side, const Ids& sources) {
        std::ranges::fill(level_, -1);
        queue_.assign(sources.begin(), sources.end());
        for (const auto source : sources) {
            level_[at(source)] = 0;
        }
        bool found = false;
        for (std::size_t i = 0; i < queue_.size(); ++i) {
            const auto node = queue_[i];
            if (side[at(node)] == 2) {
                found = true;
                continue;
            }
            for (auto edge = part_->firstOut[at(node)]; edge < part_->firstOut[at(node) + 1]; ++edge) {
                const auto target = part_->head[at(edge)];
                if (open(edge) && level_[at(target)] < 0) {
                    level_[at(target)] = level_[at(node)] + 1;
                    queue_.push_back(target);
                }
            }
        }
        return found;
    }

    bool augment(const std::vector<char>& side, std::int32_t source) {
        path_.clear();
        std::int32_t node = source;
        for (;;) {
            if (side[at(node)] == 2) {
                for (const auto edge : path_) {
                    ++flow_[at(edge)];
                    --flow_[at(part_->reverse[at(edge)])];
                }
                return true;
            }
            bool advanced = false;
            for (auto& edge = next_[at(node)]; edge < part_->firstOut[at(node) + 1]; ++edge) {
                const auto target = part_->head[at(edge)];
                if (open(edge) && level_[at(target)] == level_[at(node)] + 1) {
                    path_.push_back(edge);
                    node = target;
                    advanced = true;
                    break;
                }
            }
            if (advanced) {
                continue;
            }
            if (path_.empty()) {
                return false;
            }
            const auto edge = path_.back();
            path_.pop_back();
            node = part_->head[at(part_->reverse[at(edge)])];
            ++next_[at(node)];
        }
    }

    const Part* part_;
    std::vector<signed char> flow_;
    Ids level_;
    Ids next_;
    Ids queue_;
    Ids path_;
};

class Dissection {
public:
    Dissection(std::span<const double> x, std::span<const double> y, std::size_t nodes)
        : x_(x), y_(y), local_(nodes, -1), order_(nodes) {}

    // Fills the ranks [first, first + size) with the part's nodes.
    void run(Part whole) {
        struct Task {
            Part part;
            std::size_t first;
        };
        std::vector<Task> tasks;
        tasks.push_back({std::move(whole), 0});
        while (!tasks.empty()) {
            Task task = std::move(tasks.back());
            tasks.pop_back();
            const Part& part = task.part;
            if (part.size() <= kSmall) {
                std::ranges::copy(part.name, order_.begin() + static_cast<std::ptrdiff_t>(task.first));
                continue;
            }
            std::size_t first = task.first;
            auto pieces = components(part);
            if (pieces.size() == 1) {
                auto [left, right, separator] = split(part);
                const std::size_t last = task.first + part.size() - separator.size();
                for (std::size_t i = 0; i < separator.size(); ++i) {
                    order_[last + i] = part.name[at(separator[i])];
                }
                pieces = {std::move(left), std::move(right)};
            }
            for (const auto& piece : pieces) {
                if (!piece.empty()) {
                    tasks.push_back({subgraph(part, piece, local_), first});
                    first += piece.size();
                }
            }
        }
    }

    [[nodiscard]] Ids take() { return std::move(order_); }

private:
    static std::vector<Ids> components(const Part& part) {
        std::vector<Ids> found;
        std::vector<char> seen(part.size(), 0);
        for (std::int32_t start = 0; std::cmp_less(start, part.size()); ++start) {
            if (std::exchange(seen[at(start)], char{1})) {
                continue;
            }
            Ids piece{start};
            for (std::size_t i = 0; i < piece.size(); ++i) {
                for (auto edge = part.firstOut[at(piece[i])]; edge < part.firstOut[at(piece[i]) + 1]; ++edge) {
                    if (!std::exchange(seen[at(part.head[at(edge)])], char{1})) {
                        piece.push_back(part.head[at(edge)]);
                    }
                }
            }
            found.push_back(std::move(piece));
        }
        return found;
    }

    struct Split {
        Ids left;
        Ids right;
        Ids separator;
    };

    // The smallest cut among four directions; its edges' ends on the side where they are fewer separate the rest.
    [[nodiscard]] Split split(const Part& part) const {
        constexpr std::array<std::array<double, 2>, 4> kDirections{{{1, 0}, {0, 1}, {1, 1}, {1, -1}}};
        const std::size_t n = part.size();
        const auto outer = std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(n) * kSide));
        int best = std::numeric_limits<int>::max();
        std::vector<char> bestLeft;
        Ids byPlace(n);
        for (const auto& [a, b] : kDirections) {
            std::iota(byPlace.begin(), byPlace.end(), 0);
            const auto key = [&, a = a, b = b](std::int32_t node) {
                const auto name = at(part.name[at(node)]);
                return std::pair{a * x_[name] + b * y_[name], node};
            };
            std::ranges::sort(byPlace, {}, key);
            std::vector<char> side(n, 0);
            const Ids sources(byPlace.begin(), byPlace.begin() + static_cast<std::ptrdiff_t>(outer));
            for (std::size_t i = 0; i < outer; ++i) {
                side[at(byPlace[i])] = 1;
                side[at(byPlace[n - 1 - i])] = 2;
            }
            Flow flow(part);
            const int cut = flow.run(side, sources, best);
            if (cut < best) {
                best = cut;
                bestLeft.assign(n, 0);
                for (std::size_t node = 0; node < n; ++node) {
                    bestLeft[node] = static_cast<char>(flow.reached(static_cast<std::int32_t>(node)));
                }
            }
        }
        std::array<Ids, 2> borders;  // ends of cut edges: right side, left side
        for (std::int32_t node = 0; std::cmp_less(node, n); ++node) {
            for (auto edge = part.firstOut[at(node)]; edge < part.firstOut[at(node) + 1]; ++edge) {
                if (bestLeft[at(node)] != bestLeft[at(part.head[at(edge)])]) {
                    borders[at(bestLeft[at(node)])].push_back(node);
                    break;
                }
            }
        }
        Split result;
        result.separator = borders[0].size() < borders[1].size() ? borders[0] : borders[1];
        std::vector<char> between(n, 0);
        for (const auto node : result.separator) {
            between[at(node)] = 1;
        }
        for (std::int32_t node = 0; std::cmp_less(node, n); ++node) {
            if (!between[at(node)]) {
                (bestLeft[at(node)] ? result.left : result.right).push_back(node);
            }
        }
        return result;
    }

    std::span<const double> x_;
    std::span<const double> y_;
    Ids local_;
    Ids order_;
};

// Both directions of every edge once; loops and repetitions are left out.
Part undirected(const Graph& graph) {
    std::vector<std::pair<std::int32_t, std::int32_t>> edges;
    edges.reserve(at(graph.edges()) * 2);
    for (std::int32_t edge = 0; edge < graph.edges(); ++edge) {
        if (graph.tail(edge) != graph.head(edge)) {
            edges.emplace_back(graph.tail(edge), graph.head(edge));
            edges.emplace_back(graph.head(edge), graph.tail(edge));
        }
    }
    std::ranges::sort(edges);
    edges.erase(std::ranges::unique(edges).begin(), edges.end());
    Part part;
    part.name.resize(at(graph.nodes()));
    std::iota(part.name.begin(), part.name.end(), 0);
    part.firstOut.assign(at(graph.nodes()) + 1, 0);
    for (const auto& [tail, head] : edges) {
        ++part.firstOut[at(tail) + 1];
        part.head.push_back(head);
    }
    std::partial_sum(part.firstOut.begin(), part.firstOut.end(), part.firstOut.begin());
    for (const auto& [tail, head] : edges) {
        const auto back = std::ranges::lower_bound(edges, std::pair{head, tail});
        part.reverse.push_back(static_cast<std::int32_t>(back - edges.begin()));
    }
    return part;
}

}  // namespace

std::vector<std::int32_t> nestedDissection(const Graph& graph, std::span<const double> x, std::span<const double> y) {
    if (std::cmp_not_equal(x.size(), graph.nodes()) || x.size() != y.size()) {
        throw std::invalid_argument("node order: one place per node is needed");
    }
    Dissection dissection(x, y, x.size());
    dissection.run(undirected(graph));
    return dissection.take();
}

}  // namespace lastmile::roads
