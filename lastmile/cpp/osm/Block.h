// One unpacked block of OpenStreetMap objects: its texts, its scale, and the objects in the form they are stored in.
//
// Format: https://wiki.openstreetmap.org/wiki/PBF_Format. Everything here throws std::invalid_argument on bytes that
// are no such block. Views point into the block's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "Protobuf.h"

namespace lastmile::osm {

inline constexpr std::int32_t kMissing = std::numeric_limits<std::int32_t>::min();  // coordinate of an unknown place

struct Place {
    std::int32_t x = kMissing;  // longitude, 1e-7 degrees
    std::int32_t y = kMissing;  // latitude, 1e-7 degrees
};

// What an object says about its own history.
struct Version {
    std::int32_t number = 0;  // 0: not said
    bool visible = true;      // false: deleted
};
[[nodiscard]] Version readVersion(std::string_view message);

// Two packed lists of numbers of texts, as long as each other.
struct Tags {
    std::string_view keys;
    std::string_view values;

    template <typename Visit>
    void forEach(Visit&& visit) const {
        Varints key(keys);
        Varints value(values);
        while (!key.done() && !value.done()) {
            const std::uint64_t number = key.next();
            visit(number, value.next());
        }
        if (!key.done() || !value.done()) {
            throw std::invalid_argument("an object has more keys than values, or fewer");
        }
    }
};

struct Node {
    explicit Node(std::string_view message);

    std::int64_t id = 0;
    std::int64_t x = 0;  // stored units
    std::int64_t y = 0;
    Tags tags;
    std::string_view version;  // a message
};

// Parallel lists, one entry per node; `keysValues` holds for each node its tags and then a 0.
struct DenseNodes {
    explicit DenseNodes(std::string_view message);

    std::string_view ids;
    std::string_view xs;
    std::string_view ys;
    std::string_view keysValues;  // empty where no node has a tag
    std::string_view versions;    // empty where they are not said
    std::string_view visibles;    // empty where all are
};

struct Way {
    explicit Way(std::string_view message);

    std::int64_t id = 0;
    Tags tags;
    std::string_view refs;
    std::string_view xs;  // of the references, where the file has them on its ways ("LocationsOnWays")
    std::string_view ys;
    std::string_view version;  // a message
};

struct Relation {
    explicit Relation(std::string_view message);

    std::int64_t id = 0;
    Tags tags;
    std::string_view roles;
    std::string_view members;
    std::string_view kinds;  // 0 node, 1 way, 2 relation
    std::string_view version;  // a message
};

class Block {
public:
    explicit Block(std::string_view message);

    // The objects of every group, as messages still to be read: visit(kind, message).
    enum Kind : std::uint64_t { kNode = 1, kDenseNodes = 2, kWay = 3, kRelation = 4 };
    template <typename Visit>
    void forEach(Visit&& visit) const {
        for (const std::string_view group : groups_) {
            for (Fields fields(group); fields.next();) {
                if (kNode <= fields.number() && fields.number() <= kRelation) {
                    visit(static_cast<Kind>(fields.number()), fields.bytes());
                }
            }
        }
    }

    [[nodiscard]] std::size_t texts() const { return texts_.size(); }
    [[nodiscard]] std::string_view text(std::uint64_t number) const {
        if (number >= texts_.size()) {
            throw std::invalid_argument("an object has a text that the block lacks");
        }
        return texts_[static_cast<std::size_t>(number)];
    }

    // Missing where the place is not on Earth.
    [[nodiscard]] Place place(std::int64_t x, std::int64_t y) const;

private:
    std::vector<std::string_view> texts_;
    std::vector<std::string_view> groups_;
    std::int64_t granularity_ = 100;  // nanodegrees per stored unit
    std::int64_t offsetX_ = 0;        // nanodegrees
    std::int64_t offsetY_ = 0;
};

}  // namespace lastmile::osm
