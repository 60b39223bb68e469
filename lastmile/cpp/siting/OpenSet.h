// A set of open sites without capacities, and what each change of it comes to.
#pragma once

#include <cstdint>
#include <vector>

#include "siting/Roster.h"

namespace lastmile::siting {

/// Knows at every moment what opening any closed site saves and what closing any open one costs. Of each customer it
/// knows the two cheapest open sites, so a change touches only the sites that share customers with it: Whitaker (1983),
/// doi:10.1080/03155986.1983.11731889; Resende & Werneck (2007), doi:10.1016/j.ejor.2005.05.054.
class OpenSet : public Roster {
public:
    explicit OpenSet(const Location& location);

    void open(std::int32_t site);
    void close(std::int32_t site);
    /// From here on changes are remembered.
    void begin() { log.clear(); }
    /// As it was at `begin`.
    void rollback();

    [[nodiscard]] Cost cost() const { return total; }
    /// What opening a closed site saves.
    [[nodiscard]] Cost gain(std::int32_t site) const { return gains[site]; }
    /// What closing an open site costs.
    [[nodiscard]] Cost loss(std::int32_t site) const { return losses[site]; }
    std::int32_t best() {
        return Roster::best([&](std::int32_t site) { return gains[site]; });
    }

private:
    /// The two cheapest open sites of a customer; where there is none, site -1 at the price of serving it not at all.
    struct Service {
        std::int32_t first = -1, second = -1;
        Cost cost, next;
    };

    std::vector<Cost> gains, losses;
    std::vector<Service> served;
    std::vector<std::int32_t> log;  // sites that opened or closed
    Cost total = 0;

    void reprice(std::int32_t customer, Cost before, Cost after);
    void findSecond(std::int32_t customer);
};

}  // namespace lastmile::siting
