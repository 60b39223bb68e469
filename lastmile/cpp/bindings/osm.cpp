// The map file's decoder for Python: translation only.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "Arrays.h"
#include "Bindings.h"
#include "osm/Blob.h"
#include "osm/NodeReader.h"
#include "osm/WayReader.h"

namespace py = pybind11;
using lastmile::bindings::Array;
using lastmile::bindings::give;
using lastmile::bindings::view;
using lastmile::osm::Combinations;
using lastmile::osm::Filter;
using lastmile::osm::KeyUses;
using lastmile::osm::NodeReader;
using lastmile::osm::Tag;
using lastmile::osm::Texts;
using lastmile::osm::WayReader;

namespace {

py::str toPython(std::string_view text) { return {text.data(), text.size()}; }

py::tuple toPython(const Texts& texts) {
    py::tuple result(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        result[i] = toPython(std::string_view(texts[i]));
    }
    return result;
}

py::dict toPython(const std::vector<Tag>& tags, const py::tuple& texts) {
    py::dict result;
    for (const auto& [key, value] : tags) {
        result[texts[static_cast<std::size_t>(key)]] = texts[static_cast<std::size_t>(value)];
    }
    return result;
}

py::tuple toPython(const Combinations& combinations, const py::tuple& texts) {
    py::tuple result(combinations.size());
    for (std::size_t i = 0; i < combinations.size(); ++i) {
        result[i] = toPython(combinations[i], texts);
    }
    return result;
}

// id, tags, members as (role, kind, id).
py::tuple toPython(const std::vector<lastmile::osm::KeptRelation>& relations, const py::tuple& texts) {
    py::tuple result(relations.size());
    for (std::size_t i = 0; i < relations.size(); ++i) {
        const auto& relation = relations[i];
        py::tuple members(relation.members.size());
        for (std::size_t k = 0; k < relation.members.size(); ++k) {
            const auto& member = relation.members[k];
            members[k] = py::make_tuple(texts[static_cast<std::size_t>(member.role)],
                                        py::str(&member.kind, std::size_t{1}), member.ref);
        }
        result[i] = py::make_tuple(relation.id, toPython(relation.tags, texts), members);
    }
    return result;
}

}  // namespace

void lastmile::bindings::bindOsm(py::module_& module) {
    module.attr("MISSING_PLACE") = lastmile::osm::kMissing;

    module.def(
        "blob_header",
        [](std::string_view message) {
            const auto header = lastmile::osm::readBlobHeader(message);
            return py::make_tuple(py::bytes(header.type.data(), header.type.size()), header.size);
        },
        py::arg("message"));

    module.def(
        "blob",
        [](std::string_view message) {
            const auto blob = lastmile::osm::readBlob(message);
            return py::make_tuple(toPython(blob.compression), blob.data.data() - message.data(), blob.data.size(),
                                  blob.rawSize);
        },
        py::arg("message"));

    module.def(
        "file_header",
        [](std::string_view message) {
            const auto header = lastmile::osm::readFileHeader(message);
            py::list required;
            for (const std::string_view feature : header.required) {
                required.append(toPython(feature));
            }
            return py::make_tuple(required, toPython(header.generator));
        },
        py::arg("message"));

    module.def("holds_ways", &lastmile::osm::holdsWays, py::arg("block"), py::call_guard<py::gil_scoped_release>());

    py::class_<WayReader>(module, "WayReader", "First pass over a map: ways and relations.")
        .def(py::init([](const std::vector<Filter>& filters, const std::vector<std::string>& keys,
                         std::vector<std::string> suffixes, std::pair<std::string, std::string> relation,
                         bool history) {
                 return WayReader(KeyUses(filters, keys, std::move(suffixes)), std::move(relation), history);
             }),
             py::arg("filters"), py::arg("keys"), py::arg("suffixes"), py::arg("relation"), py::arg("history"))
        .def("read", &WayReader::read, py::arg("block"), py::call_guard<py::gil_scoped_release>())
        .def("finish", [](WayReader& self) {
            auto ways = self.finish();
            const py::tuple texts = toPython(ways.texts);
            py::dict result;
            result["offset"] = give(std::move(ways.offset));
            result["node"] = give(std::move(ways.node));
            result["x"] = give(std::move(ways.x));
            result["y"] = give(std::move(ways.y));
            result["way"] = give(std::move(ways.id));
            result["tags"] = give(std::move(ways.tags));
            result["combinations"] = toPython(ways.combinations, texts);
            result["name"] = give(std::move(ways.name));
            result["names"] = toPython(ways.names);
            result["relations"] = toPython(ways.relations, texts);
            result["repeated_ways"] = ways.repeated;
            return result;
        });

    py::class_<NodeReader>(module, "NodeReader", "Second pass over a map: places and tags of the ways' nodes.")
        .def(py::init([](const Array<std::int64_t>& references, const std::vector<std::string>& keys, bool history) {
                 const auto ids = view(references);
                 const py::gil_scoped_release unlocked;
                 return NodeReader(ids, KeyUses({}, keys, {}), history);
             }),
             py::arg("references"), py::arg("keys"), py::arg("history"))
        .def("read", &NodeReader::read, py::arg("block"), py::call_guard<py::gil_scoped_release>())
        .def(
            "places",
            [](const NodeReader& self, const Array<std::int64_t>& references) {
                auto [x, y] = self.places(view(references));
                return py::make_tuple(give(std::move(x)), give(std::move(y)));
            },
            py::arg("references"))
        .def("tagged", [](NodeReader& self) {
            auto nodes = self.tagged();
            auto combinations = toPython(nodes.combinations, toPython(nodes.texts));
            return py::make_tuple(give(std::move(nodes.id)), give(std::move(nodes.tags)), combinations);
        });
}
