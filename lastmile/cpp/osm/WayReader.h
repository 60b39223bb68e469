// First pass over a map: the ways that are asked for and the relations, gathered block by block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "Block.h"
#include "KeyUses.h"
#include "Texts.h"
#include "Versions.h"

namespace lastmile::osm {

struct Member {
    std::int32_t role = 0;  // a text
    char kind = 'n';        // node, way or relation: 'n', 'w', 'r'
    std::int64_t ref = 0;
};

struct KeptRelation {
    std::int64_t id = 0;
    std::vector<Tag> tags;
    std::vector<Member> members;
};

struct Ways {
    std::vector<std::int64_t> offset;  // way i has the references offset[i] .. offset[i + 1] - 1
    std::vector<std::int64_t> node;
    std::vector<std::int32_t> x;  // of references whose place stands on the way; empty where no way has one
    std::vector<std::int32_t> y;
    std::vector<std::int64_t> id;
    std::vector<std::int32_t> tags;  // a combination
    std::vector<std::int32_t> name;  // one of names, 0 is the empty one
    std::vector<KeptRelation> relations;
    std::int64_t repeated = 0;
    Texts texts;  // of tags and roles
    Texts names;
    Combinations combinations;
};

// True where the block holds a way or a relation.
[[nodiscard]] bool holdsWays(std::string_view block);

// Deleted objects are left out. In a file with history the latest version counts, in any other the first.
class WayReader {
public:
    // `relation`: key and value of the tag that a relation to keep has.
    WayReader(KeyUses uses, std::pair<std::string, std::string> relation, bool history);

    // True where the block holds nodes as well. Throws std::invalid_argument on what is no block; nothing can be read
    // or finished after that.
    bool read(std::string_view message);
    // Leaves the reader empty.
    [[nodiscard]] Ways finish();

private:
    struct Texting;

    void readWay(Texting& texting, std::string_view message);
    void readPlaces(const Block& block, const Way& way);
    void readRelation(Texting& texting, std::string_view message);
    [[nodiscard]] bool take(bool admitted, std::int64_t id, std::string_view info, std::vector<Occurrence>& kept,
                            std::vector<Occurrence>& lost) const;
    void dropOldWays();
    void checkWhole() const;

    KeyUses uses_;
    std::pair<std::string, std::string> relation_;
    bool history_;
    bool broken_ = false;  // a block was left half read
    Ways ways_;
    std::vector<Occurrence> kept_;  // ways
    std::vector<Occurrence> lost_;
    std::vector<Occurrence> keptRelations_;
    std::vector<Occurrence> lostRelations_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> reported_;  // tags of one way, as the block numbers them
    std::vector<Tag> tags_;                                         // of one object
};

}  // namespace lastmile::osm
