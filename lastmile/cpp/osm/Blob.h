// The frame of an OpenStreetMap PBF file: a header, then blocks of data, each on its own and mostly compressed.
//
// Format: https://wiki.openstreetmap.org/wiki/PBF_Format. All functions throw std::invalid_argument on what is none.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace lastmile::osm {

inline constexpr std::uint64_t kLargestBlob = 32U << 20U;  // bytes, packed or not: the format's own limit

// Stands before a blob.
struct BlobHeader {
    std::string_view type;
    std::uint64_t size = 0;  // of the blob, bytes
};

struct Blob {
    std::string_view compression;
    std::string_view data;
    std::uint64_t rawSize = 0;  // of the data when unpacked, bytes
};

// What the file says about itself.
struct FileHeader {
    std::vector<std::string_view> required;  // features without which it must not be read
    std::string_view generator;
};

[[nodiscard]] BlobHeader readBlobHeader(std::string_view message);
[[nodiscard]] Blob readBlob(std::string_view message);
[[nodiscard]] FileHeader readFileHeader(std::string_view message);

}  // namespace lastmile::osm
