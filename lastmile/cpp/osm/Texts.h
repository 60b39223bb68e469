// Distinct texts and distinct combinations of tags, numbered in the order in which they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "Block.h"

namespace lastmile::osm {

// True where the bytes are UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF.
[[nodiscard]] bool isUtf8(std::string_view text);

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

class Texts {
public:
    // Throws std::invalid_argument where the text is no UTF-8.
    std::int32_t number(std::string_view text);

    [[nodiscard]] std::size_t size() const { return order_.size(); }
    [[nodiscard]] const std::string& operator[](std::size_t number) const { return *order_[number]; }

private:
    std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>> numbers_;
    std::vector<const std::string*> order_;
};

// The numbers of one block's texts, each looked up once.
class BlockTexts {
public:
    BlockTexts(const Block& block, Texts& texts) : block_(block), texts_(texts), numbers_(block.texts(), kUnknown) {}

    std::int32_t number(std::uint64_t inBlock) {
        const std::string_view text = block_.text(inBlock);
        std::int32_t& number = numbers_[static_cast<std::size_t>(inBlock)];
        if (number == kUnknown) {
            number = texts_.number(text);
        }
        return number;
    }

private:
    static constexpr std::int32_t kUnknown = -1;

    const Block& block_;
    Texts& texts_;
    std::vector<std::int32_t> numbers_;
};

using Tag = std::pair<std::int32_t, std::int32_t>;  // numbers of key and value

class Combinations {
public:
    // Of a key that stands twice the last value counts. `tags` is left sorted.
    std::int32_t number(std::vector<Tag>& tags);

    [[nodiscard]] std::size_t size() const { return order_.size(); }
    [[nodiscard]] const std::vector<Tag>& operator[](std::size_t number) const { return *order_[number]; }

private:
    struct Hash {
        std::size_t operator()(const std::vector<Tag>& tags) const;
    };
    std::unordered_map<std::vector<Tag>, std::int32_t, Hash> numbers_;
    std::vector<const std::vector<Tag>*> order_;
};

}  // namespace lastmile::osm
