#include "NodeReader.h"

#include <algorithm>
#include <stdexcept>

namespace lastmile::osm {

// A block and what is known of its texts.
struct NodeReader::Texting {
    Texting(const Block& of, const KeyUses& keys, Texts& tags) : block(of), uses(of, keys), texts(of, tags) {
        for (std::size_t text = 0; text < of.texts() && !any; ++text) {
            any = (uses.of(text) & KeyUses::kReported) != 0;
        }
    }

    const Block& block;
    BlockUses uses;
    BlockTexts texts;
    bool any = false;  // some text of the block is a key that is asked for
};

NodeReader::NodeReader(std::span<const std::int64_t> references, KeyUses uses, bool history)
    : uses_(std::move(uses)), history_(history), ids_(references.begin(), references.end()) {
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    ids_.shrink_to_fit();
    places_.resize(ids_.size());
    placed_.assign(ids_.size(), -1);
}

bool NodeReader::read(std::string_view message) {
    const Block block(message);
    Texting texting(block, uses_, tagged_.texts);
    bool others = false;
    block.forEach([&](Block::Kind kind, std::string_view object) {
        switch (kind) {
            case Block::kDenseNodes:
                readDense(texting, object);
                break;
            case Block::kNode:
                readNode(texting, object);
                break;
            default:
                others = true;
        }
    });
    return others;
}

// Sets at_ and tells whether the id is one of those needed. Files are nearly always sorted, so the search starts where
// the last one ended and doubles its step; it is logarithmic where they are not.
bool NodeReader::find(std::int64_t id) {
    std::size_t low = at_;
    if (low > 0 && ids_[low - 1] >= id) {
        low = 0;
    }
    std::size_t step = 1;
    std::size_t high = low;
    while (high < ids_.size() && ids_[high] < id) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    high = std::min(high, ids_.size());
    const auto first = ids_.begin();
    at_ = static_cast<std::size_t>(std::lower_bound(first + static_cast<std::ptrdiff_t>(low),
                                                    first + static_cast<std::ptrdiff_t>(high), id) -
                                   first);
    return at_ < ids_.size() && ids_[at_] == id;
}

// Whether this version of the node found last takes the place of what is held; if so it is on record from now on.
bool NodeReader::counts(const Version& version) {
    const std::int32_t number = history_ ? version.number : 0;
    // A deletion that says nothing of its version cannot be later than another.
    if (number <= placed_[at_] || (!version.visible && number == 0)) {
        return false;
    }
    placed_[at_] = number;
    return true;
}

void NodeReader::place(const Texting& texting, const Version& version, std::int64_t x, std::int64_t y) {
    places_[at_] = version.visible ? texting.block.place(x, y) : Place{};
    if (!combination_.empty()) {
        combination_.erase(at_);
    }
    tags_.clear();
}

void NodeReader::keepTags() {
    if (!tags_.empty()) {
        combination_[at_] = tagged_.combinations.number(tags_);
    }
}

void NodeReader::readDense(Texting& texting, std::string_view message) {
    const DenseNodes nodes(message);
    Deltas ids(nodes.ids);
    Deltas xs(nodes.xs);
    Deltas ys(nodes.ys);
    Varints keysValues(texting.any ? nodes.keysValues : std::string_view{});
    Varints versions(history_ ? nodes.versions : std::string_view{});
    Varints visibles(nodes.visibles);
    const bool tagged = !keysValues.done();
    const bool versioned = !versions.done();
    const bool deletable = !visibles.done();
    while (!ids.done()) {
        const std::int64_t id = ids.next();
        const std::int64_t x = xs.next();
        const std::int64_t y = ys.next();
        Version version;
        if (versioned) {
            version.number = std::max(0, static_cast<std::int32_t>(versions.next()));
        }
        if (deletable) {
            version.visible = visibles.next() != 0;
        }
        const bool kept = find(id) && counts(version);
        if (kept) {
            place(texting, version, x, y);
        }
        if (!tagged) {
            continue;
        }
        while (const std::uint64_t key = keysValues.next()) {
            const std::uint64_t value = keysValues.next();
            if (kept && version.visible && (texting.uses.of(key) & KeyUses::kReported) != 0) {
                const std::int32_t number = texting.texts.number(key);
                tags_.emplace_back(number, texting.texts.number(value));
            }
        }
        if (kept) {
            keepTags();
        }
    }
    if (!xs.done() || !ys.done() || !keysValues.done() || !versions.done() || !visibles.done()) {
        throw std::invalid_argument("nodes have not as many ids as places, tags or versions");
    }
}

void NodeReader::readNode(Texting& texting, std::string_view message) {
    const Node node(message);
    if (!find(node.id)) {
        return;
    }
    const Version version = readVersion(node.version);
    if (!counts(version)) {
        return;
    }
    place(texting, version, node.x, node.y);
    if (!texting.any || !version.visible) {
        return;
    }
    node.tags.forEach([&](std::uint64_t key, std::uint64_t value) {
        if ((texting.uses.of(key) & KeyUses::kReported) != 0) {
            const std::int32_t number = texting.texts.number(key);
            tags_.emplace_back(number, texting.texts.number(value));
        }
    });
    keepTags();
}

std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> NodeReader::places(
    std::span<const std::int64_t> references) const {
    std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> result;
    auto& [xs, ys] = result;
    xs.reserve(references.size());
    ys.reserve(references.size());
    std::size_t slot = 0;
    for (const std::int64_t id : references) {
        // A road's nodes were often made one after another; then no search is needed.
        if (slot + 1 < ids_.size() && ids_[slot + 1] == id) {
            ++slot;
        } else {
            slot = static_cast<std::size_t>(std::lower_bound(ids_.begin(), ids_.end(), id) - ids_.begin());
        }
        if (slot == ids_.size() || ids_[slot] != id) {
            throw std::invalid_argument("node " + std::to_string(id) + " was not looked for");
        }
        const Place& place = places_[slot];
        xs.push_back(place.x);
        ys.push_back(place.y);
    }
    return result;
}

TaggedNodes NodeReader::tagged() {
    std::vector<std::size_t> order;
    order.reserve(combination_.size());
    for (const auto& entry : combination_) {
        order.push_back(entry.first);
    }
    std::sort(order.begin(), order.end());
    for (const std::size_t slot : order) {
        tagged_.id.push_back(ids_[slot]);
        tagged_.tags.push_back(combination_.at(slot));
    }
    combination_.clear();
    return std::exchange(tagged_, TaggedNodes{});
}

}  // namespace lastmile::osm
