// What no plan of a maximal covering can cost less than, however large it is.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "siting/Covering.h"
#include "siting/CoveringRelaxation.h"
#include "siting/OddSets.h"

namespace lastmile::siting {

/// The linear relaxation, and rows of odd sets that its shares break, again and again (relax and cut: Lucena 2005,
/// doi:10.1007/s10479-005-3972-1). Rows without a price are dropped. Any prices of any rows bound right, so a round needs
/// no more of the relaxation than tells which sets it breaks.
class CoveringBound {
public:
    /// Throws std::invalid_argument where `location` is no covering problem.
    explicit CoveringBound(const Location& location);

    /// So many steps of the relaxation, until its bound is `limit`.
    void run(std::int64_t steps, double limit);
    /// Another round of sets.
    void cut();

    [[nodiscard]] double best() const { return best_; }
    /// What the relaxation with these sets may rise by yet.
    [[nodiscard]] double missing() const { return relaxation ? relaxation->cost() - relaxation->bound() : 0.0; }
    [[nodiscard]] std::size_t sets() const { return oddSets.size(); }
    /// What no plan costs less than with a site open, or closed, among those without sites that others are as good as: these
    /// cost infinitely much open, and standing ones closed.
    [[nodiscard]] Forced forced();

private:
    Covering covering;
    std::vector<Choice> decided;
    CoveringPart part;
    OddSets oddSets;
    std::optional<CoveringRelaxation> relaxation;  // none where no site is left
    double best_;
};

}  // namespace lastmile::siting
