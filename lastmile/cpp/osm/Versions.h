// Which of several objects with the same id counts.
#pragma once

#include <cstdint>
#include <vector>

namespace lastmile::osm {

// One object as it stands in the file.
struct Occurrence {
    std::int64_t id = 0;
    std::int32_t version = 0;
};

struct Choice {
    std::vector<bool> kept;     // of the objects; empty where all are
    std::int64_t repeated = 0;  // objects left out although no version is later than theirs: the file repeats itself
};

// Of every id the highest version counts, and the first of those that are equal. `lost` are versions that are not
// among the objects because they are deleted or no longer what is asked for: where one is the latest, none is kept.
[[nodiscard]] Choice chooseLatest(const std::vector<Occurrence>& objects, std::vector<Occurrence> lost);

// Moves the kept entries of parallel arrays to the front, in their order.
template <typename T>
void keepOnly(const std::vector<bool>& kept, std::vector<T>& values) {
    std::size_t end = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (kept[i]) {
            values[end++] = std::move(values[i]);
        }
    }
    values.resize(end);
}

}  // namespace lastmile::osm
