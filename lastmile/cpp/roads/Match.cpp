#include "Match.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>

#include "BoundedSearch.h"
#include "Parallel.h"

namespace lastmile::roads {

namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();
constexpr double kLeast = 1e-3;    // of what is divided by
constexpr double kFarthest = 1e9;  // metres; more would not fit the searches' integers with room to spare

void checkRows(std::span<const std::int64_t> rows, std::size_t size, const char* name) {
    if (rows.empty() || rows.front() != 0 || std::cmp_not_equal(rows.back(), size) || !std::ranges::is_sorted(rows)) {
        throw std::invalid_argument(std::string(name) + " must rise from 0 to the number of what it counts");
    }
}

void checkNumbers(std::span<const double> values, double low, double high, const char* name) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!(values[i] >= low && values[i] <= high)) {  // not true of a NaN either
            throw std::invalid_argument(std::string(name) + " " + std::to_string(i) + " is out of its range");
        }
    }
}

std::int64_t millimetres(double metres) { return std::llround(std::min(metres, kFarthest) * 1000.0); }

// The matching of one trace after the other; what it needs is allocated once.
class Matcher {
public:
    Matcher(const Graph& graph, std::span<const std::int32_t> weight, std::span<const std::int32_t> reverse,
            const Fixes& fixes, const MatchModel& model, Matches& out)
        : graph_(&graph),
          weight_(weight),
          reverse_(reverse),
          fixes_(&fixes),
          model_(&model),
          out_(&out),
          search_(graph),
          wanted_(at(graph.nodes()), 0) {}

    // Match the fixes from `first` to before `last`; the edges of its rows are appended to `edges`, which the rows in
    // `out` count per fix.
    void trace(std::size_t first, std::size_t last, std::vector<std::int32_t>& edges) {
        const std::size_t candidates = begin(first);
        back_.assign(begin(last) - candidates, -1);
        firstCandidate_ = candidates;
        std::size_t fix = first;
        while (fix < last) {
            fix = part(fix, last, edges);
        }
    }

private:
    using Index = std::size_t;  // of a candidate

    // How a vehicle goes on from a candidate: along its edge, or turned around, along the edge of the other direction.
    struct Departure {
        Index origin;
        std::int32_t edge;
        double fraction;  // of the edge's length
        std::int64_t rest;  // millimetres to the edge's end
        bool turned;
    };

    [[nodiscard]] Index begin(std::size_t fix) const { return static_cast<Index>(fixes_->offset[fix]); }
    [[nodiscard]] Index end(std::size_t fix) const { return begin(fix + 1); }
    [[nodiscard]] std::int32_t tail(Index candidate) const { return graph_->tail(fixes_->edge[candidate]); }
    [[nodiscard]] std::int32_t weight(Index candidate) const { return weight_[at(fixes_->edge[candidate])]; }

    // Millimetres from the beginning of its edge to the candidate.
    [[nodiscard]] std::int64_t lead(Index c) const { return roads::part(weight(c), fixes_->fraction[c]); }

    [[nodiscard]] Departure ahead(Index origin) const {
        const double fraction = fixes_->fraction[origin];
        return {origin, fixes_->edge[origin], fraction, roads::part(weight(origin), 1.0 - fraction), false};
    }

    // The edge is -1 where there is no other direction.
    [[nodiscard]] Departure around(Index origin) const {
        const std::int32_t edge = reverse_[at(fixes_->edge[origin])];
        if (edge < 0 || weight_[at(edge)] < 0) {
            return {origin, -1, 0.0, 0, true};
        }
        const double fraction = fixes_->fraction[origin];
        return {origin, edge, 1.0 - fraction, roads::part(weight_[at(edge)], fraction), true};
    }

    [[nodiscard]] double emission(std::size_t fix, Index candidate) const {
        const double z = fixes_->distance[candidate] / fixes_->deviation[fix];
        return -0.5 * z * z;
    }

    [[nodiscard]] double straight(std::size_t from, std::size_t to) const {
        return std::hypot(fixes_->x[to] - fixes_->x[from], fixes_->y[to] - fixes_->y[from]);
    }

    [[nodiscard]] double deviations(std::size_t from, std::size_t to) const {
        return fixes_->deviation[from] + fixes_->deviation[to];
    }

    [[nodiscard]] std::int64_t backtrack(std::size_t from, std::size_t to) const {
        return millimetres(model_->backtrack * deviations(from, to));
    }

    // Longest way between two fixes, in millimetres.
    [[nodiscard]] std::int64_t bound(std::size_t from, std::size_t to) const {
        const double elapsed = fixes_->second[to] - fixes_->second[from];
        const double driven = model_->speed * elapsed + model_->slack * deviations(from, to);
        return millimetres(std::min(straight(from, to) + model_->excess, driven));
    }

    // Millimetres to a candidate on the edge of the departure; -1 where there is no such way. A candidate that lies no
    // more than `behind` back is taken to be no way at all; one beyond the turn is driven to before turning.
    [[nodiscard]] std::int64_t along(const Departure& from, Index target, std::int64_t behind) const {
        if (from.edge != fixes_->edge[target]) {
            return -1;
        }
        const double share = fixes_->fraction[target] - from.fraction;
        const std::int64_t way = roads::part(weight(target), std::abs(share));
        if (share >= 0.0 || from.turned) {
            return way;
        }
        return way <= behind ? 0 : -1;
    }

    // Metres by which a way differs from the straight line, with what turning around counts for.
    [[nodiscard]] double difference(const Departure& from, std::int64_t route, double crow, std::int64_t behind) const {
        const double turn = from.turned ? model_->turn + static_cast<double>(behind) / 1000.0 : 0.0;
        return std::abs(static_cast<double>(route) / 1000.0 - crow) + turn;
    }

    // A candidate that is preferred to an equally probable one, whatever the order they are given in.
    [[nodiscard]] bool before(Index a, Index b) const {
        return std::tie(fixes_->edge[a], fixes_->fraction[a], a) < std::tie(fixes_->edge[b], fixes_->fraction[b], b);
    }

    // The scores of the candidates of `to` by way of those of `from`; false where none can be reached.
    bool step(std::size_t from, std::size_t to) {
        const Index first = begin(to), last = end(to);
        next_.assign(last - first, kImpossible);
        if (first == last) {
            return false;
        }
        if (++now_ == 0) {
            std::ranges::fill(wanted_, 0U);
            now_ = 1;
        }
        std::int32_t tails = 0;
        for (Index target = first; target < last; ++target) {
            if (wanted_[at(tail(target))] != now_) {
                wanted_[at(tail(target))] = now_;
                ++tails;
            }
        }
        // Departures that go on from one node share its search.
        departures_.clear();
        for (Index origin = begin(from); origin < end(from); ++origin) {
            if (score_[origin - begin(from)] > kImpossible && weight(origin) >= 0) {
                departures_.push_back(ahead(origin));
                if (const Departure turned = around(origin); turned.edge >= 0) {
                    departures_.push_back(turned);
                }
            }
        }
        const auto node = [&](const Departure& departure) { return graph_->head(departure.edge); };
        std::ranges::sort(departures_, [&](const Departure& a, const Departure& b) {
            return std::pair(node(a), a.rest) < std::pair(node(b), b.rest);
        });
        const std::int64_t longest = bound(from, to);
        const std::int64_t behind = backtrack(from, to);
        const double crow = straight(from, to);
        const double beta =
            model_->beta + model_->betaPerDeviation * deviations(from, to) / 2.0 + model_->betaPerMetre * crow;
        for (std::size_t i = 0; i < departures_.size();) {
            const std::int32_t start = node(departures_[i]);
            search_.begin(weight_);
            search_.reach(start, 0);
            const std::int64_t reach = longest - departures_[i].rest;  // of the nearest to the node
            for (std::int32_t left = tails; left > 0;) {
                const std::int32_t settled = search_.next(reach);
                if (settled < 0) {
                    break;
                }
                left -= wanted_[at(settled)] == now_ ? 1 : 0;
            }
            for (; i < departures_.size() && node(departures_[i]) == start; ++i) {
                const Departure& departure = departures_[i];
                const Index origin = departure.origin;
                for (Index target = first; target < last; ++target) {
                    if (weight(target) < 0) {
                        continue;
                    }
                    std::int64_t route = along(departure, target, behind);
                    if (route < 0) {
                        if (!search_.reached(tail(target))) {
                            continue;
                        }
                        route = departure.rest + search_.distance(tail(target)) + lead(target);
                    }
                    if (route > longest) {
                        continue;
                    }
                    const double score = score_[origin - begin(from)] -
                                         difference(departure, route, crow, behind) / beta + emission(to, target);
                    double& best = next_[target - first];
                    auto& back = back_[target - firstCandidate_];
                    if (score > best ||
                        (score == best && score > kImpossible && before(origin, static_cast<Index>(back)))) {
                        best = score;
                        back = static_cast<std::int64_t>(origin);
                    }
                }
            }
        }
        return std::ranges::any_of(next_, [](double score) { return score > kImpossible; });
    }

    // Match from `first` on until nothing leads further; returns the fix at which the next part begins.
    std::size_t part(std::size_t first, std::size_t last, std::vector<std::int32_t>& edges) {
        out_->begins[first] = 1;
        score_.clear();
        for (Index candidate = begin(first); candidate < end(first); ++candidate) {
            score_.push_back(emission(first, candidate));
        }
        kept_.assign(1, first);
        std::size_t fix = first + 1;
        while (fix < last) {
            const std::size_t limit = std::min(last, fix + static_cast<std::size_t>(model_->skip) + 1);
            std::size_t to = fix;
            while (to < limit && !step(kept_.back(), to)) {
                ++to;
            }
            if (to == limit) {
                break;
            }
            std::swap(score_, next_);
            kept_.push_back(to);
            fix = to + 1;
        }
        choose(edges);
        return fix;
    }

    // Follow the best scores back and write the ways between the chosen candidates.
    void choose(std::vector<std::int32_t>& edges) {
        Index best = begin(kept_.back());
        if (best == end(kept_.back())) {
            return;  // a part of one fix without candidates
        }
        for (Index candidate = best; candidate < end(kept_.back()); ++candidate) {
            const double score = score_[candidate - begin(kept_.back())];
            const double than = score_[best - begin(kept_.back())];
            if (score > than || (score == than && before(candidate, best))) {
                best = candidate;
            }
        }
        auto chosen = static_cast<std::int64_t>(best);
        for (std::size_t i = kept_.size(); i-- > 0;) {
            out_->chosen[kept_[i]] = chosen;
            chosen = back_[static_cast<Index>(chosen) - firstCandidate_];
        }
        for (std::size_t i = 1; i < kept_.size(); ++i) {
            const std::size_t before = edges.size();
            drive(kept_[i - 1], kept_[i], edges);
            out_->offset[kept_[i] + 1] = static_cast<std::int64_t>(edges.size() - before);
        }
    }

    // The way between the chosen candidates of two fixes, straight on or turned around, whichever was scored.
    void drive(std::size_t from, std::size_t to, std::vector<std::int32_t>& edges) {
        const auto origin = static_cast<Index>(out_->chosen[from]);
        const auto target = static_cast<Index>(out_->chosen[to]);
        const std::int64_t behind = backtrack(from, to);
        const double crow = straight(from, to);
        const auto cost = [&](const Departure& departure) {
            const std::int64_t route = departure.edge < 0 ? -1 : find(departure, target, bound(from, to), behind);
            return route < 0 ? -kImpossible : difference(departure, route, crow, behind);
        };
        const double turned = cost(around(origin));
        const double straightOn = cost(ahead(origin));
        const Departure departure = turned < straightOn ? around(origin) : ahead(origin);
        out_->turned[to] = departure.turned ? 1 : 0;
        if (along(departure, target, behind) >= 0) {
            if (departure.turned || fixes_->fraction[target] > fixes_->fraction[origin]) {
                edges.push_back(fixes_->edge[origin]);
            }
            if (departure.turned) {
                edges.push_back(departure.edge);
            }
            return;
        }
        if (departure.turned) {
            edges.push_back(fixes_->edge[origin]);
            find(departure, target, bound(from, to), behind);  // its labels were those of the other way
        }
        edges.push_back(departure.edge);
        const auto start = static_cast<std::ptrdiff_t>(edges.size());
        std::int32_t node = tail(target);
        for (std::int32_t via = search_.via(node); via >= 0; via = search_.via(node)) {
            edges.push_back(via);
            node = graph_->tail(via);
        }
        std::reverse(edges.begin() + start, edges.end());
        edges.push_back(fixes_->edge[target]);
    }

    // Millimetres of the shortest way from a departure to a candidate; -1 where none is short enough.
    std::int64_t find(const Departure& departure, Index target, std::int64_t longest, std::int64_t behind) {
        if (const std::int64_t route = along(departure, target, behind); route >= 0) {
            return route <= longest ? route : -1;
        }
        search_.begin(weight_);
        search_.reach(graph_->head(departure.edge), 0);
        for (std::int32_t settled = -1; settled != tail(target);) {
            settled = search_.next(longest - departure.rest);
            if (settled < 0) {
                return -1;
            }
        }
        const std::int64_t route = departure.rest + search_.distance(tail(target)) + lead(target);
        return route <= longest ? route : -1;
    }

    const Graph* graph_;
    std::span<const std::int32_t> weight_;
    std::span<const std::int32_t> reverse_;  // of every edge: its segment's other direction
    const Fixes* fixes_;
    const MatchModel* model_;
    Matches* out_;
    BoundedSearch search_;
    std::vector<std::uint32_t> wanted_;  // by node: the step in which it is the tail of a target
    std::uint32_t now_ = 0;
    std::vector<double> score_;        // of the candidates of the fix last kept
    std::vector<double> next_;         // of the candidates of the fix that is looked at
    std::vector<Departure> departures_;  // by the node they go on from
    std::vector<std::size_t> kept_;    // fixes of the part
    std::vector<std::int64_t> back_;   // by candidate of the trace: the best one before it
    Index firstCandidate_ = 0;         // of the trace
};

}  // namespace

void Fixes::check(const Graph& graph) const {
    if (y.size() != size() || second.size() != size() || deviation.size() != size()) {
        throw std::invalid_argument("fixes: x, y, second and deviation must have one length");
    }
    if (fraction.size() != edge.size() || distance.size() != edge.size()) {
        throw std::invalid_argument("candidates: edge, fraction and distance must have one length");
    }
    checkRows(trace, size(), "trace");
    checkRows(offset, edge.size(), "offset");
    if (offset.size() != size() + 1) {
        throw std::invalid_argument("offset: one more than fixes is needed");
    }
    checkNumbers(x, -kFarthest, kFarthest, "x");
    checkNumbers(y, -kFarthest, kFarthest, "y");
    checkNumbers(second, -kFarthest, 1e12, "second");
    checkNumbers(deviation, kLeast, kFarthest, "deviation");
    checkNumbers(fraction, 0.0, 1.0, "fraction");
    checkNumbers(distance, 0.0, kFarthest, "distance");
    for (std::size_t i = 0; i + 1 < trace.size(); ++i) {
        for (auto fix = trace[i] + 1; fix < trace[i + 1]; ++fix) {
            if (second[static_cast<std::size_t>(fix)] < second[static_cast<std::size_t>(fix) - 1]) {
                throw std::invalid_argument("second " + std::to_string(fix) + " is before the one before it");
            }
        }
    }
    for (std::size_t i = 0; i < edge.size(); ++i) {
        if (edge[i] < 0 || edge[i] >= graph.edges()) {
            throw std::invalid_argument("candidate " + std::to_string(i) + " is on no edge of the graph");
        }
    }
}

void MatchModel::check() const {
    const double values[] = {beta, betaPerDeviation, betaPerMetre, excess, speed, slack, backtrack, turn};
    checkNumbers(values, 0.0, kFarthest, "model: value");
    if (beta < kLeast && betaPerDeviation < kLeast) {
        throw std::invalid_argument("model: one of beta and betaPerDeviation must be above 0");
    }
    if (skip < 0) {
        throw std::invalid_argument("model: skip must not be negative");
    }
}

Matches match(const Graph& graph, std::span<const std::int32_t> weight, std::span<const std::int32_t> reverse,
              const Fixes& fixes, const MatchModel& model, int threads) {
    checkWeights(graph, weight.size());
    if (std::cmp_not_equal(reverse.size(), graph.edges())) {
        throw std::invalid_argument("reverse: one per edge is needed");
    }
    for (const std::int32_t edge : reverse) {
        if (edge >= graph.edges()) {
            throw std::invalid_argument("reverse: an edge is not on the graph");
        }
    }
    fixes.check(graph);
    model.check();
    Matches out;
    out.chosen.assign(fixes.size(), -1);
    out.begins.assign(fixes.size(), 0);
    out.turned.assign(fixes.size(), 0);
    out.offset.assign(fixes.size() + 1, 0);
    const std::size_t traces = fixes.trace.size() - 1;
    std::vector<std::vector<std::int32_t>> edges(traces);
    parallel(traces, threads, [&](std::size_t first, std::size_t last) {
        Matcher matcher(graph, weight, reverse, fixes, model, out);
        for (std::size_t i = first; i < last; ++i) {
            matcher.trace(static_cast<std::size_t>(fixes.trace[i]), static_cast<std::size_t>(fixes.trace[i + 1]),
                          edges[i]);
        }
    });
    std::size_t total = 0;
    for (const auto& row : edges) {
        total += row.size();
    }
    out.edges.reserve(total);
    for (const auto& row : edges) {
        out.edges.insert(out.edges.end(), row.begin(), row.end());
    }
    for (std::size_t fix = 0; fix < fixes.size(); ++fix) {
        out.offset[fix + 1] += out.offset[fix];
    }
    return out;
}

}  // namespace lastmile::roads
