#include "Charging.h"

#include <cassert>
#include <cmath>

namespace lastmile::routing {

namespace {

bool reachCovers(const ChargingReach& a, const ChargingReach& b) { return a.covers(b); }
bool marginCovers(const ChargingMargin& a, const ChargingMargin& b) { return a.covers(b); }
bool needCovers(const ChargingNeed& a, const ChargingNeed& b) { return a.covers(b) && a.back.covers(b.back); }

// Bounds are sums in another order than what they bound: so much is left to rounding.
double loose(double limit) { return limit + 1e-9 * (1.0 + std::abs(limit)); }

}  // namespace

std::size_t Charging::memory() const {
    return ways_.capacity() * sizeof(ChargingWay) + ends_.capacity() * sizeof(Ends) +
           offset_.capacity() * sizeof(std::uint32_t) + lastSeconds_.capacity() * sizeof(std::int32_t) +
           (leastMetres_.capacity() + leastSeconds_.capacity()) * sizeof(std::int32_t);
}

Charging::Arc Charging::arc(std::int32_t fromLocation, std::int32_t toLocation, double load) const {
    const std::size_t cell =
        static_cast<std::size_t>(fromLocation) * tables_.locations + static_cast<std::size_t>(toLocation);
    if (tables_.seconds[cell] == Tables::kUnreachable) {
        return {kForever, kForever, kForever};
    }
    const double metres = tables_.metres[cell];
    const double base = tables_.wattHours.empty() ? battery_.perMetre * metres : tables_.wattHours[cell];
    const double energy = base + battery_.perMetreLoad * load * metres;
    return {metres, static_cast<double>(tables_.seconds[cell]), scale_ * energy};
}

bool Charging::passes(std::int32_t from, std::int32_t over, std::int32_t to, double load) const {
    const Arc first = arc(from, over, load), second = arc(over, to, load), direct = arc(from, to, load);
    return direct.metres <= first.metres + second.metres && direct.seconds <= first.seconds + second.seconds &&
           direct.energy <= first.energy + second.energy;
}

ChargingWay Charging::loaded(std::size_t index, double load) const {
    ChargingWay result = ways_[index];
    const double perMetre = scale_ * battery_.perMetreLoad * load;
    result.energy += perMetre * result.metres;
    result.need += perMetre * ends_[index].first;
    result.left -= perMetre * ends_[index].last;
    return result;
}

void Charging::depart(double ready, Labels& out) const {
    out.clear();
    out.insert(ChargingLabel::departure(ready, charger_), 1, reachCovers);
}

void Charging::extend(const Labels& labels, std::int32_t from, const Step& step, Labels& out, double limit) const {
    assert(&labels != &out);
    out.clear();
    const std::size_t row = pair(from, step.place);
    const double closes = (step.windows.empty() ? -kForever : step.windows.back()[1]) + kChargingTolerance;
    for (const ChargingLabel& label : labels) {
        for (std::size_t index = offset_[row]; index < offset_[row + 1]; ++index) {
            const ChargingWay driven = way(index, step.load);
            ChargingReach reach = label;
            if (!reach.drive(driven, charger_) || reach.early > closes || costOf(reach) >= limit) {
                continue;
            }
            serve(reach, step, [&](const ChargingReach& served, const std::array<std::int32_t, 2>& window) {
                if (costOf(served) >= limit || out.dominates(served)) {
                    return;
                }
                ChargingDelay delay = label.delay;
                delay.drive(driven, charger_);
                delay.serve(window[0], window[1], step.service);
                out.insert({served, delay}, limits_.labels, reachCovers);
            });
        }
    }
}

std::optional<Charging::Trip> Charging::finish(const Labels& labels, double due, double limit) const {
    std::optional<Trip> best;
    for (const ChargingLabel& label : labels) {
        const double cost = costOf(label);
        if (label.early > due + kChargingTolerance || cost >= limit) {
            continue;
        }
        const double least = best ? costOf(*best) : kForever;
        if (cost < least || (cost == least && label.early < best->returns)) {
            best = Trip{label.metres, label.early, std::min(label.delay.latest, label.early - label.delay.lag)};
        }
    }
    return best;
}

void Charging::keep(const ChargingNeed& need, Needs& out) const {
    if (perSecond_ > 0.0) {
        if (std::ranges::none_of(out, [&](const ChargingNeed& other) {
                return other.metres <= need.metres && needCovers(other, need);
            })) {
            out.insert(need, limits_.labels, needCovers);
        }
    } else if (!out.dominates<ChargingMargin>(need)) {
        out.insert(need, limits_.labels, marginCovers);
    }
}

void Charging::conclude(const Step& step, double due, Needs& out) const {
    out.clear();
    for (const auto& [opens, closes] : step.windows) {
        ChargingNeed need = ChargingNeed::arrival(due);
        if (need.serve(opens, closes, step.service, charger_)) {
            need.back.serve(opens, closes, step.service);
            keep(need, out);
        }
    }
}

void Charging::prepend(const Step& step, const Step& next, const Needs& needs, Needs& out) const {
    assert(&needs != &out);
    out.clear();
    const std::size_t row = pair(step.place, next.place);
    for (const ChargingNeed& need : needs) {
        for (std::size_t index = offset_[row]; index < offset_[row + 1]; ++index) {
            const ChargingWay driven = way(index, next.load);
            ChargingMargin margin = need;
            if (!margin.drive(driven, charger_)) {
                continue;
            }
            for (const auto& [opens, closes] : step.windows) {
                ChargingNeed served{margin, need.back};
                if (served.serve(opens, closes, step.service, charger_)) {
                    served.back.drive(driven, charger_);
                    served.back.serve(opens, closes, step.service);
                    keep(served, out);
                }
            }
        }
    }
}

std::optional<Charging::Trip> Charging::join(const Labels& labels, std::int32_t from, const Step& to,
                                             const Needs& needs, double limit) const {
    std::optional<Trip> best;
    if (needs.empty()) {
        return best;
    }
    const std::size_t row = pair(from, to.place);
    const double rest = perMetre_ * needs[0].metres;
    const double least = perMetre_ * leastMetres_[row] + rest;
    for (const ChargingLabel& label : labels) {
        if (costOf(label) + least >= loose(limit)) {
            continue;
        }
        for (std::size_t index = offset_[row]; index < offset_[row + 1]; ++index) {
            const ChargingWay driven = way(index, to.load);
            ChargingReach reach = label;
            if (!reach.drive(driven, charger_)) {
                continue;
            }
            const double soFar = costOf(reach);
            for (const ChargingNeed& need : needs) {
                if (soFar + perMetre_ * need.metres >= limit) {
                    break;
                }
                if (!need.fits(reach, charger_)) {
                    continue;
                }
                Trip trip{reach.metres + need.metres, need.back.of(reach), 0.0};
                if (costOf(trip) < limit) {
                    ChargingDelay delay = label.delay;
                    delay.drive(driven, charger_);
                    trip.departs = need.departure(delay, trip.returns);
                    limit = costOf(trip);
                    best = trip;
                }
            }
        }
    }
    return best;
}

std::optional<Charging::Trip> Charging::insertion(const Labels& labels, std::int32_t from, const Step& stop,
                                                  const Step& next, const Needs& needs, double limit,
                                                  Scratch& scratch) const {
    const std::size_t first = pair(from, stop.place);
    const std::size_t second = pair(stop.place, next.place);
    if (labels.empty() || needs.empty() || stop.windows.empty() ||
        leastSeconds_[first] == Tables::kUnreachable || leastSeconds_[second] == Tables::kUnreachable) {
        return std::nullopt;
    }
    // What is least of everything must do, or nothing does.
    const double rest = perMetre_ * (static_cast<double>(leastMetres_[second]) + needs[0].metres) +
                        perSecond_ * (leastSeconds_[second] + stop.service);
    const double until = loose(limit - rest);
    if (perMetre_ * (labels[0].metres + leastMetres_[first]) >= until) {
        return std::nullopt;
    }
    double early = kForever;
    for (const ChargingLabel& label : labels) {
        early = std::min(early, label.early);
    }
    double late = -kForever;
    for (const ChargingNeed& need : needs) {
        late = std::max(late, need.late);
    }
    early = std::max<double>(early + leastSeconds_[first], stop.windows.front()[0]);
    if (early > stop.windows.back()[1] + kChargingTolerance ||
        early + stop.service + leastSeconds_[second] > late + kChargingTolerance) {
        return std::nullopt;
    }
    extend(labels, from, stop, scratch.here, loose(until + perSecond_ * stop.service));
    return join(scratch.here, stop.place, next, needs, limit);
}

double Charging::latest(std::int32_t origin, std::span<const Step> steps, double due) const {
    double found = -kForever;
    Needs needs, before;
    conclude(steps.back(), due, needs);
    for (std::size_t k = steps.size() - 1; k > 0; --k) {
        prepend(steps[k - 1], steps[k], needs, before);
        std::swap(needs, before);
    }
    const std::size_t row = pair(origin, steps[0].place);
    for (const ChargingNeed& need : needs) {
        for (std::size_t index = offset_[row]; index < offset_[row + 1]; ++index) {
            ChargingMargin margin = need;
            if (margin.drive(way(index, steps[0].load), charger_)) {
                found = std::max(found, std::min(margin.late, margin.spare + charger_.full));
            }
        }
    }
    return found;
}

std::optional<Charging::Trip> Charging::drive(std::int32_t origin, std::span<const Step> steps, double ready,
                                              double due, double limit, Scratch& scratch) const {
    double rest = 0.0;  // of the metres
    if (limit < kForever) {
        std::int32_t from = origin;
        for (const Step& step : steps) {
            rest += leastMetres(from, step.place);
            from = step.place;
        }
    }
    depart(ready, scratch.here);
    std::int32_t from = origin;
    for (const Step& step : steps) {
        rest -= limit < kForever ? leastMetres(from, step.place) : 0.0;
        extend(scratch.here, from, step, scratch.there, loose(limit - perMetre_ * rest));
        if (scratch.there.empty()) {
            return std::nullopt;
        }
        std::swap(scratch.here, scratch.there);
        from = step.place;
    }
    return finish(scratch.here, due, limit);
}

}  // namespace lastmile::routing
