#include "Blob.h"

#include <stdexcept>
#include <string>

#include "Protobuf.h"

namespace lastmile::osm {

namespace {

void checkSize(std::uint64_t size) {
    if (size > kLargestBlob) {
        throw std::invalid_argument("its size is said to be " + std::to_string(size) + " bytes, more than the " +
                                    std::to_string(kLargestBlob) + " of the format");
    }
}

}  // namespace

BlobHeader readBlobHeader(std::string_view message) {
    BlobHeader header;
    bool sized = false;
    for (Fields fields(message); fields.next();) {
        switch (fields.number()) {
            case 1:
                header.type = fields.bytes();
                break;
            case 3:
                header.size = fields.scalar();
                sized = true;
                break;
            default:
                break;
        }
    }
    if (header.type.empty() || !sized) {
        throw std::invalid_argument("it has no type or no size");
    }
    checkSize(header.size);
    return header;
}

Blob readBlob(std::string_view message) {
    Blob blob;
    bool sized = false;
    const auto holds = [&](std::string_view compression, const Fields& fields) {
        if (!blob.compression.empty()) {
            throw std::invalid_argument("it holds data twice");
        }
        blob.compression = compression;
        blob.data = fields.bytes();
    };
    for (Fields fields(message); fields.next();) {
        switch (fields.number()) {
            case 1:
                holds("none", fields);
                break;
            case 2:
                blob.rawSize = fields.scalar();
                sized = true;
                break;
            case 3:
                holds("zlib", fields);
                break;
            case 4:
                holds("lzma", fields);
                break;
            case 5:
                holds("bzip2", fields);
                break;
            case 6:
                holds("lz4", fields);
                break;
            case 7:
                holds("zstd", fields);
                break;
            default:
                break;
        }
    }
    if (blob.compression.empty()) {
        throw std::invalid_argument("it holds no data");
    }
    if (blob.compression == "none") {
        blob.rawSize = blob.data.size();
    } else if (!sized) {
        throw std::invalid_argument("the size of its data is missing");
    }
    checkSize(blob.rawSize);
    return blob;
}

FileHeader readFileHeader(std::string_view message) {
    FileHeader header;
    for (Fields fields(message); fields.next();) {
        switch (fields.number()) {
            case 4:
                header.required.push_back(fields.bytes());
                break;
            case 16:
                header.generator = fields.bytes();
                break;
            default:
                break;
        }
    }
    return header;
}

}  // namespace lastmile::osm
