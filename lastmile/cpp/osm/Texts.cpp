#include "Texts.h"

#include <algorithm>
#include <stdexcept>

namespace lastmile::osm {

bool isUtf8(std::string_view text) {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = at(i);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        if (lead < 0xC2 || lead > 0xF4) {
            return false;
        }
        // The second byte's range keeps out overlong forms, surrogates and what lies above U+10FFFF.
        const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (at(i + 1) < low || at(i + 1) > high) {
            return false;
        }
        const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        for (std::size_t k = 2; k < length; ++k) {
            if ((at(i + k) & 0xC0U) != 0x80U) {
                return false;
            }
        }
        i += length;
    }
    return true;
}

std::int32_t Texts::number(std::string_view text) {
    const auto known = numbers_.find(text);
    if (known != numbers_.end()) {
        return known->second;
    }
    if (!isUtf8(text)) {
        throw std::invalid_argument("a text is not UTF-8");
    }
    const auto [added, isNew] = numbers_.emplace(std::string(text), static_cast<std::int32_t>(order_.size()));
    order_.push_back(&added->first);
    return added->second;
}

std::size_t Combinations::Hash::operator()(const std::vector<Tag>& tags) const {
    // FNV-1a over the numbers.
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const auto& [key, value] : tags) {
        hash = (hash ^ static_cast<std::uint32_t>(key)) * 0x100000001B3U;
        hash = (hash ^ static_cast<std::uint32_t>(value)) * 0x100000001B3U;
    }
    return static_cast<std::size_t>(hash);
}

std::int32_t Combinations::number(std::vector<Tag>& tags) {
    std::stable_sort(tags.begin(), tags.end(), [](const Tag& a, const Tag& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (const Tag& tag : tags) {
        if (kept > 0 && tags[kept - 1].first == tag.first) {
            --kept;
        }
        tags[kept++] = tag;
    }
    tags.resize(kept);
    const auto [place, isNew] = numbers_.try_emplace(tags, static_cast<std::int32_t>(order_.size()));
    if (isNew) {
        order_.push_back(&place->first);
    }
    return place->second;
}

}  // namespace lastmile::osm
