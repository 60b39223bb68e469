#include "Versions.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace lastmile::osm {

Choice chooseLatest(const std::vector<Occurrence>& objects, std::vector<Occurrence> lost) {
    Choice choice;
    const auto notRising = [](const Occurrence& a, const Occurrence& b) { return a.id >= b.id; };
    // Sorted files without repeats, which is nearly all of them, need no more than this look.
    if (lost.empty() && std::adjacent_find(objects.begin(), objects.end(), notRising) == objects.end()) {
        return choice;
    }
    std::vector<std::size_t> order(objects.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (objects[a].id != objects[b].id) {
            return objects[a].id < objects[b].id;
        }
        return objects[a].version != objects[b].version ? objects[a].version > objects[b].version : a < b;
    });
    std::sort(lost.begin(), lost.end(), [](const Occurrence& a, const Occurrence& b) {
        return a.id != b.id ? a.id < b.id : a.version > b.version;
    });
    choice.kept.assign(objects.size(), false);
    auto later = lost.cbegin();
    for (std::size_t i = 0; i < order.size();) {
        const Occurrence& latest = objects[order[i]];
        later = std::find_if(later, lost.cend(), [&](const Occurrence& other) { return other.id >= latest.id; });
        const bool isLost = later != lost.cend() && later->id == latest.id && later->version > latest.version;
        choice.kept[order[i]] = !isLost;
        for (++i; i < order.size() && objects[order[i]].id == latest.id; ++i) {
            choice.repeated += static_cast<std::int64_t>(!isLost && objects[order[i]].version == latest.version);
        }
    }
    return choice;
}

}  // namespace lastmile::osm
