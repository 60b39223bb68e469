// A set of open sites with capacities, who serves whom, and what each change comes to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "siting/Roster.h"

namespace lastmile::siting {

/// Customers are served in parts, as far as open sites have room, and whoever waits while a site near has room is
/// served at once. A site that opens takes those who wait; with room left it relieves full sites around that others
/// wait for, a chain of two arcs of an augmenting path (Ford & Fulkerson 1956, doi:10.4153/CJM-1956-045-5). So the flow
/// is good, not always the best there is. What is kept of every site is what those who wait near it would save. It is
/// brought up to date when it is asked for: most of those who have to wait are served again before.
class LoadedSet : public Roster {
public:
    explicit LoadedSet(const Location& location);

    void open(std::int32_t site);
    void close(std::int32_t site);
    /// From here on changes are remembered.
    void begin() { log.clear(); }
    /// As it was at `begin`.
    void rollback();

    [[nodiscard]] Cost cost() const { return total; }
    /// What opening a closed site saves, at the least: relief of others is not counted.
    [[nodiscard]] Cost gain(std::int32_t site) const;
    /// What closing an open site costs, by trial; there is no way back to `begin` from here on.
    Cost loss(std::int32_t site);
    std::int32_t best() {
        catchUp();
        return Roster::best([&](std::int32_t site) { return gain(site); });
    }

private:
    using Amount = std::int32_t;  // in units of which all customers together bring about kUnits at most

    struct Arc {
        std::int32_t other;  // of a site: a customer; of a customer: a site
        Cost saved;          // by each unit, against not being served
    };
    struct Serving {
        std::int32_t site;
        Cost saved;
        Amount amount;
    };
    struct Change {
        enum class What : std::uint8_t { opened, closed, served, moved } what;
        std::int32_t site, other;  // `served`: the customer; `moved`: the customer, too
        std::int32_t from;         // `moved`: from that site
        Cost saved, savedFrom;
        Amount amount;
    };
    /// Those who wait near a site: what serving them all would save, and what they bring.
    struct Waiting {
        Cost worth = 0;
        Amount amount = 0;
    };

    static constexpr double kUnits = 1 << 26;

    std::vector<std::size_t> firstOfSite, firstOfCustomer;
    std::vector<Arc> bySite;      // those who save most first, of equals those with the fewest other sites
    std::vector<Arc> byCustomer;  // those that save most first
    std::vector<Amount> capacity, room;  // by site; a closed one has no room
    std::vector<Amount> waits;           // by customer: what is not served
    std::vector<Amount> known;           // by customer: of that, what `waiting` knows
    std::vector<Waiting> waiting;        // by site
    std::vector<std::int32_t> late;      // customers of whom it may know too little or too much
    std::vector<std::vector<Serving>> servings;  // by customer
    std::vector<Change> log;
    Cost total = 0;

    void serve(std::int32_t customer, std::int32_t site, Cost saved, Amount amount);
    void move(std::int32_t customer, const Serving& from, std::int32_t site, Cost saved, Amount amount);
    void add(std::int32_t customer, std::int32_t site, Cost saved, Amount amount);
    void setOpen(std::int32_t site, bool open);
    void catchUp();
    void takeWaiting(std::int32_t site);
    void relieve(std::int32_t site);
};

}  // namespace lastmile::siting
