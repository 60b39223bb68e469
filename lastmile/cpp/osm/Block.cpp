#include "Block.h"

#include <algorithm>
#include <string>

namespace lastmile::osm {

namespace {

constexpr std::int64_t kNanodegrees = 100;  // per unit of a place
constexpr std::int64_t kEast = 1'800'000'000;
constexpr std::int64_t kNorth = 900'000'000;

void require(bool found, const char* object) {
    if (!found) {
        throw std::invalid_argument(std::string(object) + " lacks its id or its place");
    }
}

[[nodiscard]] bool scaled(std::int64_t stored, std::int64_t granularity, std::int64_t offset, std::int64_t limit,
                          std::int32_t& result) {
    std::int64_t nano = 0;
    if (__builtin_mul_overflow(stored, granularity, &nano) || __builtin_add_overflow(nano, offset, &nano)) {
        return false;
    }
    nano /= kNanodegrees;
    result = static_cast<std::int32_t>(nano);
    return -limit <= nano && nano <= limit;
}

}  // namespace

Version readVersion(std::string_view message) {
    Version version;
    for (Fields fields(message); fields.next();) {
        if (fields.number() == 1) {
            version.number = std::max(0, static_cast<std::int32_t>(fields.integer()));
        } else if (fields.number() == 6) {
            version.visible = fields.scalar() != 0;
        }
    }
    return version;
}

Node::Node(std::string_view message) {
    unsigned found = 0;
    for (Fields fields(message); fields.next();) {
        switch (fields.number()) {
            case 1:
                id = fields.signedInteger();
                found |= 1U;
                break;
            case 2:
                fields.once(tags.keys);
                break;
            case 3:
                fields.once(tags.values);
                break;
            case 4:
                version = fields.bytes();
                break;
            case 8:
                y = fields.signedInteger();
                found |= 2U;
                break;
            case 9:
                x = fields.signedInteger();
                found |= 4U;
                break;
            default:
                break;
        }
    }
    require(found == 7U, "a node");
}

DenseNodes::DenseNodes(std::string_view message) {
    std::string_view info;
    for (Fields fields(message); fields.next();) {
        switch (fields.number()) {
            case 1:
                fields.once(ids);
                break;
            case 5:
                fields.once(info);
                break;
            case 8:
                fields.once(ys);
                break;
            case 9:
                fields.once(xs);
                break;
            case 10:
                fields.once(keysValues);
                break;
            default:
                break;
        }
    }
    for (Fields fields(info); fields.next();) {
        if (fields.number() == 1) {
            fields.once(versions);
        } else if (fields.number() == 6) {
            fields.once(visibles);
        }
    }
}

Way::Way(std::string_view message) {
    bool found = false;
    for (Fields fields(message); fields.next();) {
        switch (fields.number()) {
            case 1:
                id = fields.integer();
                found = true;
                break;
            case 2:
                fields.once(tags.keys);
                break;
            case 3:
                fields.once(tags.values);
                break;
            case 4:
                version = fields.bytes();
                break;
            case 8:
                fields.once(refs);
                break;
            case 9:
                fields.once(ys);
                break;
            case 10:
                fields.once(xs);
                break;
            default:
                break;
        }
    }
    require(found, "a way");
}

Relation::Relation(std::string_view message) {
    bool found = false;
    for (Fields fields(message); fields.next();) {
        switch (fields.number()) {
            case 1:
                id = fields.integer();
                found = true;
                break;
            case 2:
                fields.once(tags.keys);
                break;
            case 3:
                fields.once(tags.values);
                break;
            case 4:
                version = fields.bytes();
                break;
            case 8:
                fields.once(roles);
                break;
            case 9:
                fields.once(members);
                break;
            case 10:
                fields.once(kinds);
                break;
            default:
                break;
        }
    }
    require(found, "a relation");
}

Block::Block(std::string_view message) {
    for (Fields fields(message); fields.next();) {
        switch (fields.number()) {
            case 1:
                for (Fields table(fields.bytes()); table.next();) {
                    if (table.number() == 1) {
                        texts_.push_back(table.bytes());
                    }
                }
                break;
            case 2:
                groups_.push_back(fields.bytes());
                break;
            case 17:
                granularity_ = static_cast<std::int32_t>(fields.integer());
                break;
            case 19:
                offsetY_ = fields.integer();
                break;
            case 20:
                offsetX_ = fields.integer();
                break;
            default:
                break;
        }
    }
    if (granularity_ <= 0) {
        throw std::invalid_argument("the granularity is " + std::to_string(granularity_));
    }
}

Place Block::place(std::int64_t x, std::int64_t y) const {
    Place place;
    if (!scaled(x, granularity_, offsetX_, kEast, place.x) || !scaled(y, granularity_, offsetY_, kNorth, place.y)) {
        return {};
    }
    return place;
}

}  // namespace lastmile::osm
