// Random routing problems, whatever they mean, through the whole search: nothing may crash, and every plan must be one
// that can be driven again and that no search from it makes worse.
//
// With libFuzzer: clang++ -fsanitize=fuzzer,address,undefined -std=c++20 -Ilastmile/cpp tests/fuzz/routing.cpp
// lastmile/cpp/routing/*.cpp. Without it, define STANDALONE: the program then takes how many problems to make and the
// seed of their bytes.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "routing/Plan.h"
#include "routing/Problem.h"
#include "routing/Rules.h"
#include "routing/Team.h"

using namespace lastmile::routing;

namespace {

/// Choices from bytes; where these end, always the first.
class Choices {
public:
    Choices(const uint8_t* data, size_t size) : at(data), end(data + size) {}

    int32_t below(int32_t limit) {
        if (limit <= 1 || at == end) return 0;
        uint32_t value = *at++;
        if (limit > 256 && at != end) value |= static_cast<uint32_t>(*at++) << 8;
        return static_cast<int32_t>(value % static_cast<uint32_t>(limit));
    }
    bool one(int32_t in) { return below(in) == 1; }

private:
    const uint8_t *at, *end;
};

constexpr Seconds kDay = 400;

/// What the checks in Python let through; the tables live as long as `tables`.
Problem problemOf(Choices& choose, std::vector<std::vector<int32_t>>& tables) {
    Problem problem;
    const int32_t n = 2 + choose.below(7);
    problem.locations = n;
    const int32_t profiles = 1 + choose.below(2);
    tables.resize(3 * profiles);
    for (int32_t p = 0; p < profiles; ++p) {
        auto &seconds = tables[3 * p], &metres = tables[3 * p + 1], &energy = tables[3 * p + 2];
        for (int32_t cell = 0; cell < n * n; ++cell) {
            const bool own = cell % (n + 1) == 0;
            const int32_t far = choose.below(60);
            metres.push_back(own ? 0 : far);
            energy.push_back(own ? 0 : choose.below(30));
            seconds.push_back(own ? 0 : choose.one(12) ? kUnreachable : choose.one(3) ? choose.below(60) : far);
        }
        problem.profiles.push_back({seconds.data(), metres.data(), choose.one(4) ? energy.data() : nullptr});
    }
    problem.dimensions = 1 + choose.below(2);
    for (int32_t k = choose.below(3); k > 0; --k) problem.poolSize.push_back(choose.below(4));
    if (choose.one(3)) problem.chargers.assign(1 + choose.below(2), choose.below(n));
    const auto window = [&](Seconds from) -> Window {
        const Seconds open = from + choose.below(kDay / 2);
        return {open, open + choose.below(kDay / 2)};
    };
    for (int32_t t = 1 + choose.below(3); t > 0; --t) {
        VehicleType type{};
        type.count = choose.below(4);
        type.start = choose.below(n);
        type.end = choose.one(4) ? -1 : choose.one(4) ? choose.below(n) : type.start;
        type.profile = choose.below(profiles);
        type.shiftStart = choose.below(50);
        type.shiftEnd = type.shiftStart + choose.below(kDay);
        type.overtime = choose.one(4) ? choose.below(60) : 0;
        type.fixed = choose.below(300);
        type.perMetre = choose.below(4);
        type.perSecond = choose.one(3) ? choose.below(4) : 0;
        type.perOvertimeSecond = choose.one(3) ? choose.below(4) : 0;
        type.maxDistance = choose.one(4) ? choose.below(300) : -1;
        type.maxDuration = choose.one(4) ? choose.below(kDay) : -1;
        type.maxOrders = choose.one(4) ? choose.below(5) : -1;
        type.maxTrips = 1;
        type.electric = choose.one(3);
        if (type.electric) {
            const double capacity = 20 + choose.below(200);
            type.battery = {capacity, choose.one(4) ? capacity / 5 : 0, choose.below(3) * 0.5, choose.below(2) * 0.01,
                            choose.below(3) * 0.5, choose.one(2)};
        }
        if (choose.one(3)) {
            type.maxTrips = 1 + choose.below(3);
            for (int32_t k = 1 + choose.below(2); type.maxTrips > 1 && k > 0; --k)
                type.reloads.push_back({choose.one(2) ? choose.below(n) : type.start, choose.below(20), window(0)});
        }
        if (choose.one(2)) {
            Seconds from = 0;
            for (int32_t k = 1 + choose.below(2); k > 0; --k) {
                Window rest = window(from);
                rest.close = std::max(rest.close, rest.open + 1);
                type.breaks.push_back({rest, 1 + choose.below(std::min(40, rest.close - rest.open))});
                from = rest.close;
            }
        }
        for (size_t pool = 0; pool < problem.poolSize.size(); ++pool)
            if (choose.one(3)) type.pools.push_back(static_cast<int32_t>(pool));
        problem.types.push_back(type);
        for (int d = 0; d < problem.dimensions; ++d) problem.capacity.push_back(choose.below(12));
    }
    const int32_t requests = 1 + choose.below(8);
    for (int32_t r = 0; r < requests; ++r) {
        Request request{};
        request.pair = choose.one(5);
        request.required = !choose.one(3);
        request.price = request.required ? -1 : choose.below(400);
        request.firstVisit = static_cast<int32_t>(problem.requestVisits.size());
        request.visitCount = request.pair ? 2 : 1 + (choose.one(3) ? choose.below(3) : 0);
        for (int32_t k = 0; k < request.visitCount; ++k) {
            const auto number = static_cast<int32_t>(problem.visits.size());
            Visit visit{};
            visit.location = choose.below(n);
            visit.request = r;
            visit.service = choose.below(20);
            visit.release = choose.one(4) ? choose.below(kDay / 2) : 0;
            visit.onBoard = choose.one(5) ? choose.below(kDay) : -1;
            visit.cost = choose.one(4) ? choose.below(50) : 0;
            if (request.pair) {
                visit.partner = k == 0 ? number + 1 : number - 1;
                visit.leads = k == 0;
            }
            visit.firstWindow = static_cast<int32_t>(problem.windows.size());
            visit.windowCount = choose.one(4) ? 2 : 1;
            problem.windows.push_back(choose.one(2) ? window(0) : Window{0, kTimeMax - 1});
            if (visit.windowCount > 1) {
                problem.windows.back().close = std::min(problem.windows.back().close, kDay);
                problem.windows.push_back(window(problem.windows.back().close + 1));
            }
            visit.open = problem.windows[visit.firstWindow].open;
            visit.close = problem.windows.back().close;
            problem.visits.push_back(visit);
            problem.requestVisits.push_back(number);
            for (int d = 0; d < problem.dimensions; ++d) {
                const size_t first = problem.gained.size() - problem.dimensions;
                problem.delivered.push_back(request.pair ? 0 : choose.below(5));
                problem.gained.push_back(request.pair && k == 1 ? -problem.gained[first] : choose.below(4));
            }
        }
        problem.requests.push_back(request);
    }
    for (size_t cell = 0; cell < problem.types.size() * problem.visits.size(); ++cell)
        problem.allowed.push_back(!choose.one(8));
    problem.complete();
    return problem;
}

void claim(bool holds, const char* words) {
    if (holds) return;
    std::fprintf(stderr, "%s\n", words);
    std::abort();
}

/// Cost of a plan that is driven again, stop by stop.
Money costOf(const Problem& problem, const std::vector<Tour>& tours) {
    const Rules rules(problem);
    Plan plan(problem, rules);
    for (const Tour& tour : tours) claim(plan.available(tour.type) && plan.drive(tour), "a tour breaks a rule");
    // What the search judges over a few ways to charge has a schedule over all of them.
    for (size_t t = 0; t < plan.trips.size(); ++t)
        if (plan.trips[t].before < 0)
            for (const Scheduled& trip : plan.schedules(static_cast<int32_t>(t)))
                claim(trip.outcome.feasible, "a trip has no schedule");
    return plan.cost;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Choices choose(data, size);
    const uint64_t seed = choose.below(1000);
    const int32_t threads = choose.one(8) ? 2 : 1;
    std::vector<std::vector<int32_t>> tables;
    try {
        Problem problem = problemOf(choose, tables);
        Settings settings = Settings::of(problem);
        settings.fewest = choose.one(3);
        const auto search = [&](const std::vector<Tour>& start) {
            Team team(problem, seed, threads, settings);
            team.start(start);
            team.run({.iterations = 150}, [](const Progress&) { return true; });
            return team.bestTours();
        };
        const std::vector<Tour> found = search({});
        const std::vector<Tour> further = search(found);
        claim(costOf(problem, further) <= costOf(problem, found), "a start was made worse");
    } catch (const std::invalid_argument&) {
        // Sums that could exceed 64 bits.
    }
    return 0;
}

#ifdef STANDALONE
int main(int count, char** words) {
    const long problems = count > 1 ? std::atol(words[1]) : 1000;
    uint64_t state = count > 2 ? std::strtoull(words[2], nullptr, 10) : 1;
    const auto next = [&] {  // splitmix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195)
        uint64_t z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    };
    std::vector<uint8_t> bytes;
    for (long k = 0; k < problems; ++k) {
        bytes.resize(next() % 1500);
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(next());
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    std::printf("%ld problems\n", problems);
}
#endif
