#include "routing/Problem.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace lastmile::routing {

namespace {

/// Greatest entry of a table.
int64_t greatest(const int32_t* table, size_t entries) {
    return entries == 0 ? 0 : *std::max_element(table, table + entries);
}

/// Whether a square table equals its transpose; by blocks that fit a near cache.
bool isSymmetric(const int32_t* table, size_t side) {
    constexpr size_t block = 64;
    for (size_t top = 0; top < side; top += block)
        for (size_t left = top; left < side; left += block)
            for (size_t row = top; row < std::min(side, top + block); ++row)
                for (size_t column = left; column < std::min(side, left + block); ++column)
                    if (table[row * side + column] != table[column * side + row]) return false;
    return true;
}

}  // namespace

void Problem::electrify() {
    std::vector<int32_t> places;
    placeOf.assign(locations, -1);
    const auto add = [&](int32_t location) {
        if (location < 0 || placeOf[location] >= 0) return;
        placeOf[location] = static_cast<int32_t>(places.size());
        places.push_back(location);
    };
    for (const Visit& visit : visits) add(visit.location);
    int64_t heaviest = 0;
    for (size_t t = 0; t < types.size(); ++t) {
        add(types[t].start);
        add(types[t].end);
        for (const Reload& reload : types[t].reloads) add(reload.location);
        heaviest = std::max(heaviest, capacity[t * dimensions]);
    }
    for (const Window& window : windows) opening.push_back({window.open, window.close});
    const size_t given = types.size();
    Charging::Limits limits;
    for (const VehicleType& type : types) limits.rests |= type.electric && !type.breaks.empty();
    for (size_t t = 0; t < given; ++t) {
        VehicleType& type = types[t];
        if (!type.electric) continue;
        for (size_t u = 0; u < t && !type.charging; ++u) {
            const VehicleType& other = types[u];
            if (!other.charging || other.givenProfile != type.givenProfile || !(other.battery == type.battery) ||
                other.perMetre != type.perMetre || other.perSecond != type.perSecond)
                continue;
            type.charging = other.charging;
            type.profile = other.profile;
        }
        if (type.charging) continue;
        const Profile& profile = profiles[type.givenProfile];
        const size_t entries = locations * locations;
        Charging::Tables tables{locations, {profile.duration, entries}, {profile.distance, entries}, {}};
        if (profile.energy != nullptr) tables.wattHours = {profile.energy, entries};
        type.charging = std::make_shared<const Charging>(
            tables,
            Charging::Battery{type.battery.capacity, type.battery.reserve, type.battery.perMetre,
                              type.battery.perMetreLoad, type.battery.secondsPerWh, type.battery.fullOnly},
            places, chargers, static_cast<double>(type.perMetre), static_cast<double>(type.perSecond),
            static_cast<double>(heaviest), limits);
        auto metres = std::make_unique<std::vector<int32_t>>(profile.distance, profile.distance + entries);
        auto seconds = std::make_unique<std::vector<int32_t>>(profile.duration, profile.duration + entries);
        for (size_t a = 0; a < places.size(); ++a) {
            for (size_t b = 0; b < places.size(); ++b) {
                const size_t cell = static_cast<size_t>(places[a]) * locations + places[b];
                (*metres)[cell] = type.charging->leastMetres(a, b);
                (*seconds)[cell] = type.charging->leastSeconds(a, b);
            }
        }
        type.profile = static_cast<int32_t>(profiles.size());
        profiles.push_back({seconds->data(), metres->data(), nullptr});
        bounds.push_back(std::move(metres));
        bounds.push_back(std::move(seconds));
    }
}

int64_t Problem::meanOptions() const {
    constexpr int64_t most = 8;
    int64_t used = 0;
    for (const Request& request : requests) used += request.pair ? 2 : 1;
    return used == 0 ? 1 : std::min(most, (static_cast<int64_t>(visits.size()) + used - 1) / used);
}

int64_t Problem::meanSelection() const {
    constexpr int64_t most = 4;
    int64_t vehicles = 0, serving = 0;
    for (size_t t = 0; t < types.size(); ++t) {
        for (size_t v = 0; v < visits.size(); ++v) serving += mayServe(t, v) ? types[t].count : 0;
        vehicles += types[t].count * static_cast<int64_t>(visits.size());
    }
    return serving == 0 ? 1 : std::min(most, (vehicles + serving - 1) / serving);
}

void Problem::complete() {
    for (VehicleType& type : types) type.givenProfile = type.profile;
    if (!chargers.empty()) electrify();
    const size_t entries = locations * locations;
    int64_t longest = 0, slowest = 0, service = 0;
    for (Profile& profile : profiles) {
        profile.symmetric = isSymmetric(profile.distance, locations) &&
                            (profile.duration == profile.distance || isSymmetric(profile.duration, locations));
        longest = std::max(longest, greatest(profile.distance, entries));
        slowest = profile.duration == profile.distance ? std::max(slowest, longest)
                                                       : std::max(slowest, greatest(profile.duration, entries));
    }
    double money = 0, dearest = 0;
    for (const Visit& visit : visits) {
        service += visit.service;
        money += static_cast<double>(visit.cost);
        exact |= visit.windowCount > 1 || visit.onBoard >= 0;
    }
    // No trip is longer than all visits one after another.
    const double stops = static_cast<double>(visits.size()) + 2;
    const double horizon = stops * static_cast<double>(slowest) + static_cast<double>(service);
    for (const VehicleType& type : types) {
        if (type.count == 0) continue;
        timed |= static_cast<double>(type.shiftEnd) + type.overtime - type.shiftStart < horizon;
        segmented |= type.perSecond > 0 || type.perOvertimeSecond > 0 || type.maxDuration >= 0;
        trips |= type.maxTrips > 1;
        exact |= !type.breaks.empty() || type.electric;
        const double way = 2.0 * static_cast<double>(longest) * static_cast<double>(type.perMetre);
        const double day = static_cast<double>(type.shiftEnd) + type.overtime - type.shiftStart;
        const double own = static_cast<double>(type.fixed) + way +
                           day * static_cast<double>(type.perSecond) +
                           type.overtime * static_cast<double>(type.perOvertimeSecond);
        dearest = std::max(dearest, own);
        // Each visit may have a vehicle of its own; twice, as differences of such sums are formed.
        money += 2 * stops * own;
    }
    double outBy = 0;  // no vehicle has to leave later
    for (const VehicleType& type : types) outBy = std::max<double>(outBy, type.shiftStart);
    for (size_t k = 0; k < visits.size(); ++k) {
        const Visit& visit = visits[k];
        segmented |= visit.release > 0;
        timed |= visit.open > 0 || visit.close < outBy + horizon || visit.windowCount > 1;
        for (int d = 0; d < dimensions; ++d) gains |= gained[k * dimensions + d] != 0;
    }
    kin.resize(types.size());
    for (size_t a = 0; a < types.size(); ++a) {
        for (size_t b = 0; b < types.size(); ++b)
            if (types[a].exchangeable(types[b])) kin[a].push_back(static_cast<int32_t>(b));
        std::stable_sort(kin[a].begin(), kin[a].end(),
                         [&](int32_t x, int32_t y) { return types[x].fixed < types[y].fixed; });
    }
    for (const Request& request : requests) paired |= request.pair;
    for (const uint8_t may : allowed) selective |= !may;
    // Pairs are inserted by merging segments.
    segmented |= trips || paired;
    gains |= paired;
    timed |= segmented || exact;
    // What must be served is left out only where it cannot be served, whatever the others pay.
    double price = 10 * (dearest + 1);
    for (const Request& request : requests) price += request.required ? 0.0 : static_cast<double>(request.price);
    for (Request& request : requests) {
        if (request.required && price < static_cast<double>(kNever)) request.price = static_cast<Money>(price);
        money += request.required ? price : static_cast<double>(request.price);
    }
    if (money >= static_cast<double>(kNever))
        throw std::invalid_argument(
            "costs, prices and distances are so great that their sum may exceed 64 bits; use smaller numbers");
}

}  // namespace lastmile::routing
