// Which sites are open, how many of each kind, and which closed one comes next.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "siting/Location.h"

namespace lastmile::siting {

/// What sets of open sites have in common. The best closed site is remembered by blocks, so that only blocks in which
/// something changed are looked through again.
class Roster {
public:
    [[nodiscard]] bool isOpen(std::int32_t site) const { return opened[site] != 0; }
    [[nodiscard]] std::int32_t count() const { return openCount; }
    /// Whether more of the site's kind may open.
    [[nodiscard]] bool mayOpen(std::int32_t site) const { return left[location.kind[site]] > 0; }
    /// Keep a site from being the best one, or let it be again.
    void hold(std::int32_t site, bool back) {
        held[site] = back;
        changed(site);
    }

protected:
    explicit Roster(const Location& location);

    const Location& location;

    void mark(std::int32_t site, bool open) {
        opened[site] = open;
        openCount += open ? 1 : -1;
        left[location.kind[site]] -= open ? 1 : -1;
        changed(site);
    }
    /// What its opening comes to has changed.
    void changed(std::int32_t site) { isStale[site / kBlock] = 1; }
    /// The closed site with the greatest gain, the first of equals, of those that may open and are not held back; -1
    /// if there is none.
    template <typename Gain>
    std::int32_t best(Gain gain) {
        std::int32_t found = -1;
        Cost greatest = 0;
        for (std::size_t block = 0; block < bestOf.size(); ++block) {
            const std::int32_t kind = kindOf[block];
            if (kind >= 0 && left[kind] <= 0) continue;
            if (isStale[block] || kind < 0) {
                isStale[block] = 0;
                const auto from = static_cast<std::int32_t>(block) * kBlock;
                const std::int32_t to = std::min(from + kBlock, location.sites());
                std::int32_t winner = -1;
                Cost most = 0;
                for (std::int32_t s = from; s < to; ++s) {
                    if (opened[s] || held[s] || (kind < 0 && !mayOpen(s))) continue;
                    const Cost saved = gain(s);
                    if (winner < 0 || saved > most) winner = s, most = saved;
                }
                bestOf[block] = {winner, most};
            }
            const Best& here = bestOf[block];
            if (here.site >= 0 && (found < 0 || here.gain > greatest)) found = here.site, greatest = here.gain;
        }
        return found;
    }

private:
    static constexpr std::int32_t kBlock = 64;

    struct Best {
        std::int32_t site;  // -1: none
        Cost gain;
    };

    std::vector<std::uint8_t> opened, held;
    std::vector<std::int32_t> left;    // by kind: so many more may open
    std::vector<std::int32_t> kindOf;  // by block; -1: it has sites of several
    std::vector<Best> bestOf;
    std::vector<std::uint8_t> isStale;
    std::int32_t openCount = 0;
};

/// Opens the best site as long as one pays.
template <typename Set>
void fill(Set& set) {
    for (std::int32_t site = set.best(); site >= 0 && set.gain(site) > 0; site = set.best()) set.open(site);
}

}  // namespace lastmile::siting
