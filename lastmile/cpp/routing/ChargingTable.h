// The ways over chargers between all pairs of places, chosen once.
#pragma once

#include "Charging.h"

namespace lastmile::routing {

class Charging::Table {
public:
    Table(Charging& owner, double maxLoad);

    // Fill the owner's ways and bounds.
    void fill();

private:
    // A way from a place to a charger where the battery is filled.
    struct Chain {
        double metres, seconds, energy;
        double need;         // charge to the first charger
        double firstMetres;  // to the first charger
        std::size_t last;    // charger
        double cost;
    };
    struct Candidate {
        double cost;
        double metres, seconds, energy, need, used;  // used: charge from the last charger
        double firstMetres, lastMetres, lastSeconds;
    };

    [[nodiscard]] double costOf(double metres, double seconds, double energy) const;
    [[nodiscard]] bool within(double energy) const {
        return energy <= owner_->charger_.full + owner_->charger_.tolerance;
    }
    void close();
    void chainsFrom(std::size_t place);
    void leastFrom(std::size_t place);
    void waysTo(std::size_t place, std::size_t target);
    [[nodiscard]] bool dominates(const Candidate& a, const Candidate& b) const;
    void keep(const Candidate& candidate);
    void add(double metres, double seconds, double energy, double need, double left, double first, double last,
             double lastSeconds);

    Charging* owner_;
    double maxLoad_;
    std::size_t places_, chargers_;
    std::vector<Arc> toCharger_;    // place by charger
    std::vector<Arc> fromCharger_;  // charger by place
    std::vector<Arc> hops_;         // cheapest chains from charger to charger, empty and with the greatest load
    std::vector<double> hopMetres_, hopSeconds_;  // least of each by itself
    std::vector<Chain> chains_;                   // from the place at hand
    std::vector<double> metresTo_, secondsTo_;    // chargers from the place at hand, least of each
    std::vector<Candidate> candidates_, kept_;
};

}  // namespace lastmile::routing
