#include "routing/Breaks.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace lastmile::routing {

namespace {

/// A day until some moment.
struct Label {
    Seconds moment = 0;
    int64_t out = 0;  // seconds between departures and returns
    std::vector<Rests> trips;

    bool betterThan(const Label& other) const {
        if (moment != other.moment) return moment < other.moment;
        if (out != other.out) return out < other.out;
        for (size_t k = 0; k < trips.size(); ++k) {
            const Rests &a = trips[k], &b = other.trips[k];
            if (a.before != b.before) return a.before > b.before;
            if (a.home != b.home) return a.home > b.home;
            if (a.out != b.out) return a.out > b.out;
        }
        return false;
    }
};

/// Of as many breaks taken; no two with the same moment.
using Labels = std::vector<Label>;

void keep(Labels& labels, Label&& label) {
    for (Label& other : labels) {
        if (other.moment != label.moment) continue;
        if (label.betterThan(other)) other = std::move(label);
        return;
    }
    labels.push_back(std::move(label));
}

}  // namespace

Seconds rested(const VehicleType& type, int32_t from, int32_t to, Seconds moment) {
    for (int32_t b = from; b < to; ++b) {
        const Break& rest = type.breaks[b];
        const Seconds begin = std::max(moment, rest.window.open);
        if (begin > rest.window.close - rest.duration) return -1;
        moment = begin + rest.duration;
    }
    return moment;
}

std::optional<std::vector<Rests>> placeRests(const Rules& rules, const VehicleType& type,
                                             std::span<const Errand> day) {
    const auto all = static_cast<int32_t>(type.breaks.size());
    std::vector<Labels> loaded(all + 1), ready(all + 1), back(all + 1);  // by breaks taken
    std::vector<Seconds> earliest{0};                                    // loaded
    loaded[0].push_back({.trips = {Rests{}}});
    for (size_t k = 0; k < day.size(); ++k) {
        for (Labels& labels : ready) labels.clear();
        for (int32_t before = 0; before <= all; ++before) {
            for (const Label& label : loaded[before]) {
                for (int32_t out = before; out <= all; ++out) {
                    const Seconds moment = rested(type, before, out, label.moment);
                    if (moment < 0) break;
                    Label next = label;
                    next.moment = std::max(moment, day[k].context.ready);
                    next.trips.back().out = out;
                    next.trips.back().ready = next.moment;
                    keep(ready[out], std::move(next));
                }
            }
        }
        for (Labels& labels : back) labels.clear();
        Context context = day[k].context;
        context.around = false;
        for (int32_t out = 0; out <= all; ++out) {
            for (const Label& label : ready[out]) {
                for (int32_t home = out; home <= all; ++home) {
                    context.ready = label.moment;
                    context.restsFrom = out;
                    context.restsTo = home;
                    const Outcome outcome = rules.evaluate(day[k].visits, context);
                    if (!outcome.feasible) continue;
                    Label next = label;
                    next.moment = outcome.back;
                    next.out += int64_t{outcome.back} - outcome.leave;
                    next.trips.back().home = home;
                    keep(back[home], std::move(next));
                }
            }
        }
        if (day[k].reload == nullptr) break;
        const Reload& reload = *day[k].reload;
        Seconds first = std::numeric_limits<Seconds>::max();
        for (Labels& labels : loaded) labels.clear();
        for (int32_t home = 0; home <= all; ++home) {
            for (const Label& label : back[home]) {
                for (int32_t before = home; before <= all; ++before) {
                    const Seconds moment = rested(type, home, before, label.moment);
                    if (moment < 0 || moment > reload.window.close) break;
                    Label next = label;
                    next.moment = reload.done(moment);
                    next.trips.push_back({.before = before, .idle = next.moment});
                    first = std::min(first, next.moment);
                    keep(loaded[before], std::move(next));
                }
            }
        }
        earliest.push_back(first);
    }
    const Label* best = nullptr;
    for (int32_t home = 0; home <= all; ++home)
        for (const Label& label : back[home])
            if (rested(type, home, all, label.moment) >= 0 && (best == nullptr || label.betterThan(*best)))
                best = &label;
    if (best == nullptr) return std::nullopt;
    std::vector<Rests> found = best->trips;
    for (size_t k = 0; k < found.size(); ++k) found[k].earliest = earliest[k];
    return found;
}

}  // namespace lastmile::routing
