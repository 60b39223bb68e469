#include <algorithm>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "Metric.h"

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// Nodes that wait for their turn, lowest first: bits, and bits that say which words of bits are not empty.
class Waiting {
public:
    explicit Waiting(std::int32_t nodes) : words_(at(nodes) / 64 + 1), groups_(words_.size() / 64 + 1) {}

    void add(std::int32_t node) {
        const std::size_t word = at(node) / 64;
        words_[word] |= std::uint64_t{1} << (at(node) % 64);
        groups_[word / 64] |= std::uint64_t{1} << (word % 64);
    }

    // Takes out the lowest node, -1 where there is none. Nodes that are added meanwhile lie above it.
    std::int32_t next() {
        for (; group_ < groups_.size(); ++group_) {
            while (groups_[group_] != 0) {
                const std::size_t word = group_ * 64 + static_cast<std::size_t>(std::countr_zero(groups_[group_]));
                if (words_[word] == 0) {
                    groups_[group_] &= groups_[group_] - 1;
                    continue;
                }
                const auto bit = static_cast<std::size_t>(std::countr_zero(words_[word]));
                words_[word] &= words_[word] - 1;
                return static_cast<std::int32_t>(word * 64 + bit);
            }
        }
        return -1;
    }

private:
    std::vector<std::uint64_t> words_;
    std::vector<std::uint64_t> groups_;
    std::size_t group_ = 0;
};

// What is known of an arc during an update, for each of its directions.
enum Mark : std::uint8_t {
    kBetter = 1,  // a better way has been found
    kStale = 2,   // the way that is known has become worse: look for the best one again
    kWorse = 4,   // the best one is worse than before
    kAny = 7,
};
constexpr int kDown = 4;  // marks of the way down are shifted by this

}  // namespace

// Arcs change from below: nodes wait by rank, and when a node's turn comes nothing below it changes any more.
//
// A way that became better is offered to the arcs above. One that became worse matters only to the arcs whose best way
// leads over it (via): they look through their lower triangles again.
class Metric::Update {
public:
    explicit Update(Metric& metric) : m_(metric), h_(*metric.hierarchy_), waiting_(h_.nodes()) {}

    void edge(std::int32_t edge, const Weight& weight) {
        m_.edges_[at(edge)] = weight;
        if (const auto arc = h_.arcOf(edge); arc >= 0) {
            const bool up = h_.leadsUp(edge);
            offer(arc, up, kBetter | kWorse, weight, Weight{0, 0, 0}, ~edge);
        }
    }

    std::int32_t run() {
        for (std::int32_t node = waiting_.next(); node >= 0; node = waiting_.next()) {
            renew(node);
            pass(node);
            for (const auto arc : set_) {
                m_.marks_[at(arc)] = 0;
            }
        }
        return changed_;
    }

private:
    Weight& way(std::int32_t arc, bool up) { return up ? m_.ways_[at(arc)].up : m_.ways_[at(arc)].down; }
    std::int32_t& via(std::int32_t arc, bool up) { return (up ? m_.viaUp_ : m_.viaDown_)[at(arc)]; }

    // Tells an arc of a way over two others (over node or edge `over`), one of which became better or worse or both.
    void offer(std::int32_t arc, bool up, int how, const Weight& a, const Weight& b, std::int32_t over) {
        if ((how & kBetter) != 0 && improve(way(arc, up), a, b)) {
            via(arc, up) = over;
            mark(arc, up, kBetter);
        } else if ((how & kWorse) != 0 && via(arc, up) == over && way(arc, up) < a + b) {
            mark(arc, up, kStale);
        }
    }

    void mark(std::int32_t arc, bool up, Mark mark) {
        m_.marks_[at(arc)] |= static_cast<std::uint8_t>(up ? mark : mark << kDown);
        waiting_.add(h_.tail(arc));
    }

    // Finds the best ways of a node's stale arcs again, and gathers those that are other than before.
    void renew(std::int32_t node) {
        stale_.clear();
        set_.clear();
        for (std::int32_t arc = h_.begin(node); arc < h_.end(node); ++arc) {
            const int marks = m_.marks_[at(arc)];
            if ((marks & (kStale | kStale << kDown)) != 0) {
                stale_.push_back({arc, (marks & kStale) != 0, (marks & kStale << kDown) != 0, m_.ways_[at(arc)]});
            } else if (marks != 0) {
                set_.push_back(arc);
            }
        }
        if (!stale_.empty()) {
            seek(node);
            for (const auto& item : stale_) {
                settle(item.arc, true, item.up, item.before.up);
                settle(item.arc, false, item.down, item.before.down);
                if (m_.marks_[at(item.arc)] != 0) {
                    set_.push_back(item.arc);
                }
            }
            std::ranges::sort(set_);
        }
        changed_ += static_cast<std::int32_t>(set_.size());
    }

    void settle(std::int32_t arc, bool up, bool stale, const Weight& before) {
        if (stale) {
            const int shift = up ? 0 : kDown;
            auto& marks = m_.marks_[at(arc)];
            // What was better for a while may now be better or worse than at first.
            const int now = (marks >> shift & kBetter) != 0 ? kBetter | kWorse : way(arc, up) != before ? kWorse : 0;
            marks = static_cast<std::uint8_t>((marks & ~(kAny << shift)) | now << shift);
        }
    }

    void seek(std::int32_t node) {
        std::int32_t furthestUp = 0;
        std::int32_t furthestDown = 0;
        for (const auto& item : stale_) {
            m_.slots_[at(h_.head(item.arc))] = item.arc;
            if (item.up) {
                furthestUp = std::max(furthestUp, restart(item.arc, true));
            }
            if (item.down) {
                furthestDown = std::max(furthestDown, restart(item.arc, false));
            }
        }
        for (const auto edge : h_.edgesFrom(node)) {
            const auto arc = h_.arcOf(edge);
            const bool up = h_.leadsUp(edge);
            if (m_.slots_[at(h_.head(arc))] >= 0 && m_.edges_[at(edge)] < way(arc, up)) {
                way(arc, up) = m_.edges_[at(edge)];
                via(arc, up) = ~edge;
            }
        }
        for (const auto side : h_.below(node)) {
            const Ways first = m_.ways_[at(side)];
            // Most sides are too long by themselves.
            if (first.down.time > furthestUp && first.up.time > furthestDown) {
                continue;
            }
            const std::int32_t middle = h_.tail(side);
            for (std::int32_t other = side + 1; other < h_.end(middle); ++other) {
                if (const auto arc = m_.slots_[at(h_.head(other))]; arc >= 0) {
                    const Ways& second = m_.ways_[at(other)];
                    if (improve(m_.ways_[at(arc)].up, first.down, second.up)) {
                        m_.viaUp_[at(arc)] = middle;
                    }
                    if (improve(m_.ways_[at(arc)].down, second.down, first.up)) {
                        m_.viaDown_[at(arc)] = middle;
                    }
                }
            }
        }
        for (const auto& item : stale_) {
            m_.slots_[at(h_.head(item.arc))] = -1;
        }
    }

    // The way that was best, at what it weighs now: what others have to beat. Returns its time.
    std::int32_t restart(std::int32_t arc, bool up) {
        Weight& best = way(arc, up);
        std::int32_t& over = via(arc, up);
        best = kClosed;
        if (over < 0) {
            best = m_.edges_[at(~over)];
        } else {
            const auto toLow = h_.arc(over, h_.tail(arc));
            const auto toHigh = h_.arc(over, h_.head(arc));
            improve(best, way(up ? toLow : toHigh, false), way(up ? toHigh : toLow, true));
        }
        if (best == kClosed) {
            over = kNone;
        }
        return best.time;
    }

    // Offers the ways over a node, between the heads of every two of its arcs one of which has changed.
    void pass(std::int32_t node) {
        auto after = set_.begin();
        for (std::int32_t low = h_.begin(node); low < h_.end(node); ++low) {
            while (after != set_.end() && *after <= low) {
                ++after;
            }
            const int marks = m_.marks_[at(low)];
            if (marks == 0 && after == set_.end()) {
                return;
            }
            // The heads of a node's arcs are heads of its first head's arcs as well, and so on: the arc between the
            // heads of two arcs that are k places apart is at least the (k - 1)th of the lower head.
            const std::int32_t first = h_.begin(h_.head(low)) - low - 1;
            std::int32_t over = 0;
            const auto pair = [&](std::int32_t high) {
                over = std::max(over, first + high);
                while (h_.head(over) != h_.head(high)) {
                    ++over;
                }
                const int other = m_.marks_[at(high)];
                const Ways& a = m_.ways_[at(low)];
                const Ways& b = m_.ways_[at(high)];
                if (const int how = (marks >> kDown | other) & kAny; how != 0) {
                    offer(over, true, how, a.down, b.up, node);
                }
                if (const int how = (marks | other >> kDown) & kAny; how != 0) {
                    offer(over, false, how, b.down, a.up, node);
                }
            };
            if (marks != 0) {
                for (std::int32_t high = low + 1; high < h_.end(node); ++high) {
                    pair(high);
                }
            } else {
                std::for_each(after, set_.end(), pair);
            }
        }
    }

    struct Stale {
        std::int32_t arc;
        bool up;
        bool down;
        Ways before;
    };
    std::vector<Stale> stale_;         // arcs of the node whose turn it is
    std::vector<std::int32_t> set_;    // arcs of that node that are other than before
    Metric& m_;
    const Hierarchy& h_;
    Waiting waiting_;
    std::int32_t changed_ = 0;
};

std::int32_t Metric::update(std::span<const std::int32_t> edges, const Weights& weights) {
    weights.check(edges.size());
    for (const auto edge : edges) {
        if (edge < 0 || edge >= hierarchy_->edges()) {
            throw std::invalid_argument("metric: there is no edge " + std::to_string(edge));
        }
    }
    marks_.resize(ways_.size());
    slots_.resize(at(hierarchy_->nodes()), -1);
    Update update(*this);
    for (std::size_t i = 0; i < edges.size(); ++i) {
        update.edge(edges[i], weights[i]);
    }
    return update.run();
}

}  // namespace lastmile::roads
