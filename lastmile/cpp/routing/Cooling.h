// How hot the annealing is as its budget is used up.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace lastmile::routing {

/// One cooling or, where the budget is for many, a few, each from the top, and then reheatings of the best plan: a
/// cooling that is many times slower than enough ends by chance in a good or in a bad one of the same few valleys. What
/// is left of the budget does more for the best of several. Iterated as in Lourenco, Martin & Stutzle (2003),
/// doi:10.1007/0-306-48056-5_11.
class Cooling {
public:
    /// `enough`: iterations of a cooling, above which slower ones gain little.
    explicit Cooling(double enough) : enough(enough) {}

    /// Goes on to where this share of the budget is used, after so many iterations. Whether a reheating begins: the
    /// search is to go back to its best plan.
    bool advance(double used, int64_t iteration) {
        if (round == 0) {
            // Of a budget of time it shows only on the way how many iterations it holds. It is settled early, once: a
            // search whose speed wavers would else change its mind again and again.
            if (used < kSettled && iteration > 0) {
                each = std::max(kLeast, enough * used / static_cast<double>(iteration));
                if (each > kMost) each = 1;
            }
            const double first = each * std::max(1.0, std::floor(kFirst / each));
            if (used < first || each == 1) {
                at_ = used / each - std::floor(used / each);
                return false;
            }
            begun = first;
            length = (1 - first) / std::max(1.0, std::round((1 - first) / (each * (1 - kWarm))));
        }
        const double passed = (used - begun) / length;
        at_ = kWarm + (1 - kWarm) * (passed - std::floor(passed));
        const auto now = 1 + static_cast<int32_t>(passed);
        return std::exchange(round, now) != now;
    }
    /// From 0, hottest, to 1, coldest.
    double at() const { return at_; }
    /// Whether the budget is for more than one cooling.
    bool several() const { return each < 1; }

private:
    static constexpr double kLeast = 0.13, kMost = 0.5;  // shares of the budget, for a cooling from the top
    static constexpr double kFirst = 0.4;                // for all of them, but for one that is longer
    static constexpr double kWarm = 0.4;                 // where reheatings begin
    static constexpr double kSettled = 0.03;             // share of the budget after which `each` stays

    double enough;
    double each = 1;               // share of the budget, for a cooling from the top
    double begun = 0, length = 1;  // share used when reheatings began, and of each of them
    double at_ = 0;
    int32_t round = 0;  // 0: still from the top
};

}  // namespace lastmile::routing
