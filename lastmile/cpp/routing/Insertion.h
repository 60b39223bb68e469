#pragma once

#include <cstdint>
#include <vector>

#include "common/Random.h"
#include "routing/Neighbours.h"
#include "routing/Plan.h"

namespace lastmile::routing {

/// How a new vehicle is weighed: against every place in a trip, at all that it costs or at the share of its cost that
/// the request would bear were it full; or, at that share, only where no place will do. The share is what a vehicle
/// for many requests at once looks like to the first of them: without it large vehicles, and any at all where requests
/// may be left out, would seldom begin.
enum class Openings { whole, shared, last };

/// Puts requests back into a plan, each at its cheapest place, but for places passed over at random ("blinks").
///
/// Only trips with visits that are near are tried, long ones only beside these visits and the depots; where none of
/// these will do some farther ones are, and all others where no new vehicle will do either: looking through all is what
/// would make an iteration slower in larger problems.
class Insertion {
public:
    Insertion(Plan& plan, const Neighbours& neighbours, Random& random, int32_t near, double blink);

    /// Whether the request was served.
    bool insert(int32_t request, Openings openings);
    /// Whether some vehicle could serve it, had it nothing else to do; of a pair it is not known.
    bool servable(int32_t request) const;

private:
    struct Choice {
        Money delta = kNever;
        int32_t visit = -1;
        int32_t after = -1;  // -1: a trip of its own
        int32_t type = -1;   // that the trip changes to
        Opening opening{};
        int32_t end = -1;  // of a pair: the second visit goes behind this stop, or behind the first if that is `after`
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
    std::vector<int64_t> wholeAt;   // by trip: stamp, once all of its places are tested
    std::vector<Money> surcharge;   // by trip: of changing its type so that the visit fits; kNever: it may not join
    std::vector<int32_t> becomes;   // by trip: that type, -1 as it is
    std::vector<Candidate> candidates;
    std::vector<int32_t> middle;
    int64_t stamp = 0;
    int32_t untilBlink = 0;

    bool blinks();
    double share(size_t type, int32_t visit) const;
    void consider(int32_t visit, Openings openings, Choice& choice);
    void considerTrip(int32_t trip, int32_t visit);
    bool promises(int32_t trip, const Choice& choice) const;
    void test(int32_t after, int32_t visit, Choice& choice);
    void testOnce(int32_t after, int32_t visit, Choice& choice);
    bool testAll(int32_t trip, int32_t visit, Choice& choice);
    void decide(Choice& choice);
    template <typename Use>
    void forFarther(int32_t visit, Use use) const;
    void considerFarther(int32_t visit, Choice& choice);
    void considerEverywhere(int32_t visit, Choice& choice);
    void considerOpenings(int32_t visit, Openings openings, Choice& choice);
    void considerPair(int32_t request, Openings openings, Choice& choice);
    template <typename Use>
    void forFurtherTrips(Use use) const;
    void considerPairIn(int32_t trip, int32_t lead, int32_t follow, Choice& choice);
    void place(const Choice& choice, int32_t request);
};

}  // namespace lastmile::routing
