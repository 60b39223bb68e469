// Tables between positions on edges, over a customized hierarchy.
//
// One upward search per origin, then a sweep over the nodes above the targets, for several origins at once and
// `threads` at a time. The answer does not depend on the number of threads.
//
// Delling, Goldberg, Werneck (2011). Faster batched shortest paths in road networks. doi:10.4230/OASIcs.ATMOS.2011.52
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "Graph.h"
#include "Metric.h"

namespace lastmile::roads {

// A square table, row = origin; not cleared when it is made, for every cell is written once.
template <typename T>
struct Square {
    Square() = default;
    explicit Square(std::size_t size) : size(size), cells(std::make_unique_for_overwrite<T[]>(size * size)) {}

    std::size_t size = 0;
    std::unique_ptr<T[]> cells;
};

// The sums of fastest paths as the core counts them; length and energy are 0 where there is no path.
struct Sums {
    Square<std::int32_t> time;    // milliseconds, kUnreachable where there is no path
    Square<std::int32_t> length;  // centimetres
    Square<std::int32_t> energy;  // hundredths of a watt-hour
};
[[nodiscard]] Sums manyToMany(const Graph& graph, const Metric& metric, const Positions& points, int threads);

// The same in the units of plans.
struct Tables {
    Square<std::int32_t> duration;  // seconds, rounded up; kUnreachable where there is no path
    Square<float> distance;         // metres
    Square<float> energy;           // watt-hours
};
[[nodiscard]] Tables travelTables(const Graph& graph, const Metric& metric, const Positions& points, int threads);

// Of metrics whose third sum is 1 on marked edges and 0 on others: does a fastest path use no part of a marked edge?
// Where several are equally fast and short, one that does counts. True where there is no path.
[[nodiscard]] Square<bool> unmarkedPaths(const Graph& graph, const Metric& metric, const Positions& points,
                                         int threads);

}  // namespace lastmile::roads
