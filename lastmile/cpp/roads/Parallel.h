// Threads over a range of independent pieces of work.
#pragma once

#include <cstddef>
#include <functional>

namespace lastmile::roads {

// Runs work(first, last) on `threads` threads over [0, count); the first exception is thrown again.
void parallel(std::size_t count, int threads, const std::function<void(std::size_t, std::size_t)>& work);

}  // namespace lastmile::roads
