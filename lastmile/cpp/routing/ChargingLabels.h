// What an electric vehicle can have made of a trip so far, and what the rest of it still needs: the algebra of charging
// at a constant rate along a fixed order of stops.
//
// Charge is counted above the reserve, in the seconds that a charger takes for it (in watt-hours where charging takes
// no time). Charging then raises time and charge alike, and t - u, time less charge, stays as it is.
//
// A label describes every pair (t, u) of time and charge that can be had, after one choice of chargers and windows:
//     t >= early,   u <= most,   t - u >= empty                                                                (1)
// It is exact. The vehicle may always be later or carry less than it can, so that the pairs are what lies below a
// frontier, and at the departure, t >= ready and u <= full, they are (1) with empty = ready - full. Then
//   - an arc of s seconds and energy e: early + s, empty + s + e, most - e; of what is left u >= 0 must hold, so
//     t >= empty: early is raised to it (the vehicle charged that much longer before);
//   - a charger: at constant t - u the charge may rise to full: most = full. Forced to full, from the pairs with the
//     least t - u: early = empty + full;
//   - a stop: arriving by `closes` takes away what is later: u <= t - empty <= closes - empty; beginning at `opens` at
//     the earliest leaves t >= opens, u <= most: empty is raised to opens - most, because waiting does not charge.
// Each step maps (1) to (1). `empty >= early - most` is kept throughout, so that each bound touches the set.
// All steps are monotone: of two labels the one with less early, less empty and more `most` contains the other's pairs,
// and what can still be made of the other can be made of it. With fewer metres as well it dominates, and dropping
// the dominated loses nothing but, among schedules of equal metres and return, a later departure.
//
// The same set depends on the departure x: early(x) = max(early, x + lag), empty(x) = max(empty, x + emptyLag),
// most(x) = min(most, mostSum - x), for x <= latest. Each step acts on the second terms as on the first.
//
// A need is the mirror image: the pairs (t, u) from which the rest of the trip can be driven,
//     t <= late,   u >= least,   t - u <= spare                                                                (2)
// and the return that a label with these pairs comes to:
//     max(returns, early + afterEarly, empty + afterEmpty, afterMost - most)                                   (3)
// which each step maps to the same form. `spare <= late - least` is kept throughout. A label and a need fit when
// early <= late, most >= least and empty <= spare. Of two needs the one with more `late`, more `spare`, less `least`
// and fewer metres dominates; where time costs something, no term of (3) may be greater besides.
//
// Desaulniers, Errico, Irnich, Schneider (2016). Exact algorithms for electric vehicle-routing problems with time
// windows. doi:10.1287/opre.2016.1535
// Hiermann, Puchinger, Ropke, Hartl (2016). The electric fleet size and mix vehicle routing problem with time windows
// and recharging stations. doi:10.1016/j.ejor.2016.01.038
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace lastmile::routing {

constexpr double kForever = std::numeric_limits<double>::infinity();
// Seconds by which a time window, and watt-hours by which the reserve, may be missed: for rounding alone.
constexpr double kChargingTolerance = 1e-6;

// What all vehicles of a type share.
struct Charger {
    double full;       // charge of a full battery
    bool fullOnly;     // every visit fills the battery
    bool instant;      // charging takes no time
    double tolerance;  // of charge
};

// From one place to the next, directly or by way of chargers.
struct ChargingWay {
    static constexpr double kDirect = -kForever;

    std::int32_t metres;
    std::int32_t seconds;  // of driving
    double energy;         // of all of it
    double need;           // charge to the first charger; that of all of it where there is none
    double left;           // charge on arrival when the last charger fills the battery; kDirect where there is none

    [[nodiscard]] bool direct() const { return left == kDirect; }
};

// The pairs of (1).
struct ChargingReach {
    double metres;
    double early, empty, most;

    // Drive without charging; false where the battery does not hold out.
    bool drive(double length, double seconds, double energy, const Charger& charger) {
        metres += length;
        empty += seconds + energy;
        early = std::max(early + seconds, empty);
        most -= energy;
        return most >= -charger.tolerance;
    }

    // Stand at a charger.
    void charge(const Charger& charger) {
        if (charger.instant) {
            empty = early - charger.full;
        } else if (charger.fullOnly) {
            early = empty + charger.full;
        }
        most = charger.full;
    }

    // Both in one, for what lies between two stops: hops between chargers add up, because the battery is as good as
    // full at each of them.
    bool drive(const ChargingWay& way, const Charger& charger) {
        if (way.direct()) {
            return drive(way.metres, way.seconds, way.energy, charger);
        }
        if (most < way.need - charger.tolerance || way.left < -charger.tolerance) {
            return false;
        }
        metres += way.metres;
        early += way.seconds;
        if (charger.instant) {
            empty = early - way.left;
        } else {
            empty += way.seconds + way.energy;
            early = std::max(early, charger.fullOnly ? empty + way.left : empty);
        }
        most = way.left;
        return true;
    }

    // Wait for the window and serve; false where it has closed.
    bool serve(double opens, double closes, double service) {
        if (early > closes + kChargingTolerance) {
            return false;
        }
        most = std::min(most, closes - empty);
        early = std::max(early, opens) + service;
        empty = std::max(empty, opens - most) + service;
        return true;
    }

    // At least as good in all but metres.
    [[nodiscard]] bool covers(const ChargingReach& other) const {
        return early <= other.early && empty <= other.empty && most >= other.most;
    }
    [[nodiscard]] std::array<double, 3> virtues() const { return {-early, -empty, most}; }
};

// How the pairs change with the departure.
struct ChargingDelay {
    double lag, emptyLag, mostSum, latest;

    void drive(double seconds, double energy) {
        emptyLag += seconds + energy;
        lag = std::max(lag + seconds, emptyLag);
        mostSum -= energy;
        latest = std::min(latest, mostSum);
    }

    void charge(const Charger& charger) {
        if (charger.instant) {
            emptyLag = lag - charger.full;
        } else if (charger.fullOnly) {
            lag = emptyLag + charger.full;
        }
        mostSum = kForever;
    }

    void drive(const ChargingWay& way, const Charger& charger) {
        if (way.direct()) {
            drive(way.seconds, way.energy);
            return;
        }
        latest = std::min(latest, mostSum - way.need);
        lag += way.seconds;
        if (charger.instant) {
            emptyLag = lag - way.left;
        } else {
            emptyLag += way.seconds + way.energy;
            lag = std::max(lag, charger.fullOnly ? emptyLag + way.left : emptyLag);
        }
        mostSum = kForever;
    }

    void serve(double opens, double closes, double service) {
        latest = std::min(latest, closes - lag);
        mostSum = std::min(mostSum, closes - emptyLag);
        lag += service;
        emptyLag = std::max(emptyLag, opens - mostSum) + service;
    }
};

struct ChargingLabel : ChargingReach {
    ChargingDelay delay;

    static ChargingLabel departure(double ready, const Charger& charger) {
        return {{0.0, ready, ready - charger.full, charger.full}, {0.0, -charger.full, kForever, kForever}};
    }
};

// The pairs of (2).
struct ChargingMargin {
    double metres;
    double late, spare, least;

    bool drive(double length, double seconds, double energy, const Charger& charger) {
        metres += length;
        late -= seconds;
        spare -= seconds + energy;
        least += energy;
        return least <= charger.full + charger.tolerance;
    }

    void charge(const Charger& charger) {
        if (charger.instant) {
            spare = late;
        } else if (charger.fullOnly) {
            late = std::min(late, spare + charger.full);
            spare = late - charger.full;
        }
        least = 0.0;
    }

    bool drive(const ChargingWay& way, const Charger& charger) {
        if (way.direct()) {
            return drive(way.metres, way.seconds, way.energy, charger);
        }
        if (way.left < std::max(least, 0.0) - charger.tolerance || way.need > charger.full + charger.tolerance) {
            return false;
        }
        metres += way.metres;
        if (charger.instant) {
            spare = late - way.seconds - way.need;
        } else {
            spare = (charger.fullOnly ? std::min(spare, late - way.left) : spare) - (way.seconds + way.energy);
        }
        late -= way.seconds;
        least = way.need;
        return true;
    }

    bool serve(double opens, double closes, double service, const Charger& charger) {
        if (late - service < opens - kChargingTolerance) {
            return false;
        }
        const double wanted = least;
        least = std::max(least, opens + service - spare);
        spare = std::min(spare - service, closes - wanted);
        late = std::min(late - service, closes);
        return least <= charger.full + charger.tolerance;
    }

    [[nodiscard]] bool fits(const ChargingReach& reach, const Charger& charger) const {
        return reach.early <= late + kChargingTolerance && reach.most >= least - charger.tolerance &&
               reach.empty <= spare + kChargingTolerance;
    }

    [[nodiscard]] bool covers(const ChargingMargin& other) const {
        return late >= other.late && spare >= other.spare && least <= other.least;
    }
    [[nodiscard]] std::array<double, 3> virtues() const { return {late, spare, -least}; }
};

// The return of (3).
struct ChargingReturn {
    double returns, afterEarly, afterEmpty, afterMost;

    void drive(const ChargingWay& way, const Charger& charger) {
        const double both = way.seconds + way.energy;
        if (way.direct()) {
            afterEmpty = std::max(afterEarly, afterEmpty) + both;
            afterEarly += way.seconds;
            afterMost += way.energy;
            return;
        }
        returns = std::max(returns, afterMost - way.left);
        afterMost = -kForever;
        if (charger.instant) {
            afterEmpty = -kForever;  // lack of charge costs no time
        } else {
            afterEmpty = std::max(charger.fullOnly ? afterEarly + way.left : afterEarly, afterEmpty) + both;
        }
        afterEarly += way.seconds;
    }

    void serve(double opens, double closes, double service) {
        returns = std::max(returns, opens + service + afterEarly);
        const double after = afterEmpty + service;
        afterEmpty = std::max(after, afterMost - closes);
        afterMost = std::max(afterMost, opens + after);
        afterEarly += service;
    }

    // For a label that fits.
    [[nodiscard]] double of(const ChargingReach& reach) const {
        return std::max(std::max(returns, reach.early + afterEarly),
                        std::max(reach.empty + afterEmpty, afterMost - reach.most));
    }

    [[nodiscard]] bool covers(const ChargingReturn& other) const {
        return returns <= other.returns && afterEarly <= other.afterEarly && afterEmpty <= other.afterEmpty &&
               afterMost <= other.afterMost;
    }
};

struct ChargingNeed : ChargingMargin {
    ChargingReturn back;

    static ChargingNeed arrival(double due) {
        return {{0.0, due, due, 0.0}, {-kForever, 0.0, -kForever, -kForever}};
    }

    // The latest departure of labels that fit, for that return.
    [[nodiscard]] double departure(const ChargingDelay& delay, double returned) const {
        const double byNeed = std::min({delay.latest, late - delay.lag, spare - delay.emptyLag, delay.mostSum - least});
        const double byReturn = returned - std::max({delay.lag + back.afterEarly, delay.emptyLag + back.afterEmpty,
                                                     back.afterMost - delay.mostSum});
        return std::min(byNeed, byReturn);
    }
};

// Labels none of which dominates another, ascending in metres.
template <typename Label>
class Front {
public:
    using const_iterator = typename std::vector<Label>::const_iterator;

    void clear() { labels_.clear(); }
    [[nodiscard]] bool empty() const { return labels_.empty(); }
    [[nodiscard]] std::size_t size() const { return labels_.size(); }
    [[nodiscard]] const Label& operator[](std::size_t index) const { return labels_[index]; }
    [[nodiscard]] Label& operator[](std::size_t index) { return labels_[index]; }
    [[nodiscard]] const_iterator begin() const { return labels_.begin(); }
    [[nodiscard]] const_iterator end() const { return labels_.end(); }

    // Whether one of the labels dominates this one.
    template <typename Part>
    [[nodiscard]] bool dominates(const Part& label) const {
        for (const Label& other : labels_) {
            if (other.metres > label.metres) {
                return false;
            }
            if (static_cast<const Part&>(other).covers(label)) {
                return true;
            }
        }
        return false;
    }

    // Put in a label that none dominates, and take out those that it dominates by `covers`. Where there are more than
    // `most` then, the longest goes that is not the best at anything.
    template <typename Covers>
    void insert(const Label& label, std::size_t most, Covers covers) {
        std::size_t place = 0;
        while (place < labels_.size() && labels_[place].metres < label.metres) {
            ++place;
        }
        std::size_t kept = place;
        for (std::size_t k = place; k < labels_.size(); ++k) {
            if (!covers(label, labels_[k])) {
                if (kept != k) {
                    labels_[kept] = std::move(labels_[k]);
                }
                ++kept;
            }
        }
        labels_.erase(labels_.begin() + static_cast<std::ptrdiff_t>(kept), labels_.end());
        labels_.insert(labels_.begin() + static_cast<std::ptrdiff_t>(place), label);
        if (labels_.size() > most) {
            labels_.erase(labels_.begin() + static_cast<std::ptrdiff_t>(expendable()));
        }
    }

private:
    [[nodiscard]] std::size_t expendable() const {
        std::array<std::size_t, 3> best{};
        std::array<double, 3> most = labels_[0].virtues();
        for (std::size_t k = 1; k < labels_.size(); ++k) {
            const std::array<double, 3> virtues = labels_[k].virtues();
            for (std::size_t i = 0; i < best.size(); ++i) {
                if (virtues[i] > most[i]) {
                    best[i] = k;
                    most[i] = virtues[i];
                }
            }
        }
        std::size_t last = labels_.size() - 1;
        while (last > 1 && std::ranges::find(best, last) != best.end()) {
            --last;
        }
        return last;
    }

    std::vector<Label> labels_;
};

}  // namespace lastmile::routing
