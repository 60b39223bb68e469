// All ways over the chargers: labels are sent from charger to charger until none gets anywhere better (label
// correcting). A charger visited twice between two stops finds a label there that is earlier and no fuller, so that
// this ends.
#include "Charging.h"

#include <cassert>
#include <stdexcept>
#include <utility>

namespace lastmile::routing {

namespace {

constexpr std::size_t kAll = SIZE_MAX;

bool covers(const ChargingReach& a, const ChargingReach& b) { return a.covers(b); }

}  // namespace

void Charging::extendExactly(const Labels& labels, std::int32_t from, const Step& step, Labels& out,
                             Scratch& scratch) const {
    const std::int32_t origin = places_[static_cast<std::size_t>(from)];
    const std::int32_t target = places_[static_cast<std::size_t>(step.place)];
    const std::size_t count = chargers_.size();
    auto& charged = scratch.charged;
    charged.resize(count);
    for (auto& front : charged) {
        front.clear();
    }
    scratch.queue.clear();
    scratch.queued.assign(count, 0);
    out.clear();

    const auto toCharger = [&](ChargingLabel label, const Arc& arc, std::size_t charger) {
        if (!label.drive(arc.metres, arc.seconds, arc.energy, charger_)) {
            return;
        }
        label.charge(charger_);
        if (charged[charger].dominates<ChargingReach>(label)) {
            return;
        }
        label.delay.drive(arc.seconds, arc.energy);
        label.delay.charge(charger_);
        charged[charger].insert({label, false}, kAll, covers);
        if (!scratch.queued[charger]) {
            scratch.queued[charger] = 1;
            scratch.queue.push_back(static_cast<std::int32_t>(charger));
        }
    };
    const auto toStep = [&](const ChargingLabel& label, const Arc& arc) {
        ChargingReach reach = label;
        if (!reach.drive(arc.metres, arc.seconds, arc.energy, charger_)) {
            return;
        }
        serve(reach, step, [&](const ChargingReach& served, const std::array<std::int32_t, 2>& window) {
            if (out.dominates(served)) {
                return;
            }
            ChargingDelay delay = label.delay;
            delay.drive(arc.seconds, arc.energy);
            delay.serve(window[0], window[1], step.service);
            out.insert({served, delay}, kAll, covers);
        });
    };

    const Arc direct = arc(origin, target, step.load);
    for (const ChargingLabel& label : labels) {
        toStep(label, direct);
    }
    for (std::size_t c = 0; c < count; ++c) {
        const Arc first = arc(origin, chargers_[c], step.load);
        for (const ChargingLabel& label : labels) {
            toCharger(label, first, c);
        }
    }
    for (std::size_t head = 0; head < scratch.queue.size(); ++head) {
        const auto at = static_cast<std::size_t>(scratch.queue[head]);
        scratch.queued[at] = 0;
        for (std::size_t c = 0; c < count; ++c) {
            if (c == at) {
                continue;
            }
            const Arc hop = arc(chargers_[at], chargers_[c], step.load);
            for (const Scratch::Reached& label : charged[at]) {
                if (!label.passedOn) {
                    toCharger(label, hop, c);
                }
            }
        }
        for (std::size_t k = 0; k < charged[at].size(); ++k) {
            charged[at][k].passedOn = true;
        }
    }
    for (std::size_t c = 0; c < count; ++c) {
        const Arc last = arc(chargers_[c], target, step.load);
        for (const Scratch::Reached& label : charged[c]) {
            toStep(label, last);
        }
    }
}

std::optional<Charging::Trip> Charging::exact(std::int32_t origin, std::span<const Step> steps, double ready,
                                              double due, Scratch& scratch) const {
    depart(ready, scratch.here);
    std::int32_t from = origin;
    for (const Step& step : steps) {
        extendExactly(scratch.here, from, step, scratch.there, scratch);
        std::swap(scratch.here, scratch.there);
        from = step.place;
    }
    return finish(scratch.here, due);
}

// From the end of a trip, whose return is known, back to the latest departure.
class Charging::Retrace {
public:
    Retrace(const Charging& charging, std::int32_t origin, std::span<const Step> steps, double due, double mostMetres)
        : charging_(&charging), origin_(origin), steps_(steps), mostMetres_(mostMetres) {
        conclude(due);
        for (std::size_t step = steps.size() - 1; step > 0; --step) {
            precede(step);
        }
        precede(0);
    }

    // Throws std::logic_error where no departure at `ready` or later leads to the end.
    [[nodiscard]] Schedule schedule(double ready) const {
        const auto [best, departs] = latest();
        if (best == nullptr || departs < ready - 2.0 * kChargingTolerance) {
            throw std::logic_error("charging: the trip that was found cannot be driven backwards");
        }
        return follow(*best, std::max(departs, ready));
    }

    [[nodiscard]] double latestDeparture() const { return latest().second; }

private:
    // A need on arrival somewhere, and what comes after it.
    struct Node {
        double wanted;           // least charge on leaving a charger
        std::int32_t next;       // -1 at the end
        std::int32_t step;       // -1 at a charger
        std::int32_t charger;
        double opens, load;      // of the step's window; aboard on arrival
    };
    struct Entry : ChargingMargin {
        std::int32_t node;
        bool passedOn;
    };

    static bool covers(const ChargingMargin& a, const ChargingMargin& b) { return a.covers(b); }

    // Null where no departure leads to the end.
    [[nodiscard]] std::pair<const Entry*, double> latest() const {
        std::pair<const Entry*, double> found{nullptr, -kForever};
        for (const Entry& entry : before_) {
            const double departs = std::min(entry.late, entry.spare + charging_->charger_.full);
            if (departs > found.second) {
                found = {&entry, departs};
            }
        }
        return found;
    }

    [[nodiscard]] std::int32_t place(std::int32_t index) const {
        return charging_->places_[static_cast<std::size_t>(index)];
    }

    // Insert and, where it stays, remember what comes after.
    bool insert(Front<Entry>& front, const ChargingMargin& need, const Node& node) {
        const auto index = static_cast<std::int32_t>(nodes_.size());
        if (need.metres > mostMetres_ || front.dominates(need)) {
            return false;
        }
        front.insert({need, index, false}, kAll, covers);
        nodes_.push_back(node);
        return true;
    }

    void serve(const ChargingMargin& need, std::size_t step, std::int32_t next, Front<Entry>& out) {
        for (const auto& [opens, closes] : steps_[step].windows) {
            ChargingMargin served = need;
            if (served.serve(opens, closes, steps_[step].service, charging_->charger_)) {
                insert(out, served,
                       {0.0, next, static_cast<std::int32_t>(step), -1, static_cast<double>(opens), steps_[step].load});
            }
        }
    }

    void conclude(double due) { serve(ChargingNeed::arrival(due), steps_.size() - 1, -1, before_); }

    // From needs on arrival at `step` to those on arrival at the one before it, or on departure from the depot.
    void precede(std::size_t step) {
        const Front<Entry> after = before_;
        const std::int32_t target = place(steps_[step].place);
        const std::int32_t from = place(step > 0 ? steps_[step - 1].place : origin_);
        const double load = steps_[step].load;
        const std::size_t count = charging_->chargers_.size();
        std::vector<Front<Entry>> fronts(count);
        std::vector<std::size_t> queue;
        std::vector<char> queued(count, 0);
        before_.clear();

        const auto toCharger = [&](ChargingMargin need, const Arc& arc, std::size_t charger, std::int32_t next) {
            if (!need.drive(arc.metres, arc.seconds, arc.energy, charging_->charger_)) {
                return;
            }
            const double wanted = need.least;
            need.charge(charging_->charger_);
            if (insert(fronts[charger], need, {wanted, next, -1, static_cast<std::int32_t>(charger), 0.0, load}) &&
                !queued[charger]) {
                queued[charger] = 1;
                queue.push_back(charger);
            }
        };
        const auto toStep = [&](ChargingMargin need, const Arc& arc, std::int32_t next) {
            if (!need.drive(arc.metres, arc.seconds, arc.energy, charging_->charger_)) {
                return;
            }
            if (step > 0) {
                serve(need, step - 1, next, before_);
            } else if (need.metres <= mostMetres_ && !before_.dominates(need)) {
                before_.insert({need, next, false}, kAll, covers);
            }
        };

        const Arc direct = charging_->arc(from, target, load);
        for (const Entry& entry : after) {
            toStep(entry, direct, entry.node);
        }
        for (std::size_t c = 0; c < count; ++c) {
            const Arc last = charging_->arc(charging_->chargers_[c], target, load);
            for (const Entry& entry : after) {
                toCharger(entry, last, c, entry.node);
            }
        }
        for (std::size_t head = 0; head < queue.size(); ++head) {
            const std::size_t at = queue[head];
            queued[at] = 0;
            for (std::size_t c = 0; c < count; ++c) {
                if (c == at) {
                    continue;
                }
                const Arc hop = charging_->arc(charging_->chargers_[c], charging_->chargers_[at], load);
                for (const Entry& entry : fronts[at]) {
                    if (!entry.passedOn) {
                        toCharger(entry, hop, c, entry.node);
                    }
                }
            }
            for (std::size_t k = 0; k < fronts[at].size(); ++k) {
                fronts[at][k].passedOn = true;
            }
        }
        for (std::size_t c = 0; c < count; ++c) {
            const Arc first = charging_->arc(from, charging_->chargers_[c], load);
            for (const Entry& entry : fronts[c]) {
                toStep(entry, first, entry.node);
            }
        }
    }

    [[nodiscard]] const Node& node(std::int32_t index) const { return nodes_[static_cast<std::size_t>(index)]; }
    [[nodiscard]] std::int32_t location(const Node& halt) const {
        return halt.step >= 0 ? place(steps_[static_cast<std::size_t>(halt.step)].place)
                              : charging_->chargers_[static_cast<std::size_t>(halt.charger)];
    }
    // Time less charge does not change at a charger: whoever charges no more than what is needed from there on stays
    // within the needs of all that follows.
    [[nodiscard]] Schedule follow(const Entry& start, double departs) const {
        const Charger& charger = charging_->charger_;
        Schedule result{departs, departs, 0, {}};
        double time = departs, charge = charger.full, metres = 0.0;
        std::int32_t from = place(origin_);
        for (std::int32_t index = start.node; index >= 0; index = node(index).next) {
            const Node& halt = node(index);
            const std::int32_t to = location(halt);
            const Arc arc = charging_->arc(from, to, halt.load);
            const double arrives = time + arc.seconds;
            const double left = charge - arc.energy;
            double begins = arrives, leaves = arrives, leftThen = left;
            if (halt.step >= 0) {
                begins = std::max(arrives, halt.opens);
                leaves = begins + steps_[static_cast<std::size_t>(halt.step)].service;
            } else if (left >= (charger.fullOnly ? charger.full : halt.wanted) - charger.tolerance &&
                       charging_->passes(from, to, location(node(halt.next)), halt.load)) {
                continue;
            } else if (charger.instant) {
                leftThen = charger.full;
            } else {
                leftThen = std::max(left, charger.fullOnly ? charger.full : halt.wanted);
                leaves = arrives + (leftThen - left);
            }
            result.halts.push_back({halt.step, halt.charger, arrives, begins, leaves});
            time = leaves;
            charge = leftThen;
            metres += arc.metres;
            from = to;
        }
        result.returns = time;
        result.metres = static_cast<std::int64_t>(metres);
        return result;
    }

    const Charging* charging_;
    std::int32_t origin_;
    std::span<const Step> steps_;
    double mostMetres_;
    std::vector<Node> nodes_;
    Front<Entry> before_;  // on arrival at the step that was reached; in the end, on departure
};

double Charging::latestExactly(std::int32_t origin, std::span<const Step> steps, double due) const {
    return Retrace(*this, origin, steps, due, kForever).latestDeparture();
}

std::optional<Charging::Schedule> Charging::schedule(std::int32_t origin, std::span<const Step> steps, double ready,
                                                     double due, Scratch& scratch) const {
    const std::optional<Trip> trip = exact(origin, steps, ready, due, scratch);
    if (!trip) {
        return std::nullopt;
    }
    if (steps.empty()) {
        return Schedule{ready, ready, 0, {}};
    }
    const double mostMetres = perMetre_ > 0.0 ? trip->metres + 0.5 : kForever;
    return Retrace(*this, origin, steps, trip->returns, mostMetres).schedule(ready);
}

}  // namespace lastmile::routing
