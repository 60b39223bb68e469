// Which tags are asked for, found by key; within a block every key is looked at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "Block.h"
#include "Texts.h"

namespace lastmile::osm {

// A key, and the values with which it is meant; none: any value.
using Filter = std::pair<std::string, std::optional<std::vector<std::string>>>;

class KeyUses {
public:
    // What a tag is good for; a key may have several uses.
    static constexpr std::uint8_t kReported = 1;   // enters the combination of tags
    static constexpr std::uint8_t kName = 2;       // is the name
    static constexpr std::uint8_t kAdmits = 4;     // makes the object one to keep, whatever the value
    static constexpr std::uint8_t kMayAdmit = 8;   // ... with certain values

    // `reported`: keys; `suffixes`: keys that end so are reported as well.
    KeyUses(const std::vector<Filter>& filters, const std::vector<std::string>& reported,
            std::vector<std::string> suffixes);

    [[nodiscard]] std::uint8_t of(std::string_view key) const;
    [[nodiscard]] bool admits(std::string_view key, std::string_view value) const;

private:
    std::unordered_map<std::string, std::uint8_t, TextHash, std::equal_to<>> uses_;
    std::unordered_map<std::string, std::unordered_set<std::string, TextHash, std::equal_to<>>, TextHash,
                       std::equal_to<>>
        values_;
    std::vector<std::string> suffixes_;
};

// The uses of one block's texts.
class BlockUses {
public:
    BlockUses(const Block& block, const KeyUses& uses) : block_(block), uses_(uses), known_(block.texts(), kUnknown) {}

    std::uint8_t of(std::uint64_t key) {
        const std::string_view text = block_.text(key);
        std::uint8_t& use = known_[static_cast<std::size_t>(key)];
        if (use == kUnknown) {
            use = uses_.of(text);
        }
        return use;
    }

private:
    static constexpr std::uint8_t kUnknown = 0xFF;

    const Block& block_;
    const KeyUses& uses_;
    std::vector<std::uint8_t> known_;
};

}  // namespace lastmile::osm
