#include "routing/Breaks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace lastmile::routing {

namespace {

constexpr double kRounding = 1e-9;  // relative

/// A day until some moment.
struct Label {
    Seconds moment = 0;
    double returns = 0;  // the same; after the last trip in fractions
    double out = 0;      // seconds between departures and returns
    int64_t metres = 0;
    std::vector<Rests> trips;

    bool betterThan(const Label& other, const VehicleType& type) const {
        const auto cost = [&](const Label& label) {
            return static_cast<double>(type.perMetre) * static_cast<double>(label.metres) +
                   static_cast<double>(type.perSecond) * label.returns;
        };
        for (const auto& [mine, theirs] :
             {std::pair{cost(*this), cost(other)}, {returns, other.returns}, {out, other.out},
              {static_cast<double>(metres), static_cast<double>(other.metres)}})
            if (std::abs(mine - theirs) > kRounding * (1 + std::abs(mine))) return mine < theirs;
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

void keep(Labels& labels, Label&& label, const VehicleType& type) {
    for (Label& other : labels) {
        if (other.moment != label.moment) continue;
        if (label.betterThan(other, type)) other = std::move(label);
        return;
    }
    labels.push_back(std::move(label));
}

/// By when to begin with the breaks [from, to) so that they are over by a moment; -1 where they cannot be.
Seconds restedBy(const VehicleType& type, int32_t from, int32_t to, Seconds moment) {
    for (int32_t b = to; moment >= 0 && b-- > from;) {
        const Break& rest = type.breaks[b];
        moment = std::min(moment, rest.window.close) - rest.duration;
        if (moment < rest.window.open) return -1;
    }
    return moment;
}

/// By when each trip of a vehicle that charges must be back, by breaks taken then; -1 where there is no going on.
std::vector<std::vector<Seconds>> dueOf(const Rules& rules, const VehicleType& type, std::span<const Errand> day,
                                        bool exactly) {
    const auto all = static_cast<int32_t>(type.breaks.size());
    std::vector<std::vector<Seconds>> due(day.size(), std::vector<Seconds>(all + 1, -1));
    std::vector<Seconds> loadedBy(all + 1);  // of the trip behind it
    for (size_t k = day.size(); k-- > 0;) {
        const Errand& errand = day[k];
        for (int32_t home = 0; home <= all; ++home) {
            if (errand.reload == nullptr) {
                due[k][home] = std::min(errand.context.due, restedBy(type, home, all, kTimeMax));
                continue;
            }
            const Reload& reload = *errand.reload;
            for (int32_t before = home; before <= all; ++before) {
                const Seconds begin = std::min(reload.window.close, loadedBy[before] - reload.duration);
                if (begin < reload.window.open) continue;
                due[k][home] = std::max(due[k][home], restedBy(type, home, before, begin));
            }
        }
        if (k == 0) break;
        std::fill(loadedBy.begin(), loadedBy.end(), -1);
        Context context = errand.context;
        context.around = false;
        for (int32_t home = 0; home <= all; ++home) {
            if (due[k][home] < 0) continue;
            context.due = due[k][home];
            context.restsTo = home;
            for (int32_t out = 0; out <= home; ++out) {
                context.restsFrom = out;
                const auto latest = static_cast<Seconds>(rules.latest(errand.visits, context, exactly));
                if (latest < context.ready) continue;
                for (int32_t before = 0; before <= out; ++before)
                    loadedBy[before] = std::max(loadedBy[before], restedBy(type, before, out, latest));
            }
        }
    }
    return due;
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
                                             std::span<const Errand> day, bool exactly) {
    const auto all = static_cast<int32_t>(type.breaks.size());
    std::vector<Labels> loaded(all + 1), ready(all + 1), back(all + 1);  // by breaks taken
    std::vector<Seconds> earliest{0};                                    // loaded
    std::vector<std::vector<Seconds>> due;
    if (type.charging) due = dueOf(rules, type, day, exactly);
    std::vector<Halt> halts;
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
                    next.returns = next.moment;
                    next.trips.back().ready = next.moment;
                    keep(ready[out], std::move(next), type);
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
                    if (type.charging) context.due = due[k][home];
                    if (context.ready > context.due) continue;
                    const Outcome outcome = rules.evaluate(day[k].visits, context, exactly ? &halts : nullptr);
                    if (!outcome.feasible) continue;
                    const bool fractions = outcome.returns >= 0;
                    Label next = label;
                    next.moment = outcome.back;
                    next.returns = fractions && day[k].reload == nullptr ? outcome.returns : outcome.back;
                    next.out += fractions ? outcome.returns - outcome.departs : outcome.back - outcome.leave;
                    next.metres += outcome.distance;
                    next.trips.back().home = home;
                    next.trips.back().due = context.due;
                    keep(back[home], std::move(next), type);
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
                    next.returns = next.moment;
                    next.trips.push_back({.before = before, .idle = next.moment});
                    first = std::min(first, next.moment);
                    keep(loaded[before], std::move(next), type);
                }
            }
        }
        earliest.push_back(first);
    }
    const Label* best = nullptr;
    for (int32_t home = 0; home <= all; ++home)
        for (const Label& label : back[home])
            if (rested(type, home, all, label.moment) >= 0 && (best == nullptr || label.betterThan(*best, type)))
                best = &label;
    if (best == nullptr) return std::nullopt;
    std::vector<Rests> found = best->trips;
    for (size_t k = 0; k < found.size(); ++k) found[k].earliest = earliest[k];
    return found;
}

}  // namespace lastmile::routing
