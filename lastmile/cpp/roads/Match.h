// Which roads a vehicle drove, from places that a receiver recorded with noise: a hidden Markov model whose states are
// positions on directed edges.
//
// Newson, Krumm (2009). Hidden Markov map matching through noise and sparseness. doi:10.1145/1653771.1653818
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

// Recorded places of several vehicles, one behind the other, each with the positions on edges it may stem from.
struct Fixes {
    std::span<const std::int64_t> trace;   // the fixes of trace i are trace[i] .. trace[i + 1] - 1
    std::span<const double> x;             // metres in a plane; each trace may have its own
    std::span<const double> y;
    std::span<const double> second;        // never falling within a trace
    std::span<const double> deviation;     // metres, standard deviation of the place
    std::span<const std::int64_t> offset;  // the candidates of fix i are offset[i] .. offset[i + 1] - 1
    std::span<const std::int32_t> edge;
    std::span<const double> fraction;  // of the edge's length, from where it begins
    std::span<const double> distance;  // metres from the fix

    [[nodiscard]] std::size_t size() const { return x.size(); }
    // Throws std::invalid_argument where sizes differ, rows run back, or a number is out of its range.
    void check(const Graph& graph) const;
};

struct MatchModel {
    // The mean by which a way differs from the straight line between its fixes is the sum of
    double beta;              // metres,
    double betaPerDeviation;  // times the mean deviation of the two fixes, and
    double betaPerMetre;      // times the length of the line.
    double excess;            // metres; a way longer than the line by more is not driven
    double speed;             // metres a second that no vehicle exceeds
    double slack;             // times the sum of both deviations: what noise may add to what is driven at that speed
    double backtrack;         // the same: so far back on one edge is noise of a vehicle that stands
    double turn;              // metres; turning around within an edge counts as so many, and as those of `backtrack`
    std::int32_t skip;        // fixes in a row that may be left out where nothing leads to them

    // Throws std::invalid_argument where a number is out of its range.
    void check() const;
};

struct Matches {
    std::vector<std::int64_t> chosen;   // candidate of every fix; -1 where it was left out
    std::vector<std::uint8_t> begins;   // 1 where nothing leads from the fix before: a new part of the trace
    std::vector<std::uint8_t> turned;   // 1 where the vehicle turned around on the edge of the fix before
    std::vector<std::int64_t> offset;   // of the fixes into `edges`
    std::vector<std::int32_t> edges;    // driven from the chosen fix before to this one, both ends' edges included;
                                        // none where the vehicle stands
};

// The most probable positions of every trace and the shortest ways between them; `threads` traces at a time.
//
// A part of a trace ends where no way leads on within the model's bounds, even when the next `skip` fixes are left out.
// Equally probable positions: the one on the edge of the lower number, at the lower fraction.
// A vehicle may turn around on an edge that has one of the other direction; at its end it may do so anyway.
// `weight`: millimetres of every edge, negative where it is closed. `reverse`: the edge of the other direction, negative
// where there is none.
// Throws std::invalid_argument where the arguments do not fit each other.
[[nodiscard]] Matches match(const Graph& graph, std::span<const std::int32_t> weight,
                            std::span<const std::int32_t> reverse, const Fixes& fixes, const MatchModel& model,
                            int threads);

}  // namespace lastmile::roads
