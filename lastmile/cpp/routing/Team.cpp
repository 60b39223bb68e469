#include "routing/Team.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

namespace lastmile::routing {

namespace {

constexpr int32_t kAround = 100;   // neighbours among which a ruin finds its trips
constexpr int32_t kExchanges = 16;
constexpr std::chrono::milliseconds kPoll{200};
// Set partitioning is to take a small part of the time that the search took; it is slowest with a few long tours.
constexpr int64_t kForATour = 1000;  // iterations for each pooled tour
constexpr int64_t kToATour = 50;     // pooled tours for each one of the best plan

using Clock = std::chrono::steady_clock;

double since(Clock::time_point moment) { return std::chrono::duration<double>(Clock::now() - moment).count(); }

/// What a search tells while it runs.
struct Published {
    std::atomic<int64_t> iterations{0};
    std::atomic<Money> cost{kNever};
    std::atomic<int32_t> vehicles{0}, absent{0};
};

}  // namespace

Team::Team(const Problem& problem, uint64_t seed, int32_t threads, const Settings& settings)
    : problem(problem),
      mostPooled(settings.mostPooled),
      rules(problem),
      near(problem, std::max(settings.near, settings.moves), true),
      around(problem, kAround, false) {
    for (int32_t k = 0; k < threads; ++k)
        searches.push_back(std::make_unique<Search>(problem, rules, near, around, seed * 1'000'003 + k, settings));
}

void Team::start(std::span<const Tour> tours) {
    for (const auto& search : searches) search->start(tours);
}

size_t Team::leader() const {
    size_t best = 0;
    for (size_t k = 1; k < searches.size(); ++k)
        if (searches[k]->bestCost() < searches[best]->bestCost()) best = k;
    return best;
}

int64_t Team::iterations() const {
    int64_t sum = 0;
    for (const auto& search : searches) sum += search->iterations();
    return sum;
}

std::vector<Tour> Team::pooledTours() const {
    const int64_t most =
        std::min({mostPooled, iterations() / kForATour, kToATour * searches[leader()]->bestVehicles()});
    TourPool all(problem, static_cast<size_t>(most));
    for (const auto& search : searches) all.note(search->tourPool());
    return all.tours();
}

void Team::exchange() {
    if (searches.size() < 2) return;
    const Search& best = *searches[leader()];
    const std::vector<Tour> tours = best.bestTours();
    const Money cost = best.bestCost();
    for (const auto& search : searches)
        if (search.get() != &best) search->adopt(tours, cost);
}

Team::Ending Team::run(const Budget& budget, const std::function<bool(const Progress&)>& poll) {
    const auto started = Clock::now();
    std::vector<Published> published(searches.size());
    std::atomic<bool> stop{false}, late{false};
    bool interrupted = false;
    const auto count = static_cast<int64_t>(searches.size());
    const int64_t first = searches[0]->iterations();
    const int64_t each = budget.iterations > 0 ? (budget.iterations + count - 1) / count : 0;

    const auto report = [&] {
        Progress progress{.seconds = since(started), .cost = kNever};
        for (const Published& one : published) {
            progress.iterations += one.iterations;
            if (one.cost < progress.cost) {
                progress.cost = one.cost;
                progress.vehicles = one.vehicles;
                progress.absent = one.absent;
            }
        }
        return poll(progress);
    };

    for (int32_t part = 1; part <= kExchanges && !stop; ++part) {
        const double until = static_cast<double>(part) / kExchanges;
        const int64_t last = each > 0 ? first + each * part / kExchanges : std::numeric_limits<int64_t>::max();
        std::mutex mutex;
        std::condition_variable done;
        int64_t running = count;
        std::exception_ptr failure;
        std::vector<std::thread> threads;
        for (size_t k = 0; k < searches.size(); ++k) {
            threads.emplace_back([&, k] {
                Search& search = *searches[k];
                Published& mine = published[k];
                const auto share = [&](int64_t iteration) {
                    mine.iterations = iteration - first;
                    mine.vehicles = search.bestVehicles();
                    mine.absent = search.bestAbsent();
                    mine.cost = search.bestCost();
                    const double clock = budget.seconds > 0 ? since(started) / budget.seconds : 0;
                    if (clock >= 1) late = true;
                    if (each > 0)
                        return late ? 1.0 : static_cast<double>(iteration - first) / static_cast<double>(each);
                    return clock >= until ? 1.0 : clock;
                };
                try {
                    search.run(last, share, stop);
                } catch (...) {
                    const std::lock_guard lock(mutex);
                    failure = std::current_exception();
                }
                const std::lock_guard lock(mutex);
                --running;
                done.notify_one();
            });
        }
        {
            std::unique_lock lock(mutex);
            while (!done.wait_for(lock, kPoll, [&] { return running == 0; })) {
                lock.unlock();
                if (!interrupted && !report()) {
                    interrupted = true;
                    stop = true;
                }
                lock.lock();
            }
        }
        for (std::thread& thread : threads) thread.join();
        if (failure) std::rethrow_exception(failure);
        if (late) stop = true;
        exchange();
        if (!interrupted && !report()) {
            interrupted = true;
            stop = true;
        }
    }
    if (!interrupted) searches[leader()]->finish();
    return interrupted ? Ending::interrupted : late ? Ending::time : each > 0 ? Ending::iterations : Ending::time;
}

}  // namespace lastmile::routing
