#include "WayReader.h"

#include <cstddef>
#include <stdexcept>
#include <utility>

namespace lastmile::osm {

bool holdsWays(std::string_view block) {
    bool found = false;
    Block(block).forEach([&](Block::Kind kind, std::string_view) {
        found = found || kind == Block::kWay || kind == Block::kRelation;
    });
    return found;
}

// A block and what is known of its texts.
struct WayReader::Texting {
    Texting(const Block& of, const KeyUses& keys, Texts& tags, Texts& named)
        : block(of), uses(of, keys), texts(of, tags), names(of, named) {}

    const Block& block;
    BlockUses uses;
    BlockTexts texts;
    BlockTexts names;
};

WayReader::WayReader(KeyUses uses, std::pair<std::string, std::string> relation, bool history)
    : uses_(std::move(uses)), relation_(std::move(relation)), history_(history) {
    ways_.offset.push_back(0);
    ways_.names.number("");
}

void WayReader::checkWhole() const {
    if (broken_) {
        throw std::invalid_argument("an earlier block could not be read");
    }
}

bool WayReader::read(std::string_view message) {
    checkWhole();
    broken_ = true;
    const Block block(message);
    Texting texting(block, uses_, ways_.texts, ways_.names);
    bool nodes = false;
    block.forEach([&](Block::Kind kind, std::string_view object) {
        switch (kind) {
            case Block::kWay:
                readWay(texting, object);
                break;
            case Block::kRelation:
                readRelation(texting, object);
                break;
            default:
                nodes = true;
        }
    });
    broken_ = false;
    return nodes;
}

// Notes an object's version, and tells whether the object is to be kept.
bool WayReader::take(bool admitted, std::int64_t id, std::string_view info, std::vector<Occurrence>& kept,
                     std::vector<Occurrence>& lost) const {
    if (!admitted && !history_) {
        return false;
    }
    const Version version = readVersion(info);
    const std::int32_t number = history_ ? version.number : 0;
    if (admitted && version.visible) {
        kept.push_back({id, number});
        return true;
    }
    // What says nothing of its version cannot be later than another.
    if (number > 0) {
        lost.push_back({id, number});
    }
    return false;
}

void WayReader::readWay(Texting& texting, std::string_view message) {
    const Way way(message);
    bool admitted = false;
    std::int32_t name = 0;
    std::uint64_t nameText = 0;
    bool named = false;
    reported_.clear();
    way.tags.forEach([&](std::uint64_t key, std::uint64_t value) {
        const std::uint8_t use = texting.uses.of(key);
        if (use == 0) {
            return;
        }
        if ((use & KeyUses::kReported) != 0) {
            reported_.emplace_back(key, value);
        }
        if ((use & KeyUses::kName) != 0) {
            nameText = value;
            named = true;
        }
        admitted = admitted || (use & KeyUses::kAdmits) != 0 ||
                   ((use & KeyUses::kMayAdmit) != 0 &&
                    uses_.admits(texting.block.text(key), texting.block.text(value)));
    });
    if (!take(admitted, way.id, way.version, kept_, lost_)) {
        return;
    }
    tags_.clear();
    for (const auto& [key, value] : reported_) {
        const std::int32_t number = texting.texts.number(key);
        tags_.emplace_back(number, texting.texts.number(value));
    }
    if (named) {
        name = texting.names.number(nameText);
    }
    for (Deltas refs(way.refs); !refs.done();) {
        ways_.node.push_back(refs.next());
    }
    readPlaces(texting.block, way);
    ways_.id.push_back(way.id);
    ways_.offset.push_back(static_cast<std::int64_t>(ways_.node.size()));
    ways_.tags.push_back(ways_.combinations.number(tags_));
    ways_.name.push_back(name);
}

void WayReader::readPlaces(const Block& block, const Way& way) {
    if (way.xs.empty() && way.ys.empty() && ways_.x.empty()) {
        return;
    }
    // From the first way with places on, every reference has one, if only a missing one.
    const std::size_t first = static_cast<std::size_t>(ways_.offset.back());
    ways_.x.resize(first, kMissing);
    ways_.y.resize(first, kMissing);
    Deltas xs(way.xs);
    Deltas ys(way.ys);
    while (!xs.done() && !ys.done() && ways_.x.size() < ways_.node.size()) {
        const std::int64_t x = xs.next();
        const Place place = block.place(x, ys.next());
        ways_.x.push_back(place.x);
        ways_.y.push_back(place.y);
    }
    const bool none = way.xs.empty() && way.ys.empty();
    if (!xs.done() || !ys.done() || (!none && ways_.x.size() < ways_.node.size())) {
        throw std::invalid_argument("a way has not as many places as nodes");
    }
    ways_.x.resize(ways_.node.size(), kMissing);
    ways_.y.resize(ways_.node.size(), kMissing);
}

void WayReader::readRelation(Texting& texting, std::string_view message) {
    const Relation relation(message);
    bool admitted = false;
    relation.tags.forEach([&](std::uint64_t key, std::uint64_t value) {
        admitted = admitted ||
                   (texting.block.text(key) == relation_.first && texting.block.text(value) == relation_.second);
    });
    if (!take(admitted, relation.id, relation.version, keptRelations_, lostRelations_)) {
        return;
    }
    KeptRelation kept;
    kept.id = relation.id;
    relation.tags.forEach([&](std::uint64_t key, std::uint64_t value) {
        const std::int32_t number = texting.texts.number(key);
        kept.tags.emplace_back(number, texting.texts.number(value));
    });
    Varints roles(relation.roles);
    Deltas members(relation.members);
    Varints kinds(relation.kinds);
    while (!roles.done() && !members.done() && !kinds.done()) {
        const std::uint64_t kind = kinds.next();
        if (kind > 2) {
            throw std::invalid_argument("a member of a relation is of no known kind");
        }
        const std::int32_t role = texting.texts.number(roles.next());
        kept.members.push_back({role, "nwr"[kind], members.next()});
    }
    if (!roles.done() || !members.done() || !kinds.done()) {
        throw std::invalid_argument("a relation has not as many roles as members");
    }
    ways_.relations.push_back(std::move(kept));
}

void WayReader::dropOldWays() {
    const Choice choice = chooseLatest(kept_, std::move(lost_));
    ways_.repeated = choice.repeated;
    if (choice.kept.empty()) {
        return;
    }
    std::vector<bool> refs(ways_.node.size());
    std::vector<std::int64_t> offset{0};
    for (std::size_t way = 0; way < choice.kept.size(); ++way) {
        if (!choice.kept[way]) {
            continue;
        }
        for (std::int64_t ref = ways_.offset[way]; ref < ways_.offset[way + 1]; ++ref) {
            refs[static_cast<std::size_t>(ref)] = true;
        }
        offset.push_back(offset.back() + ways_.offset[way + 1] - ways_.offset[way]);
    }
    keepOnly(refs, ways_.node);
    keepOnly(refs, ways_.x);
    keepOnly(refs, ways_.y);
    keepOnly(choice.kept, ways_.id);
    keepOnly(choice.kept, ways_.tags);
    keepOnly(choice.kept, ways_.name);
    ways_.offset = std::move(offset);
}

Ways WayReader::finish() {
    checkWhole();
    dropOldWays();
    const Choice choice = chooseLatest(keptRelations_, std::move(lostRelations_));
    if (!choice.kept.empty()) {
        keepOnly(choice.kept, ways_.relations);
    }
    Ways result = std::move(ways_);
    *this = WayReader(std::move(uses_), std::move(relation_), history_);
    return result;
}

}  // namespace lastmile::osm
