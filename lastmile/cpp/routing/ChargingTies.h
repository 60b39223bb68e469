// Labels of charging (see ChargingLabels.h) that know how long before something happened: for limits between the
// departure, or the end of a service, and something later on the way.
//
// Let x0 be the departure and x1, x2, ... the ends of those services from which a limit counts. A label describes, after
// one choice of chargers, windows and places of breaks, every (t, u, x) that can be had:
//     t >= each of `early`,   t - u >= each of `empty`,   u <= each of `most`,   each of `kept` >= 0              (1)
// each of them an affine function of x. It is exact: what ChargingLabels.h says of one x holds for every x, as
//   - an arc shifts all functions; a charger makes `most` full;
//   - a moment D(x) by which something begins, a window's end or so long after one of the x, leaves those x of which each
//     of `early` is below it, and u <= D - each of `empty`;
//   - a moment at which it begins at the earliest adds to `early`, and `opens - most` to `empty`;
//   - the end of a service from which a limit counts is x_i: t = x_i, so that t - u >= x_i - most, and u <= x_i - empty.
// A break at a stop is a service. One at a charger is begun within its moments after the arrival, and charges meanwhile:
// who arrives with (t, u) leaves at max(t, opens) + lasts or later, with all that this gave.
//
// Least and greatest values over all x are those of a linear program with as many unknowns as there are limits.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ChargingLabels.h"

namespace lastmile::routing {

// Affine functions of x: each a constant and as many coefficients.
class Affines {
public:
    [[nodiscard]] std::size_t size(std::size_t width) const { return values_.size() / width; }
    [[nodiscard]] std::span<const double> values() const { return values_; }
    [[nodiscard]] const double* row(std::size_t index, std::size_t width) const { return &values_[index * width]; }
    void clear() { values_.clear(); }
    void add(std::span<const double> row) { values_.insert(values_.end(), row.begin(), row.end()); }
    void shift(double by, std::size_t width) {
        for (std::size_t k = 0; k < values_.size(); k += width) values_[k] += by;
    }
    double* find(const double* row, std::size_t width) {
        for (std::size_t k = 0; k < values_.size(); k += width)
            if (std::equal(row + 1, row + width, &values_[k] + 1)) return &values_[k];
        return nullptr;
    }

private:
    std::vector<double> values_;
};

// What is asked of x: bounds of each, and affine functions that are not negative.
class TiedDomain {
public:
    explicit TiedDomain(std::size_t unknowns, double most) : bounds_(unknowns, {0.0, most}) {}

    [[nodiscard]] std::size_t width() const { return bounds_.size() + 1; }
    [[nodiscard]] double low(std::size_t unknown) const { return bounds_[unknown][0]; }
    [[nodiscard]] double high(std::size_t unknown) const { return bounds_[unknown][1]; }
    [[nodiscard]] const Affines& rows() const { return rows_; }

    // Least and greatest of a function where only the bounds count.
    [[nodiscard]] double leastOf(const double* row) const {
        return sumOf(row, [](double factor) { return factor < 0.0; });
    }
    [[nodiscard]] double mostOf(const double* row) const {
        return sumOf(row, [](double factor) { return factor > 0.0; });
    }

    // Demand that a function is not negative; false where it cannot be.
    bool demand(const double* row) {
        if (leastOf(row) >= 0.0) return true;
        if (mostOf(row) < -kChargingTolerance) return false;
        std::size_t unknown = 0, number = 0;
        for (std::size_t k = 0; k < bounds_.size(); ++k)
            if (row[k + 1] != 0.0) unknown = k, ++number;
        if (number == 0) return true;
        if (number == 1) {
            const double bound = -row[0] / row[unknown + 1];
            double &low = bounds_[unknown][0], &high = bounds_[unknown][1];
            // Within the tolerance, or it would have been too little at most.
            if (row[unknown + 1] > 0.0) low = std::min(std::max(low, bound), high);
            else high = std::max(std::min(high, bound), low);
            return true;
        }
        if (double* const other = rows_.find(row, width())) {
            other[0] = std::min(other[0], row[0]);
        } else {
            rows_.add({row, width()});
        }
        return true;
    }

    // Whether all x of the other one are of this one too; may say no where that is so.
    [[nodiscard]] bool contains(const TiedDomain& other) const {
        for (std::size_t k = 0; k < bounds_.size(); ++k)
            if (other.low(k) < low(k) || other.high(k) > high(k)) return false;
        for (std::size_t k = 0; k < rows_.size(width()); ++k)
            if (other.leastOf(rows_.row(k, width())) < 0.0 && !other.states(rows_.row(k, width()))) return false;
        return true;
    }

private:
    std::vector<std::array<double, 2>> bounds_;
    Affines rows_;

    template <typename IsHigh>
    [[nodiscard]] double sumOf(const double* row, IsHigh isHigh) const {
        double sum = row[0];
        for (std::size_t k = 0; k < bounds_.size(); ++k)
            if (row[k + 1] != 0.0) sum += row[k + 1] * bounds_[k][isHigh(row[k + 1])];
        return sum;
    }
    [[nodiscard]] bool states(const double* row) const {
        for (std::size_t k = 0; k < rows_.size(width()); ++k) {
            const double* const own = rows_.row(k, width());
            if (std::equal(row + 1, row + width(), own + 1) && own[0] <= row[0]) return true;
        }
        return false;
    }
};

class TiedLabel {
public:
    double metres = 0.0;
    std::int32_t rests = 0;  // taken so far
    std::int32_t node = -1;  // what was done last

    // Departures at `ready` or later, where the last moment of interest, no earlier, is `due`.
    TiedLabel(std::size_t unknowns, double ready, double due, const Charger& charger) : x_(unknowns, due) {
        const std::size_t width = x_.width();
        row_.assign(width, 0.0);
        row_[0] = -ready, row_[1] = 1.0;
        x_.demand(row_.data());
        row_[0] = 0.0;
        early_.add(row_);
        row_[0] = -charger.full;
        empty_.add(row_);
        row_[0] = charger.full, row_[1] = 0.0;
        most_.add(row_);
    }

    [[nodiscard]] const TiedDomain& domain() const { return x_; }
    [[nodiscard]] const Affines& early() const { return early_; }

    // Drive without charging; false where the battery does not hold out.
    bool drive(double length, double seconds, double energy) {
        go(length, seconds, energy);
        most_.shift(-energy, x_.width());
        return demandAll(most_, 1.0, 0.0, -1);
    }

    // Drive to a charger, where the way to the first one of them needs so much.
    bool arrive(double length, double seconds, double energy, double need) {
        if (!demandAll(most_, 1.0, -need, -1)) return false;
        go(length, seconds, energy);
        return true;
    }

    // Take a break at a charger, before leaving it.
    bool rest(double opens, double closes, double lasts) {
        if (!demandAll(early_, -1.0, closes, -1)) return false;
        raiseTo(early_, opens);
        early_.shift(lasts, x_.width());
        ++rests;
        return true;
    }

    // Leave a charger, after breaks there or without any.
    void charge(const Charger& charger, bool rested) {
        const std::size_t width = x_.width();
        if (charger.instant) {
            empty_ = early_;
            empty_.shift(-charger.full, width);
        } else {
            if (charger.fullOnly) raiseAll(early_, empty_, 1.0, charger.full, -1);
            if (charger.fullOnly || rested) raiseAll(empty_, early_, 1.0, -charger.full, -1);
        }
        most_.clear();
        row_.assign(width, 0.0);
        row_[0] = charger.full;
        most_.add(row_);
    }

    // Begin by a moment: a constant, plus an unknown unless that is -1.
    bool beginBy(double moment, std::int32_t unknown, const Charger& charger) {
        if (!demandAll(early_, -1.0, moment, unknown)) return false;
        if (!charger.instant) tightenAll(most_, empty_, -1.0, moment, unknown, -1.0);
        return true;
    }

    // Begin at a moment or later, and stay so long.
    void serve(double opens, double service) {
        bool waits = true;
        for (std::size_t k = 0; waits && k < early_.size(x_.width()); ++k)
            waits = x_.leastOf(early_.row(k, x_.width())) < opens;
        if (waits) {
            raiseAll(empty_, most_, -1.0, opens, -1);
            raiseTo(early_, opens);
        }
        early_.shift(service, x_.width());
        empty_.shift(service, x_.width());
    }

    // An unknown is now.
    bool name(std::int32_t unknown, const Charger& charger) {
        const Affines before = most_;
        if (!beginBy(0.0, unknown, charger)) return false;
        raiseAll(empty_, before, -1.0, 0.0, unknown);
        early_.clear();
        row_.assign(x_.width(), 0.0);
        row_[1 + static_cast<std::size_t>(unknown)] = 1.0;
        early_.add(row_);
        return true;
    }

    // At least as good in all but metres, whatever x; may say no where that is so.
    [[nodiscard]] bool covers(const TiedLabel& other) const {
        return rests >= other.rests && x_.contains(other.x_) && below(early_, other.early_, other.x_, 1.0) &&
               below(empty_, other.empty_, other.x_, 1.0) && below(most_, other.most_, other.x_, -1.0);
    }
    // At best, whatever else x is good for.
    [[nodiscard]] std::array<double, 3> virtues() const {
        return {-bound(early_, 1.0), -bound(empty_, 1.0), -bound(most_, -1.0)};
    }
    [[nodiscard]] double soonest() const { return bound(early_, 1.0); }

private:
    TiedDomain x_;
    Affines early_, empty_, most_;
    mutable std::vector<double> row_;

    void go(double length, double seconds, double energy) {
        metres += length;
        early_.shift(seconds, x_.width());
        empty_.shift(seconds + energy, x_.width());
        raiseAll(early_, empty_, 1.0, 0.0, -1);
    }

    // `sign` times a function, plus a constant and an unknown.
    const double* formed(const double* from, double sign, double constant, std::int32_t unknown) const {
        row_.resize(x_.width());
        for (std::size_t k = 0; k < row_.size(); ++k) row_[k] = sign * from[k];
        row_[0] += constant;
        if (unknown >= 0) row_[1 + static_cast<std::size_t>(unknown)] += 1.0;
        return row_.data();
    }

    bool demandAll(const Affines& of, double sign, double constant, std::int32_t unknown) {
        for (std::size_t k = 0; k < of.size(x_.width()); ++k)
            if (!x_.demand(formed(of.row(k, x_.width()), sign, constant, unknown))) return false;
        return true;
    }

    // Of functions whose greatest (sign 1) or least (sign -1) counts, add one, unless another is always beyond it.
    void tighten(Affines& to, const double* row, double sign) const {
        const std::size_t width = x_.width();
        if (double* const same = to.find(row, width)) {
            same[0] = sign > 0.0 ? std::max(same[0], row[0]) : std::min(same[0], row[0]);
            return;
        }
        thread_local std::vector<double> apart;
        for (std::size_t k = 0; k < to.size(width); ++k) {
            apart.assign(to.row(k, width), to.row(k, width) + width);
            for (std::size_t i = 0; i < width; ++i) apart[i] = sign * (apart[i] - row[i]);
            if (x_.leastOf(apart.data()) >= 0.0) return;
        }
        to.add({row, width});
    }
    void tightenAll(Affines& to, const Affines& from, double sign, double constant, std::int32_t unknown,
                    double side) const {
        for (std::size_t k = 0; k < from.size(x_.width()); ++k)
            tighten(to, formed(from.row(k, x_.width()), sign, constant, unknown), side);
    }
    void raiseAll(Affines& to, const Affines& from, double sign, double constant, std::int32_t unknown) const {
        tightenAll(to, from, sign, constant, unknown, 1.0);
    }
    void raiseTo(Affines& to, double constant) const {
        row_.assign(x_.width(), 0.0);
        row_[0] = constant;
        tighten(to, row_.data(), 1.0);
    }

    // Whether each function is below (sign 1) or above (-1) one of the others, over a domain.
    static bool below(const Affines& mine, const Affines& others, const TiedDomain& over, double sign) {
        const std::size_t width = over.width();
        thread_local std::vector<double> apart;
        for (std::size_t a = 0; a < mine.size(width); ++a) {
            bool found = false;
            for (std::size_t b = 0; !found && b < others.size(width); ++b) {
                apart.resize(width);
                for (std::size_t i = 0; i < width; ++i)
                    apart[i] = sign * (others.row(b, width)[i] - mine.row(a, width)[i]);
                found = over.leastOf(apart.data()) >= 0.0;
            }
            if (!found) return false;
        }
        return true;
    }

    // What the greatest of the functions (sign 1), or the least (-1) turned around, is at least.
    [[nodiscard]] double bound(const Affines& of, double sign) const {
        double found = -kForever;
        for (std::size_t k = 0; k < of.size(x_.width()); ++k) {
            const double* const row = of.row(k, x_.width());
            found = std::max(found, sign > 0.0 ? x_.leastOf(row) : -x_.mostOf(row));
        }
        return found;
    }
};

}  // namespace lastmile::routing
