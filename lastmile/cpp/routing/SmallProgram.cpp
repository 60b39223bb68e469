#include "SmallProgram.h"

#include <algorithm>

namespace lastmile::routing {

namespace {

constexpr double kPivot = 1e-9;  // coefficients are small integers at first; what is less is rounding

}  // namespace

std::optional<double> least(std::span<const double> rows, std::size_t unknowns, std::size_t which, double tolerance,
                            std::vector<double>& at) {
    const std::size_t width = unknowns + 1;
    const std::size_t count = rows.size() / width;
    // What a row is, in terms of unknowns that are 0; the last row is what is to be small.
    thread_local std::vector<double> table;
    thread_local std::vector<std::size_t> ofRow, ofColumn;  // unknowns, then slacks
    table.assign(rows.begin(), rows.end());
    table.resize((count + 1) * width, 0.0);
    double* const cost = table.data() + count * width;
    cost[1 + which] = 1.0;
    ofRow.resize(count);
    ofColumn.resize(unknowns);
    for (std::size_t row = 0; row < count; ++row) ofRow[row] = unknowns + row;
    for (std::size_t column = 0; column < unknowns; ++column) ofColumn[column] = column;
    for (;;) {
        std::size_t leaves = count;
        for (std::size_t row = 0; row < count; ++row)
            if (table[row * width] < -tolerance && (leaves == count || ofRow[row] < ofRow[leaves])) leaves = row;
        if (leaves == count) break;
        double* const pivotal = table.data() + leaves * width;
        std::size_t enters = unknowns;
        for (std::size_t column = 0; column < unknowns; ++column) {
            if (pivotal[1 + column] <= kPivot) continue;
            if (enters < unknowns) {
                const double mine = cost[1 + column] * pivotal[1 + enters];
                const double other = cost[1 + enters] * pivotal[1 + column];
                if (mine > other || (mine == other && ofColumn[column] > ofColumn[enters])) continue;
            }
            enters = column;
        }
        if (enters == unknowns) return std::nullopt;
        // The unknown that enters, in terms of the others and of the row's slack.
        const double pivot = pivotal[1 + enters];
        for (std::size_t k = 0; k < width; ++k) pivotal[k] = k == 1 + enters ? 1.0 / pivot : -pivotal[k] / pivot;
        for (std::size_t row = 0; row <= count; ++row) {
            double* const other = table.data() + row * width;
            const double share = other[1 + enters];
            if (row == leaves || share == 0.0) continue;
            other[1 + enters] = 0.0;
            for (std::size_t k = 0; k < width; ++k) other[k] += share * pivotal[k];
        }
        std::swap(ofRow[leaves], ofColumn[enters]);
    }
    at.assign(unknowns, 0.0);
    for (std::size_t row = 0; row < count; ++row)
        if (ofRow[row] < unknowns) at[ofRow[row]] = std::max(0.0, table[row * width]);
    return cost[0];
}

}  // namespace lastmile::routing
