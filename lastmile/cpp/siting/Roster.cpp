#include "siting/Roster.h"

namespace lastmile::siting {

Roster::Roster(const Location& location)
    : location(location),
      opened(location.sites(), 0),
      held(location.sites(), 0),
      left(location.most),
      kindOf((location.sites() + kBlock - 1) / kBlock),
      bestOf(kindOf.size(), {-1, 0}),
      isStale(kindOf.size(), 1) {
    for (std::size_t block = 0; block < kindOf.size(); ++block) {
        const auto from = static_cast<std::int32_t>(block) * kBlock;
        const std::int32_t last = std::min(from + kBlock, location.sites()) - 1;
        kindOf[block] = location.kind[from] == location.kind[last] ? location.kind[from] : -1;
    }
}

}  // namespace lastmile::siting
