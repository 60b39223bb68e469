#pragma once

#include <cmath>
#include <cstdint>

namespace lastmile {

/// xoroshiro128+ of Blackman & Vigna (2018), doi:10.1145/3460772, seeded by splitmix64: the same numbers everywhere.
class Random {
public:
    explicit Random(uint64_t seed) {
        for (uint64_t& word : state) {
            seed += 0x9E3779B97F4A7C15ull;
            uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
            word = z ^ (z >> 31);
        }
    }

    uint64_t next() {
        const uint64_t a = state[0];
        uint64_t b = state[1];
        const uint64_t result = a + b;
        b ^= a;
        state[0] = rotated(a, 24) ^ b ^ (b << 16);
        state[1] = rotated(b, 37);
        return result;
    }

    /// Uniform in [0, 1).
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

    /// Uniform in 0..bound-1; the bias of the multiplication is below bound / 2^32.
    int32_t below(int32_t bound) { return static_cast<int32_t>(((next() >> 32) * static_cast<uint64_t>(bound)) >> 32); }

    /// Exponentially distributed with mean 1.
    double exponential() { return -std::log1p(-unit()); }

private:
    uint64_t state[2];
    static uint64_t rotated(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
};

}  // namespace lastmile
