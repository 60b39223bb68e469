// Protobuf messages field by field; nothing is read past its end, whatever the bytes say.
//
// Encoding: https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lastmile::osm {

[[nodiscard]] inline std::int64_t zigzag(std::uint64_t value) {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

// Numbers of variable length, one after another.
class Varints {
public:
    explicit Varints(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    [[nodiscard]] bool done() const { return at_ == end_; }

    // Throws std::invalid_argument where the number is cut off or has more than ten bytes.
    std::uint64_t next() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (at_ == end_) {
                throw std::invalid_argument("a number is cut off");
            }
            const auto byte = static_cast<unsigned char>(*at_++);
            value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) {
                return value;
            }
        }
        throw std::invalid_argument("a number is too long");
    }

    std::int64_t nextSigned() { return zigzag(next()); }

    // The next `size` bytes as they are; throws std::invalid_argument where there are fewer.
    std::string_view take(std::uint64_t size) {
        if (size > static_cast<std::uint64_t>(end_ - at_)) {
            throw std::invalid_argument("a field is longer than what holds it");
        }
        const std::string_view bytes(at_, static_cast<std::size_t>(size));
        at_ += size;
        return bytes;
    }

private:
    const char* at_;
    const char* end_;
};

// Running sum of signed differences; hostile ones wrap around.
class Deltas {
public:
    explicit Deltas(std::string_view bytes) : steps_(bytes) {}

    [[nodiscard]] bool done() const { return steps_.done(); }
    std::int64_t next() {
        sum_ += static_cast<std::uint64_t>(steps_.nextSigned());
        return static_cast<std::int64_t>(sum_);
    }

private:
    Varints steps_;
    std::uint64_t sum_ = 0;
};

// The fields of a message in the order in which they stand. All methods throw std::invalid_argument on what is no
// message, and on a field that is not of the kind asked for.
class Fields {
public:
    explicit Fields(std::string_view message) : rest_(message) {}

    bool next() {
        if (rest_.done()) {
            return false;
        }
        const std::uint64_t key = rest_.next();
        number_ = key >> 3;
        kind_ = key & 7;
        if (number_ == 0 || number_ > kLargestNumber) {
            throw std::invalid_argument("a field has the number " + std::to_string(number_));
        }
        switch (kind_) {
            case kVarint:
                scalar_ = rest_.next();
                break;
            case kFixed64:
                bytes_ = rest_.take(8);
                break;
            case kBytes:
                bytes_ = rest_.take(rest_.next());
                break;
            case kFixed32:
                bytes_ = rest_.take(4);
                break;
            default:
                throw std::invalid_argument("field " + std::to_string(number_) + " is of no known kind");
        }
        return true;
    }

    [[nodiscard]] std::uint64_t number() const { return number_; }

    [[nodiscard]] std::uint64_t scalar() const {
        check(kVarint);
        return scalar_;
    }
    [[nodiscard]] std::int64_t integer() const { return static_cast<std::int64_t>(scalar()); }
    [[nodiscard]] std::int64_t signedInteger() const { return zigzag(scalar()); }
    [[nodiscard]] std::string_view bytes() const {
        check(kBytes);
        return bytes_;
    }

    // For a packed list. The format allows it in several pieces; no program writes it so, and a piece must not be lost.
    void once(std::string_view& list) const {
        const std::string_view found = bytes();
        if (list.data() != nullptr) {
            throw std::invalid_argument("field " + std::to_string(number_) + " occurs twice");
        }
        list = found;
    }

private:
    static constexpr std::uint64_t kVarint = 0;
    static constexpr std::uint64_t kFixed64 = 1;
    static constexpr std::uint64_t kBytes = 2;
    static constexpr std::uint64_t kFixed32 = 5;
    static constexpr std::uint64_t kLargestNumber = (1U << 29) - 1;

    void check(std::uint64_t kind) const {
        if (kind_ != kind) {
            throw std::invalid_argument("field " + std::to_string(number_) + " is of the wrong kind");
        }
    }

    Varints rest_;
    std::uint64_t number_ = 0;
    std::uint64_t kind_ = 0;
    std::uint64_t scalar_ = 0;
    std::string_view bytes_;
};

}  // namespace lastmile::osm
