#include "ChargingTable.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace lastmile::routing {

namespace {

// Candidates that are compared for one pair of places, for each way that is kept.
constexpr std::size_t kBreadth = 4;
// Of a pair's ways, those that are kept for being the least in something else than cost.
constexpr std::size_t kExtremes = 3;

void checkNumber(double value, const char* name) {
    if (!(std::isfinite(value) && value >= 0.0)) {
        throw std::invalid_argument(std::string(name) + " must be finite and not negative");
    }
}

void checkLocations(std::span<const std::int32_t> list, std::size_t locations, const char* name) {
    for (const std::int32_t location : list) {
        if (location < 0 || std::cmp_greater_equal(location, locations)) {
            throw std::invalid_argument(std::string(name) + ": location " + std::to_string(location) +
                                        " is outside 0.." + std::to_string(locations) + " - 1");
        }
    }
}

}  // namespace

Charging::Charging(const Tables& tables, const Battery& battery, std::span<const std::int32_t> places,
                   std::span<const std::int32_t> chargers, double perMetre, double perSecond, double maxLoad,
                   const Limits& limits)
    : tables_(tables),
      battery_(battery),
      places_(places.begin(), places.end()),
      chargers_(chargers.begin(), chargers.end()),
      perMetre_(perMetre),
      perSecond_(perSecond),
      limits_(limits) {
    if (tables.locations > 100'000) {  // squares of it must fit; so large a table fits no memory
        throw std::invalid_argument("charging: more than 100000 locations");
    }
    const std::size_t cells = tables.locations * tables.locations;
    if (tables.seconds.size() != cells || tables.metres.size() != cells ||
        (!tables.wattHours.empty() && tables.wattHours.size() != cells)) {
        throw std::invalid_argument("charging: a table is not square in the number of locations");
    }
    for (const auto& table : {tables.seconds, tables.metres, tables.wattHours}) {
        for (const std::int32_t value : table) {
            if (value < 0) {
                throw std::invalid_argument("charging: a table has a negative entry");
            }
        }
    }
    checkNumber(battery.capacity, "capacity");
    checkNumber(battery.reserve, "reserve");
    checkNumber(battery.perMetre, "energy per metre");
    checkNumber(battery.perMetreLoad, "energy per metre and load");
    checkNumber(battery.secondsPerWattHour, "seconds per watt-hour");
    checkNumber(perMetre, "cost per metre");
    checkNumber(perSecond, "cost per second");
    checkNumber(maxLoad, "greatest load");
    if (battery.reserve > battery.capacity) {
        throw std::invalid_argument("charging: the reserve exceeds the capacity");
    }
    checkLocations(places, tables.locations, "place");
    checkLocations(chargers, tables.locations, "charger");
    if (limits.labels < 5) {
        throw std::invalid_argument("charging: at least five labels must be kept");
    }
    if (static_cast<double>(places.size()) * static_cast<double>(places.size()) *
            (static_cast<double>(limits.ways) + 1.0) > UINT32_MAX) {
        throw std::invalid_argument("charging: too many ways for so many places");
    }
    const bool instant = battery.secondsPerWattHour == 0.0;
    scale_ = instant ? 1.0 : battery.secondsPerWattHour;
    checkNumber(battery.capacity * scale_, "charging time of a full battery");
    charger_ = {(battery.capacity - battery.reserve) * scale_, battery.fullOnly, instant, kChargingTolerance * scale_};
    Table(*this, maxLoad).fill();
}

Charging::Table::Table(Charging& owner, double maxLoad)
    : owner_(&owner), maxLoad_(maxLoad), places_(owner.places_.size()), chargers_(owner.chargers_.size()) {
    toCharger_.reserve(places_ * chargers_);
    for (const std::int32_t place : owner.places_) {
        for (const std::int32_t charger : owner.chargers_) {
            toCharger_.push_back(owner.arc(place, charger, 0.0));
        }
    }
    fromCharger_.reserve(places_ * chargers_);
    for (const std::int32_t charger : owner.chargers_) {
        for (const std::int32_t place : owner.places_) {
            fromCharger_.push_back(owner.arc(charger, place, 0.0));
        }
    }
    close();
}

double Charging::Table::costOf(double metres, double seconds, double energy) const {
    const double time = owner_->charger_.instant ? seconds : seconds + energy;
    const double cost = owner_->perMetre_ * metres + owner_->perSecond_ * time;
    return owner_->perMetre_ + owner_->perSecond_ > 0.0 ? cost : time;
}

// Cheapest, shortest and fastest chains over hops that a full battery lasts for (Floyd, Warshall).
void Charging::Table::close() {
    const Arc none{kForever, kForever, kForever};
    hops_.assign(chargers_ * chargers_, none);
    hopMetres_.assign(chargers_ * chargers_, kForever);
    hopSeconds_.assign(chargers_ * chargers_, kForever);
    std::vector<double> cost(chargers_ * chargers_, kForever);
    for (std::size_t a = 0; a < chargers_; ++a) {
        for (std::size_t b = 0; b < chargers_; ++b) {
            const std::size_t cell = a * chargers_ + b;
            const Arc hop = a == b ? Arc{0.0, 0.0, 0.0} : owner_->arc(owner_->chargers_[a], owner_->chargers_[b], 0.0);
            if (!within(hop.energy)) {
                continue;
            }
            hopMetres_[cell] = hop.metres;
            hopSeconds_[cell] = hop.seconds;
            if (a == b || within(owner_->arc(owner_->chargers_[a], owner_->chargers_[b], maxLoad_).energy)) {
                hops_[cell] = hop;
                cost[cell] = costOf(hop.metres, hop.seconds, hop.energy);
            }
        }
    }
    for (std::size_t k = 0; k < chargers_; ++k) {
        for (std::size_t a = 0; a < chargers_; ++a) {
            if (a == k || !(hopSeconds_[a * chargers_ + k] < kForever)) {
                continue;
            }
            for (std::size_t b = 0; b < chargers_; ++b) {
                const std::size_t cell = a * chargers_ + b, left = a * chargers_ + k, right = k * chargers_ + b;
                hopMetres_[cell] = std::min(hopMetres_[cell], hopMetres_[left] + hopMetres_[right]);
                hopSeconds_[cell] = std::min(hopSeconds_[cell], hopSeconds_[left] + hopSeconds_[right]);
                if (cost[left] + cost[right] < cost[cell]) {
                    cost[cell] = cost[left] + cost[right];
                    hops_[cell] = {hops_[left].metres + hops_[right].metres, hops_[left].seconds + hops_[right].seconds,
                                   hops_[left].energy + hops_[right].energy};
                }
            }
        }
    }
}

// To each charger: with no other before it, the cheapest with others, and the one that reaches a charger soonest.
void Charging::Table::chainsFrom(std::size_t place) {
    chains_.clear();
    const Arc* const first = toCharger_.data() + place * chargers_;
    for (std::size_t last = 0; last < chargers_; ++last) {
        const Chain none{kForever, kForever, kForever, kForever, kForever, last, kForever};
        Chain alone = none, cheapest = none, nearest = none;
        for (std::size_t c = 0; c < chargers_; ++c) {
            const Arc& hop = hops_[c * chargers_ + last];
            if (!within(first[c].energy) || hop.seconds == kForever) {
                continue;
            }
            const double metres = first[c].metres + hop.metres, seconds = first[c].seconds + hop.seconds,
                         energy = first[c].energy + hop.energy;
            const Chain chain{metres, seconds, energy, first[c].energy, first[c].metres, last,
                              costOf(metres, seconds, energy)};
            if (c == last) {
                alone = chain;
                continue;
            }
            if (chain.cost < cheapest.cost) {
                cheapest = chain;
            }
            if (std::tie(chain.need, chain.cost) < std::tie(nearest.need, nearest.cost)) {
                nearest = chain;
            }
        }
        if (alone.cost < kForever) {
            chains_.push_back(alone);
        }
        if (cheapest.cost < kForever && (cheapest.cost < alone.cost || cheapest.need < alone.need)) {
            chains_.push_back(cheapest);
        }
        if (nearest.need < std::min(alone.need, cheapest.need)) {
            chains_.push_back(nearest);
        }
    }
}

void Charging::Table::leastFrom(std::size_t place) {
    metresTo_.assign(chargers_, kForever);
    secondsTo_.assign(chargers_, kForever);
    for (std::size_t c = 0; c < chargers_; ++c) {
        const Arc& first = toCharger_[place * chargers_ + c];
        if (!within(first.energy)) {
            continue;
        }
        for (std::size_t last = 0; last < chargers_; ++last) {
            metresTo_[last] = std::min(metresTo_[last], first.metres + hopMetres_[c * chargers_ + last]);
            secondsTo_[last] = std::min(secondsTo_[last], first.seconds + hopSeconds_[c * chargers_ + last]);
        }
    }
    const std::size_t row = place * places_;
    std::vector<double> metres(places_, kForever), seconds(places_, kForever);
    for (std::size_t j = 0; j < places_; ++j) {
        const Arc direct = owner_->arc(owner_->places_[place], owner_->places_[j], 0.0);
        if (within(direct.energy)) {
            metres[j] = direct.metres;
            seconds[j] = direct.seconds;
        }
    }
    for (std::size_t last = 0; last < chargers_; ++last) {
        const Arc* const arcs = fromCharger_.data() + last * places_;
        for (std::size_t j = 0; j < places_; ++j) {
            if (within(arcs[j].energy)) {
                metres[j] = std::min(metres[j], metresTo_[last] + arcs[j].metres);
                seconds[j] = std::min(seconds[j], secondsTo_[last] + arcs[j].seconds);
            }
        }
    }
    const auto whole = [](double value) {
        return value == kForever ? Tables::kUnreachable
                                 : static_cast<std::int32_t>(std::min(value, Tables::kUnreachable - 1.0));
    };
    for (std::size_t j = 0; j < places_; ++j) {
        owner_->leastMetres_[row + j] = whole(metres[j]);
        owner_->leastSeconds_[row + j] = whole(seconds[j]);
    }
}

// At least as good in everything; energies are those with half the greatest load.
bool Charging::Table::dominates(const Candidate& a, const Candidate& b) const {
    const bool soon = owner_->charger_.instant || a.seconds + a.energy <= b.seconds + b.energy;
    const bool full = owner_->charger_.instant || !owner_->charger_.fullOnly ||
                      a.seconds + a.energy - a.used <= b.seconds + b.energy - b.used;
    return a.metres <= b.metres && a.seconds <= b.seconds && a.need <= b.need && a.used <= b.used && soon && full;
}

void Charging::Table::keep(const Candidate& candidate) {
    for (const Candidate& other : kept_) {
        if (dominates(other, candidate)) {
            return;
        }
    }
    std::erase_if(kept_, [&](const Candidate& other) { return dominates(candidate, other); });
    kept_.push_back(candidate);
}

void Charging::Table::add(double metres, double seconds, double energy, double need, double left, double first,
                          double last, double lastSeconds) {
    owner_->ways_.push_back(
        {static_cast<std::int32_t>(metres), static_cast<std::int32_t>(seconds), energy, need, left});
    if (owner_->battery_.perMetreLoad > 0.0) {
        owner_->ends_.push_back({static_cast<std::int32_t>(first), static_cast<std::int32_t>(last)});
    }
    if (owner_->limits_.rests) {
        owner_->lastSeconds_.push_back(static_cast<std::int32_t>(lastSeconds));
    }
}

void Charging::Table::waysTo(std::size_t place, std::size_t target) {
    const double full = owner_->charger_.full;
    const double load = owner_->scale_ * owner_->battery_.perMetreLoad * maxLoad_ / 2.0;  // per metre
    const Arc direct = owner_->arc(owner_->places_[place], owner_->places_[target], 0.0);
    candidates_.clear();
    for (const Chain& chain : chains_) {
        const Arc& last = fromCharger_[chain.last * places_ + target];
        const double metres = chain.metres + last.metres, seconds = chain.seconds + last.seconds;
        // Longer ways than a table can hold are never driven in time, or fit no label's 32 bits.
        if (!within(last.energy) || !(metres < Tables::kUnreachable) || !(seconds < Tables::kUnreachable)) {
            continue;
        }
        const double energy = chain.energy + last.energy + load * metres;
        candidates_.push_back({costOf(metres, seconds, energy), metres, seconds, energy,
                               chain.need + load * chain.firstMetres, last.energy + load * last.metres,
                               chain.firstMetres, last.metres, last.seconds});
    }
    kept_.clear();
    if (!candidates_.empty() && owner_->limits_.ways > 0) {
        const auto least = [&](auto value) {
            return *std::min_element(candidates_.begin(), candidates_.end(), [&](const auto& a, const auto& b) {
                const double left = value(a), right = value(b);
                return std::tie(left, a.cost) < std::tie(right, b.cost);
            });
        };
        const std::array extremes{least([](const Candidate& c) { return c.used; }),
                                  least([](const Candidate& c) { return c.need; }),
                                  least([](const Candidate& c) { return c.seconds + c.energy; })};
        const auto cheaper = [](const Candidate& a, const Candidate& b) {
            return std::tie(a.cost, a.seconds, a.need, a.used) < std::tie(b.cost, b.seconds, b.need, b.used);
        };
        const std::size_t wide = std::min(candidates_.size(), kBreadth * owner_->limits_.ways);
        std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(wide),
                          candidates_.end(), cheaper);
        const std::size_t cheap = owner_->limits_.ways - std::min(owner_->limits_.ways / 2, kExtremes);
        std::size_t next = 0;
        for (; next < wide && kept_.size() < cheap; ++next) {
            keep(candidates_[next]);
        }
        for (const Candidate& extreme : extremes) {
            if (kept_.size() < owner_->limits_.ways) {
                keep(extreme);
            }
        }
        for (; next < wide && kept_.size() < owner_->limits_.ways; ++next) {
            keep(candidates_[next]);
        }
        std::ranges::sort(kept_, [](const Candidate& a, const Candidate& b) {
            return std::tie(a.metres, a.seconds, a.need, a.used) < std::tie(b.metres, b.seconds, b.need, b.used);
        });
    }
    const double directEnergy = direct.energy + load * direct.metres;
    const Candidate past{0.0,          direct.metres, direct.seconds, directEnergy,  directEnergy,
                         directEnergy, direct.metres, direct.metres,  direct.seconds};
    // Forced to charge to full, who comes through a charger may be later than who passes it.
    const bool beaten = !owner_->charger_.fullOnly &&
                        std::ranges::any_of(kept_, [&](const Candidate& way) { return dominates(way, past); });
    if (within(direct.energy) && !beaten) {
        add(direct.metres, direct.seconds, direct.energy, direct.energy, ChargingWay::kDirect, direct.metres, 0.0, 0.0);
    }
    for (const Candidate& way : kept_) {
        add(way.metres, way.seconds, way.energy - load * way.metres, way.need - load * way.firstMetres,
            full - (way.used - load * way.lastMetres), way.firstMetres, way.lastMetres, way.lastSeconds);
    }
}

void Charging::Table::fill() {
    owner_->offset_.reserve(places_ * places_ + 1);
    owner_->leastMetres_.resize(places_ * places_);
    owner_->leastSeconds_.resize(places_ * places_);
    owner_->offset_.push_back(0);
    for (std::size_t place = 0; place < places_; ++place) {
        chainsFrom(place);
        leastFrom(place);
        for (std::size_t target = 0; target < places_; ++target) {
            waysTo(place, target);
            owner_->offset_.push_back(static_cast<std::uint32_t>(owner_->ways_.size()));
        }
    }
    owner_->ways_.shrink_to_fit();
    owner_->ends_.shrink_to_fit();
    owner_->lastSeconds_.shrink_to_fit();
}

}  // namespace lastmile::routing
