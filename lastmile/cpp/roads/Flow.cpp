#include "Flow.h"

#include <algorithm>

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

}  // namespace

Flow::Flow(const Part& part) : part_(&part), nodes_(part.size()), flow_(part.head.size()) {}

void Flow::start(std::span<const std::int32_t> sorted) {
    sorted_ = sorted;
    for (std::size_t place = 0; place < sorted.size(); ++place) {
        nodes_[at(sorted[place])] = {static_cast<std::int32_t>(place), 0};
    }
    std::ranges::fill(flow_, static_cast<signed char>(0));
    rim_.clear();
    search_ = 0;
    ends_ = 0;
    reached_ = 0;
    value_ = 0;
}

void Flow::widen(std::size_t nodes) {
    for (; ends_ < nodes; ++ends_) {
        Node& source = nodes_[at(sorted_[ends_])];
        if (source.seen != kReached) {
            source.seen = kReached;
            rim_.push_back(sorted_[ends_]);
            ++reached_;
        }
    }
    firstSink_ = static_cast<std::int32_t>(sorted_.size() - ends_);
}

bool Flow::saturate(int limit) {
    std::erase_if(rim_, [&](std::int32_t node) {
        return std::all_of(part_->head.begin() + part_->begin(node), part_->head.begin() + part_->end(node),
                           [&](std::int32_t target) { return nodes_[at(target)].seen == kReached; });
    });
    for (int before = -1; before < value_;) {
        before = value_;
        ++search_;
        seen_.clear();
        for (const auto source : rim_) {
            while (augment(source)) {
                if (++value_ >= limit) {
                    return false;
                }
            }
        }
    }
    // No flow leaves what the last search has seen, however the sources grow.
    for (const auto node : seen_) {
        nodes_[at(node)].seen = kReached;
    }
    reached_ += seen_.size();
    return true;
}

// Seeks a path to a sink that avoids what this search has seen already.
bool Flow::augment(std::int32_t source) {
    path_.clear();
    std::int32_t node = source;
    for (;;) {
        std::int32_t chosen = -1;
        std::int32_t furthest = -1;
        for (auto edge = part_->begin(node); edge < part_->end(node); ++edge) {
            const Node& target = nodes_[at(part_->head[at(edge)])];
            if (target.place > furthest && target.seen < search_ && flow_[at(edge)] < 1) {
                chosen = edge;
                furthest = target.place;
            }
        }
        if (chosen >= 0) {
            path_.push_back(chosen);
            if (furthest >= firstSink_) {
                for (const auto edge : path_) {
                    ++flow_[at(edge)];
                    --flow_[at(part_->reverse[at(edge)])];
                }
                return true;
            }
            node = part_->head[at(chosen)];
            nodes_[at(node)].seen = search_;
            seen_.push_back(node);
        } else if (path_.empty()) {
            return false;
        } else {
            node = part_->head[at(part_->reverse[at(path_.back())])];
            path_.pop_back();
        }
    }
}

}  // namespace lastmile::roads
