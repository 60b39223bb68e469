// Second pass over a map: places and tags of the nodes that ways refer to, gathered block by block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "Block.h"
#include "KeyUses.h"
#include "Texts.h"

namespace lastmile::osm {

struct TaggedNodes {
    std::vector<std::int64_t> id;    // ascending
    std::vector<std::int32_t> tags;  // a combination
    Texts texts;
    Combinations combinations;
};

// Nodes nobody refers to leave no trace, so memory grows with the ways and not with the file. Deleted nodes are left
// out. In a file with history the latest version counts, in any other the first.
class NodeReader {
public:
    // `references`: ids in any order, any number of times. Only tags are kept that `uses` reports.
    NodeReader(std::span<const std::int64_t> references, KeyUses uses, bool history);

    // True where the block holds ways or relations as well. Throws std::invalid_argument on what is no block.
    bool read(std::string_view message);
    // For each reference its node's longitude and latitude, kMissing where the file has none. Throws
    // std::invalid_argument where a reference is not one of those the reader was made for.
    [[nodiscard]] std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> places(
        std::span<const std::int64_t> references) const;
    // Nodes with a tag that was asked for. Leaves the reader without tags.
    [[nodiscard]] TaggedNodes tagged();

private:
    struct Texting;

    void readDense(Texting& texting, std::string_view message);
    void readNode(Texting& texting, std::string_view message);
    [[nodiscard]] bool find(std::int64_t id);
    [[nodiscard]] bool counts(const Version& version);
    void place(const Texting& texting, const Version& version, std::int64_t x, std::int64_t y);
    void keepTags();

    KeyUses uses_;
    bool history_;
    std::vector<std::int64_t> ids_;     // ascending, each once
    std::vector<Place> places_;         // of ids_
    std::vector<std::int32_t> placed_;  // version that is held of each, -1 for none
    std::size_t at_ = 0;                // first of ids_ that is not below the one looked for last
    std::unordered_map<std::size_t, std::int32_t> combination_;  // of tagged ones of ids_
    TaggedNodes tagged_;
    std::vector<Tag> tags_;  // of one node
};

}  // namespace lastmile::osm
