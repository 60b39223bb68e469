#include "KeyUses.h"

#include <algorithm>

namespace lastmile::osm {

KeyUses::KeyUses(const std::vector<Filter>& filters, const std::vector<std::string>& reported,
                 std::vector<std::string> suffixes)
    : suffixes_(std::move(suffixes)) {
    for (const auto& [key, values] : filters) {
        if (!values) {
            uses_[key] |= kAdmits;
            continue;
        }
        uses_[key] |= kMayAdmit;
        values_[key].insert(values->begin(), values->end());
    }
    for (const std::string& key : reported) {
        uses_[key] |= kReported;
    }
    uses_["name"] |= kName;
}

std::uint8_t KeyUses::of(std::string_view key) const {
    const auto known = uses_.find(key);
    const std::uint8_t use = known == uses_.end() ? std::uint8_t{0} : known->second;
    const bool ends = std::any_of(suffixes_.begin(), suffixes_.end(),
                                  [&](const std::string& suffix) { return key.ends_with(suffix); });
    return ends ? use | kReported : use;
}

bool KeyUses::admits(std::string_view key, std::string_view value) const {
    const auto values = values_.find(key);
    return values != values_.end() && values->second.contains(value);
}

}  // namespace lastmile::osm
