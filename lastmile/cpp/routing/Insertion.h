#pragma once

#include <cstdint>
#include <vector>

#include "routing/Neighbours.h"
#include "routing/Plan.h"
#include "routing/Random.h"

namespace lastmile::routing {

/// Puts requests back into a plan, each at its cheapest place, but for places passed over at random ("blinks").
///
/// Only places beside visits that are near, and beside depots, are tried; all others when none of these will do.
class Insertion {
public:
    Insertion(Plan& plan, const Neighbours& neighbours, Random& random, int32_t near, double blink);

    /// Whether the request was served. With `openFreely` a new vehicle is weighed against every place, else it is used
    /// where there is no place.
    bool insert(int32_t request, bool openFreely);

private:
    struct Choice {
        Money delta = kNever;
        int32_t visit = -1;
        int32_t after = -1;  // -1: a trip of its own
        int32_t type = -1;   // that the trip changes to
        Opening opening{};
        int32_t end = -1;  // of a pair: the second visit goes behind this stop, behind the first one where it is `after`
    };
    struct Candidate {
        Money bound;
        int32_t visit, after;
    };

    Plan& plan;
    const Problem& problem;
    const Neighbours& neighbours;
    Random& random;
    const int32_t near;
    const double blink;
    std::vector<Money> newVehicle;  // (types, visits): cost with one visit
    std::vector<int64_t> triedAt;   // by stop: stamp
    std::vector<int64_t> seenAt;    // by trip: stamp
    std::vector<Money> surcharge;   // by trip: of changing its type so that the visit fits; kNever: it may not join
    std::vector<int32_t> becomes;   // by trip: that type, -1 as it is
    std::vector<Candidate> candidates;
    std::vector<int32_t> middle;
    int64_t stamp = 0;
    int32_t untilBlink = 0;

    bool blinks();
    void consider(int32_t visit, bool openFreely, Choice& choice);
    void considerTrip(int32_t trip, int32_t visit);
    void test(int32_t after, int32_t visit, Choice& choice);
    void decide(Choice& choice);
    void considerOpenings(int32_t visit, Choice& choice);
    void considerPair(int32_t request, bool openFreely, Choice& choice);
    void considerPairIn(int32_t trip, int32_t lead, int32_t follow, Choice& choice);
    void place(const Choice& choice, int32_t request);
};

}  // namespace lastmile::routing
