// A set of open sites, and what each change of it comes to.
#pragma once

#include <cstdint>
#include <vector>

#include "siting/Location.h"

namespace lastmile::siting {

/// Knows at every moment what opening any closed site saves and what closing any open one costs. Of each customer it
/// knows the two cheapest open sites, so a change touches only the sites that share customers with it: Whitaker (1983),
/// doi:10.1080/03155986.1983.11731889; Resende & Werneck (2007), doi:10.1016/j.ejor.2005.05.054.
class OpenSet {
public:
    explicit OpenSet(const Location& location);

    void open(std::int32_t site);
    void close(std::int32_t site);

    [[nodiscard]] bool isOpen(std::int32_t site) const { return opened[site] != 0; }
    [[nodiscard]] std::int32_t count() const { return openCount; }
    [[nodiscard]] Cost cost() const { return total; }
    /// What opening a closed site saves.
    [[nodiscard]] Cost gain(std::int32_t site) const { return gains[site]; }
    /// What closing an open site costs.
    [[nodiscard]] Cost loss(std::int32_t site) const { return losses[site]; }
    /// The closed site that saves most, the first of equals, but for those that are held back; -1 if none is closed.
    std::int32_t best();
    /// Keep a site from being the best one, or let it be again.
    void hold(std::int32_t site, bool back);

private:
    static constexpr std::int32_t kBlock = 64;  // sites whose best one is remembered

    /// The two cheapest open sites of a customer; where there is none, site -1 at the price of serving it not at all.
    struct Service {
        std::int32_t first = -1, second = -1;
        Cost cost, next;
    };

    const Location& location;
    std::vector<std::uint8_t> opened, held;
    std::vector<Cost> gains, losses;
    std::vector<Service> served;
    std::vector<std::int32_t> bestOf;    // by block: site, -1 for none
    std::vector<std::uint8_t> isStale;   // by block
    std::int32_t openCount = 0;
    Cost total = 0;

    void reprice(std::int32_t customer, Cost before, Cost after);
    void changed(std::int32_t site) { isStale[site / kBlock] = 1; }
    void findSecond(std::int32_t customer);
};

}  // namespace lastmile::siting
