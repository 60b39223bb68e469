// Trips with charging that keep breaks and limits of time: labels over departures (ChargingTies.h) for each number of
// breaks taken, from stop to stop, over the chosen ways or over the chargers themselves (as in ChargingExact.cpp).
#include <algorithm>
#include <cassert>
#include <stdexcept>

#include "Charging.h"
#include "ChargingTies.h"
#include "SmallProgram.h"

namespace lastmile::routing {

namespace {

constexpr std::size_t kLabels = 8;           // of the search at a stop, for each number of breaks taken
constexpr double kProgramTolerance = 1e-7;  // seconds and charge, for rounding alone

bool covers(const TiedLabel& a, const TiedLabel& b) { return a.covers(b); }

bool differ(double a, double b) { return std::abs(a - b) > kChargingTolerance; }

}  // namespace

class Charging::Dutiful {
public:
    Dutiful(const Charging& charging, std::int32_t origin, std::span<const Step> steps, const Duties& duties,
            double ready, double due, Depth depth)
        : charging_(charging), origin_(origin), steps_(steps), duties_(duties), due_(due), depth_(depth) {
        named_.assign(steps.size(), -1);
        for (const Limit& limit : duties.limits)
            if (limit.since >= 0 && named_[static_cast<std::size_t>(limit.since)] < 0)
                named_[static_cast<std::size_t>(limit.since)] = static_cast<std::int32_t>(unknowns_++);
        here_.resize(duties.rests.size() + 1);
        there_.resize(duties.rests.size() + 1);
        depart(ready);
        for (std::size_t step = 0; step < steps.size(); ++step) {
            for (Front<TiedLabel>& front : there_) front.clear();
            if (depth == Depth::all) travelOverAll(step);
            else travel(step);
            std::swap(here_, there_);
        }
    }

    // The best trip; where all chargers are looked at `schedule` tells more of it.
    [[nodiscard]] std::optional<Trip> best() {
        struct Ending {
            const TiedLabel* label;
            double returns, departs;
            std::vector<double> x;
        };
        std::vector<Ending> endings;
        for (const Front<TiedLabel>& front : here_) {
            for (const TiedLabel& label : front) {
                TiedDomain domain = label.domain();
                if (!closes(label, domain)) continue;
                if (const auto returns = soonest(label, domain)) endings.push_back({&label, *returns, 0.0, {}});
            }
        }
        const auto narrow = [&](auto value, auto same) {
            double least = kForever;
            for (const Ending& ending : endings) least = std::min(least, value(ending));
            std::erase_if(endings, [&](const Ending& ending) { return !same(value(ending), least); });
        };
        const auto near = [](double a, double b) { return !differ(a, b); };
        narrow([&](const Ending& e) { return charging_.perMetre_ * e.label->metres + charging_.perSecond_ * e.returns; },
               [](double a, double b) { return a <= b + 1e-9 * (1.0 + std::abs(b)); });
        narrow([](const Ending& e) { return e.returns; }, near);
        for (Ending& ending : endings) {
            TiedDomain domain = ending.label->domain();
            closes(*ending.label, domain);
            ending.departs = latest(*ending.label, domain, ending.returns, ending.x).value_or(-kForever);
        }
        narrow([](const Ending& e) { return -e.departs; }, near);
        narrow([](const Ending& e) { return e.label->metres; }, near);
        if (endings.empty()) return std::nullopt;
        best_ = endings[0].label;
        x_ = endings[0].x;
        return Trip{best_->metres, endings[0].returns, endings[0].departs};
    }

    [[nodiscard]] double latestDeparture() const {
        double found = -kForever;
        std::vector<double> x;
        for (const Front<TiedLabel>& front : here_) {
            for (const TiedLabel& label : front) {
                TiedDomain domain = label.domain();
                if (closes(label, domain)) found = std::max(found, latest(label, domain, kForever, x).value_or(found));
            }
        }
        return found;
    }

    // When the best trip is where, charging no more than it must but for as long as it rests.
    [[nodiscard]] Schedule schedule(const Trip& trip) const {
        const std::vector<Event> events = eventsOf(trip);
        std::vector<double> wanted(events.size());
        ChargingMargin need = ChargingNeed::arrival(trip.returns);
        bool possible = true;
        for (std::size_t k = events.size(); k-- > 0;) {
            const Event& event = events[k];
            if (event.charger >= 0) {
                wanted[k] = need.least;
                possible &= leave(need, event);
            } else {
                possible &= need.serve(event.opens, event.closes, event.lasts, charging_.charger_);
            }
            if (!event.travels) continue;
            const Arc arc = charging_.arc(k > 0 ? events[k - 1].location : place(origin_), event.location, event.load);
            possible &= need.drive(arc.metres, arc.seconds, arc.energy, charging_.charger_);
        }
        if (!possible) throw std::logic_error("charging: the trip that was found cannot be driven backwards");
        return follow(trip, events, wanted);
    }

private:
    // What was done last on the way to a label.
    struct Node {
        std::int32_t before;
        std::int32_t step;     // towards which, or at which
        std::int32_t charger;  // -1 at a step
        std::int32_t rest;     // the first break there, -1 without: at a step, of a service
        std::int32_t rests;    // how many
        double opens, closes;
    };
    // The same with its moments, and the arc to it.
    struct Event : Node {
        double lasts;
        std::int32_t location;
        bool travels;  // to get there
        double load;   // aboard then
    };
    struct Reached : TiedLabel {
        bool passedOn;
    };
    using Fronts = std::vector<Front<TiedLabel>>;  // by breaks taken

    const Charging& charging_;
    std::int32_t origin_;
    std::span<const Step> steps_;
    const Duties& duties_;
    double due_;
    Depth depth_;
    std::size_t unknowns_ = 1;         // the departure, then ends of services
    std::vector<std::int32_t> named_;  // of the steps: the unknown that its end is
    Fronts here_, there_;
    std::vector<Node> nodes_;
    const TiedLabel* best_ = nullptr;
    std::vector<double> x_;

    [[nodiscard]] std::int32_t place(std::int32_t index) const {
        return charging_.places_[static_cast<std::size_t>(index)];
    }
    [[nodiscard]] bool isHome(std::size_t step) const { return duties_.closed && step + 1 == steps_.size(); }

    void note(TiedLabel& label, const Node& node) {
        if (depth_ != Depth::all) return;
        label.node = static_cast<std::int32_t>(nodes_.size());
        nodes_.push_back(node);
    }

    template <typename Label>
    static bool dominated(const std::vector<Front<Label>>& fronts, const TiedLabel& label) {
        for (auto rests = static_cast<std::size_t>(label.rests); rests < fronts.size(); ++rests)
            if (fronts[rests].template dominates<TiedLabel>(label)) return true;
        return false;
    }

    void depart(double ready) {
        double moment = duties_.idle;
        for (std::size_t rests = 0; ready <= due_; ++rests) {
            TiedLabel label(unknowns_, ready, due_, charging_.charger_);
            label.rests = static_cast<std::int32_t>(rests);
            here_[rests].insert(label, SIZE_MAX, covers);
            if (!duties_.offDuty || rests == duties_.rests.size()) return;
            const Rest& rest = duties_.rests[rests];
            if (std::max(moment, rest.opens) > rest.closes) return;
            moment = std::max(moment, rest.opens) + rest.lasts;
            ready = std::max(ready, moment);
        }
    }

    // Over the chosen ways.
    void travel(std::size_t step) {
        const std::int32_t from = step > 0 ? steps_[step - 1].place : origin_;
        const std::size_t row = charging_.pair(from, steps_[step].place);
        for (const Front<TiedLabel>& front : here_) {
            for (const TiedLabel& label : front) {
                for (std::size_t index = charging_.offset_[row]; index < charging_.offset_[row + 1]; ++index) {
                    const ChargingWay way = charging_.way(index, steps_[step].load);
                    if (label.metres + way.metres > duties_.mostMetres) continue;
                    if (way.direct()) {
                        TiedLabel driven = label;
                        if (driven.drive(way.metres, way.seconds, way.energy)) stop(driven, step);
                    } else if (way.left >= -charging_.charger_.tolerance) {
                        const double last = charging_.lastSeconds_.empty() ? 0.0 : charging_.lastSeconds_[index];
                        const double left = charging_.charger_.full - way.left;
                        TiedLabel arrived = label;
                        if (!arrived.arrive(way.metres, way.seconds - last, way.energy - left, way.need)) continue;
                        stand(arrived, !charging_.lastSeconds_.empty(), [&](TiedLabel& charged) {
                            if (charged.drive(0.0, last, left)) stop(charged, step);
                        });
                    }
                }
            }
        }
    }

    // Over all chargers, until none gets anywhere better.
    void travelOverAll(std::size_t step) {
        const std::int32_t origin = place(step > 0 ? steps_[step - 1].place : origin_);
        const std::int32_t target = place(steps_[step].place);
        const double load = steps_[step].load;
        const std::vector<std::int32_t>& chargers = charging_.chargers_;
        std::vector<std::vector<Front<Reached>>> charged(chargers.size());
        for (auto& fronts : charged) fronts.resize(here_.size());
        std::vector<std::size_t> queue;
        std::vector<char> queued(chargers.size(), 0);
        const auto toCharger = [&](const TiedLabel& label, const Arc& arc, std::size_t charger) {
            if (arc.seconds == kForever || label.metres + arc.metres > duties_.mostMetres) return;
            TiedLabel arrived = label;
            if (!arrived.arrive(arc.metres, arc.seconds, arc.energy, arc.energy)) return;
            stand(arrived, true, [&](TiedLabel& leaving) {
                if (dominated(charged[charger], leaving)) return;
                const std::int32_t rests = leaving.rests - label.rests;
                note(leaving, {label.node, static_cast<std::int32_t>(step), static_cast<std::int32_t>(charger),
                               label.rests, rests, 0.0, 0.0});
                charged[charger][static_cast<std::size_t>(leaving.rests)].insert({leaving, false}, SIZE_MAX, covers);
                if (!queued[charger]) {
                    queued[charger] = 1;
                    queue.push_back(charger);
                }
            });
        };
        const auto toStep = [&](const TiedLabel& label, const Arc& arc) {
            if (arc.seconds == kForever || label.metres + arc.metres > duties_.mostMetres) return;
            TiedLabel driven = label;
            if (driven.drive(arc.metres, arc.seconds, arc.energy)) stop(driven, step);
        };
        const Arc direct = charging_.arc(origin, target, load);
        for (const Front<TiedLabel>& front : here_)
            for (const TiedLabel& label : front) toStep(label, direct);
        for (std::size_t c = 0; c < chargers.size(); ++c) {
            const Arc first = charging_.arc(origin, chargers[c], load);
            for (const Front<TiedLabel>& front : here_)
                for (const TiedLabel& label : front) toCharger(label, first, c);
        }
        for (std::size_t head = 0; head < queue.size(); ++head) {
            const std::size_t at = queue[head];
            queued[at] = 0;
            for (std::size_t c = 0; c < chargers.size(); ++c) {
                if (c == at) continue;
                const Arc hop = charging_.arc(chargers[at], chargers[c], load);
                for (const Front<Reached>& front : charged[at])
                    for (const Reached& label : front)
                        if (!label.passedOn) toCharger(label, hop, c);
            }
            for (Front<Reached>& front : charged[at])
                for (std::size_t k = 0; k < front.size(); ++k) front[k].passedOn = true;
        }
        for (std::size_t c = 0; c < chargers.size(); ++c) {
            const Arc last = charging_.arc(chargers[c], target, load);
            for (const Front<Reached>& front : charged[c])
                for (const Reached& label : front) toStep(label, last);
        }
    }

    // At a charger, with so many of the next breaks as there is time for.
    template <typename Leaves>
    void stand(TiedLabel& arrived, bool mayRest, Leaves leaves) const {
        for (bool rested = false;; rested = true) {
            TiedLabel leaving = arrived;
            leaving.charge(charging_.charger_, rested);
            leaves(leaving);
            if (!mayRest || !rest(arrived, [&](const Rest& next) {
                    return arrived.rest(next.opens, next.closes, next.lasts);
                }))
                return;
        }
    }

    template <typename Take>
    bool rest(const TiedLabel& label, Take take) const {
        const auto next = static_cast<std::size_t>(label.rests);
        return next < duties_.rests.size() && take(duties_.rests[next]);
    }

    // At a step, with breaks ahead of the service; nobody rests between a trip's last drive and its end.
    void stop(TiedLabel& arrived, std::size_t step) {
        for (;;) {
            serve(arrived, step);
            if (isHome(step) || !restAt(arrived, step)) return;
        }
    }

    void serve(const TiedLabel& arrived, std::size_t step) {
        const Step& stop = steps_[step];
        for (const auto& [opens, closes] : stop.windows) {
            TiedLabel served = arrived;
            bool possible = served.beginBy(closes, -1, charging_.charger_);
            for (const Limit& limit : duties_.limits)
                if (std::cmp_equal(limit.step, step))
                    possible = possible && served.beginBy(limit.seconds, unknownOf(limit.since), charging_.charger_);
            if (!possible) continue;
            served.serve(opens, stop.service);
            if (named_[step] >= 0 && !served.name(named_[step], charging_.charger_)) continue;
            note(served, {served.node, static_cast<std::int32_t>(step), -1, -1, 0, static_cast<double>(opens),
                          static_cast<double>(closes)});
            keep(served);
            while (step + 1 < steps_.size() && restAt(served, step)) keep(served);
        }
    }

    bool restAt(TiedLabel& label, std::size_t step) {
        const std::int32_t index = label.rests;
        return rest(label, [&](const Rest& next) {
            if (!label.beginBy(next.closes, -1, charging_.charger_)) return false;
            label.serve(next.opens, next.lasts);
            ++label.rests;
            note(label, {label.node, static_cast<std::int32_t>(step), -1, index, 1, next.opens, next.closes});
            return true;
        });
    }

    void keep(const TiedLabel& label) {
        if (dominated(there_, label)) return;
        const std::size_t most = depth_ == Depth::all ? SIZE_MAX : kLabels;
        there_[static_cast<std::size_t>(label.rests)].insert(label, most, covers);
    }

    [[nodiscard]] std::int32_t unknownOf(std::int32_t since) const {
        return since < 0 ? 0 : named_[static_cast<std::size_t>(since)];
    }

    // Whether a label can be the end of the trip; what that asks of its departures.
    bool closes(const TiedLabel& label, TiedDomain& domain) const {
        double due = due_;
        if (static_cast<std::size_t>(label.rests) < duties_.rests.size()) {
            if (!duties_.offDuty) return false;
            // Windows are apart: if there is time for the next one, there is for those behind it.
            due = std::min(due, duties_.rests[static_cast<std::size_t>(label.rests)].closes);
        }
        const std::size_t width = unknowns_ + 1;
        std::vector<double> row(width);
        for (std::size_t k = 0; k < label.early().size(width); ++k) {
            for (std::size_t i = 0; i < width; ++i) row[i] = -label.early().row(k, width)[i];
            const double moment = row[0];
            row[0] = moment + due;
            if (!domain.demand(row.data())) return false;
            if (duties_.mostSeconds == kForever) continue;
            row[0] = moment + duties_.mostSeconds;
            row[1] += 1.0;
            if (!domain.demand(row.data())) return false;
        }
        return true;
    }

    // Rows of a program over a domain, its unknowns counted from their least; the departure from its greatest down.
    [[nodiscard]] std::vector<double> rowsOf(const TiedDomain& domain, std::size_t more, bool turned) const {
        std::vector<double> rows;
        for (std::size_t k = 0; k < unknowns_; ++k) {
            rows.push_back(domain.high(k) - domain.low(k));
            for (std::size_t i = 0; i < unknowns_; ++i) rows.push_back(i == k ? -1.0 : 0.0);
            rows.resize(rows.size() + more, 0.0);
        }
        for (std::size_t k = 0; k < domain.rows().size(unknowns_ + 1); ++k) {
            addRow(rows, domain, domain.rows().row(k, unknowns_ + 1), 1.0, 0.0, turned);
            rows.resize(rows.size() + more, 0.0);
        }
        return rows;
    }
    void addRow(std::vector<double>& rows, const TiedDomain& domain, const double* row, double sign, double constant,
                bool turned) const {
        const std::size_t first = rows.size();
        rows.push_back(sign * row[0] + constant);
        for (std::size_t i = 0; i < unknowns_; ++i) {
            const bool down = turned && i == 0;
            rows[first] += sign * row[1 + i] * (down ? domain.high(i) : domain.low(i));
            rows.push_back(sign * row[1 + i] * (down ? -1.0 : 1.0));
        }
    }

    // The earliest return.
    [[nodiscard]] std::optional<double> soonest(const TiedLabel& label, const TiedDomain& domain) const {
        std::vector<double> rows = rowsOf(domain, 1, false), x;
        for (std::size_t k = 0; k < label.early().size(unknowns_ + 1); ++k) {
            addRow(rows, domain, label.early().row(k, unknowns_ + 1), -1.0, 0.0, false);
            rows.push_back(1.0);
        }
        return least(rows, unknowns_ + 1, unknowns_, kProgramTolerance, x);
    }

    // The latest departure with that return, and the other unknowns.
    [[nodiscard]] std::optional<double> latest(const TiedLabel& label, const TiedDomain& domain, double returns,
                                               std::vector<double>& x) const {
        std::vector<double> rows = rowsOf(domain, 0, true);
        for (std::size_t k = 0; returns < kForever && k < label.early().size(unknowns_ + 1); ++k)
            addRow(rows, domain, label.early().row(k, unknowns_ + 1), -1.0, returns, true);
        const auto sooner = least(rows, unknowns_, 0, kProgramTolerance, x);
        if (!sooner) return std::nullopt;
        x[0] = domain.high(0) - x[0];
        for (std::size_t i = 1; i < unknowns_; ++i) x[i] += domain.low(i);
        return x[0];
    }

    // What the best trip does, with moments for its departure.
    [[nodiscard]] std::vector<Event> eventsOf(const Trip& trip) const {
        std::vector<Event> events;
        for (std::int32_t index = best_->node; index >= 0; index = nodes_[static_cast<std::size_t>(index)].before)
            events.push_back({nodes_[static_cast<std::size_t>(index)], 0.0, -1, true, 0.0});
        std::reverse(events.begin(), events.end());
        std::vector<double> x = x_;
        x[0] = trip.departs;
        std::int32_t at = -1;
        for (Event& event : events) {
            const auto step = static_cast<std::size_t>(event.step);
            event.location = event.charger < 0 ? place(steps_[step].place)
                                               : charging_.chargers_[static_cast<std::size_t>(event.charger)];
            event.travels = event.charger >= 0 || event.step != at;
            event.load = steps_[step].load;
            if (event.charger >= 0) continue;
            at = event.step;
            event.lasts = event.rest < 0 ? steps_[step].service : duties_.rests[static_cast<std::size_t>(event.rest)].lasts;
            if (event.rest >= 0) continue;
            for (const Limit& limit : duties_.limits)
                if (limit.step == event.step)
                    event.closes = std::min(
                        event.closes, x[static_cast<std::size_t>(unknownOf(limit.since))] + limit.seconds);
            if (named_[step] >= 0)
                event.opens = std::max(event.opens, x[static_cast<std::size_t>(named_[step])] - event.lasts);
        }
        return events;
    }

    // From what is needed on leaving a charger to what is needed on arriving there.
    bool leave(ChargingMargin& need, const Event& event) const {
        const Charger& charger = charging_.charger_;
        // Whoever rests until its battery is full has waited from then on.
        const double until = charger.instant ? need.late : std::min(need.late, need.spare + charger.full);
        double by = charger.fullOnly || event.rests > 0 ? until : need.late;
        for (std::int32_t k = event.rests; k-- > 0;) {
            const Rest& rest = duties_.rests[static_cast<std::size_t>(event.rest + k)];
            by = std::min(by - rest.lasts, rest.closes);
            if (rest.opens > by + kChargingTolerance) return false;
        }
        if (charger.instant) {
            need.spare = by;
        } else if (charger.fullOnly) {
            need.spare = until - charger.full;
        }
        need.late = by;
        need.spare = std::min(need.spare, by);
        need.least = 0.0;
        return true;
    }

    [[nodiscard]] Schedule follow(const Trip& trip, const std::vector<Event>& events,
                                  const std::vector<double>& wanted) const {
        const Charger& charger = charging_.charger_;
        Schedule result{trip.departs, trip.departs, 0, {}};
        double time = trip.departs, charge = charger.full, arrives = time, metres = 0.0;
        std::int32_t from = place(origin_);
        for (std::size_t k = 0; k < events.size(); ++k) {
            const Event& event = events[k];
            const Arc arc = event.travels ? charging_.arc(from, event.location, event.load) : Arc{0.0, 0.0, 0.0};
            const double left = charge - arc.energy;
            const double full = charger.fullOnly || charger.instant ? charger.full : std::max(left, wanted[k]);
            // A visit that charges nothing need not be made where passing the charger is no way round.
            if (event.charger >= 0 && event.rests == 0 &&
                left >= (charger.fullOnly ? charger.full : wanted[k]) - charger.tolerance &&
                charging_.passes(from, event.location, events[k + 1].location, event.load))
                continue;
            if (event.travels) arrives = time + arc.seconds;
            metres += arc.metres;
            from = event.location;
            if (event.charger < 0) {
                const double begins = std::max(time + arc.seconds, event.opens);
                time = begins + event.lasts;
                charge = left;
                if (event.rest < 0) result.halts.push_back({event.step, -1, arrives, begins, time});
                else result.halts.push_back({-1, -1, begins, begins, time, event.rest});
                continue;
            }
            const std::size_t own = result.halts.size();
            result.halts.push_back({-1, event.charger, arrives, arrives, arrives});
            time = arrives;
            for (std::int32_t rest = event.rest; rest < event.rest + event.rests; ++rest) {
                const Rest& duty = duties_.rests[static_cast<std::size_t>(rest)];
                const double begins = std::max(time, duty.opens);
                time = begins + duty.lasts;
                result.halts.push_back({-1, -1, begins, begins, time, rest});
            }
            if (!charger.instant) time = std::max(time, arrives + full - left);
            charge = charger.instant ? charger.full : std::min(charger.full, left + time - arrives);
            result.halts[own].departs = time;
        }
        result.returns = time;
        result.metres = static_cast<std::int64_t>(metres);
        return result;
    }
};

std::optional<Charging::Trip> Charging::drive(std::int32_t origin, std::span<const Step> steps, const Duties& duties,
                                              double ready, double due) const {
    return Dutiful(*this, origin, steps, duties, ready, due, Depth::chosen).best();
}

std::optional<Charging::Schedule> Charging::schedule(std::int32_t origin, std::span<const Step> steps,
                                                     const Duties& duties, double ready, double due) const {
    Dutiful trips(*this, origin, steps, duties, ready, due, Depth::all);
    const std::optional<Trip> trip = trips.best();
    return trip ? std::optional(trips.schedule(*trip)) : std::nullopt;
}

double Charging::latest(std::int32_t origin, std::span<const Step> steps, const Duties& duties, double due,
                        Depth depth) const {
    return Dutiful(*this, origin, steps, duties, 0.0, due, depth).latestDeparture();
}

}  // namespace lastmile::routing
