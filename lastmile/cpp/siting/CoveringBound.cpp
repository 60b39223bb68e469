#include "siting/CoveringBound.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace lastmile::siting {

CoveringBound::CoveringBound(const Location& location)
    : covering(location), decided(location.choices()), part(covering.part(decided)), oddSets(part), best_(part.paid) {
    if (!part.site.empty()) relaxation.emplace(CoveringRelaxation::begin(part, &oddSets));
}

void CoveringBound::run(std::int64_t steps, double limit) {
    for (; relaxation && steps > 0 && best_ < limit; steps -= CoveringRelaxation::kStride) {
        relaxation->run();
        best_ = std::max(best_, relaxation->bound());
    }
}

void CoveringBound::cut() {
    if (!relaxation) return;
    relaxation.emplace(relaxation->cut(oddSets));
    best_ = std::max(best_, relaxation->bound());
}

Forced CoveringBound::forced() {
    constexpr double kInfinite = std::numeric_limits<double>::infinity();
    Forced result{std::vector<double>(decided.size(), best_), std::vector<double>(decided.size(), best_)};
    for (std::size_t s = 0; s < decided.size(); ++s)
        if (decided[s] != Choice::kFree) (decided[s] == Choice::kOpen ? result.closed : result.open)[s] = kInfinite;
    if (!relaxation) return result;
    const CoveringRelaxation::ForcedOfPart ofPart = relaxation->forced();
    for (std::size_t k = 0; k < part.site.size(); ++k) {
        result.open[part.site[k]] = ofPart.open[k];
        result.closed[part.site[k]] = ofPart.closed[k];
    }
    return result;
}

}  // namespace lastmile::siting
