#include "Parallel.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace lastmile::roads {

void parallel(std::size_t count, int threads, const std::function<void(std::size_t, std::size_t)>& work) {
    const std::size_t workers = std::clamp<std::size_t>(threads > 0 ? static_cast<std::size_t>(threads) : 1, 1,
                                                        std::max<std::size_t>(count, 1));
    if (workers == 1) {
        work(0, count);
        return;
    }
    std::exception_ptr failure;
    std::mutex guard;
    std::vector<std::jthread> pool;  // joins when it dies, also where starting a thread throws
    for (std::size_t i = 0; i < workers; ++i) {
        pool.emplace_back([&, i] {
            try {
                work(count * i / workers, count * (i + 1) / workers);
            } catch (...) {
                const std::lock_guard lock(guard);
                failure = std::current_exception();
            }
        });
    }
    pool.clear();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace lastmile::roads
