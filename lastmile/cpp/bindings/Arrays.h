// numpy arrays in and out of the core without copying.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace lastmile::bindings {

template <typename T>
using Array = pybind11::array_t<T, pybind11::array::c_style>;

template <typename T>
std::span<const T> view(const Array<T>& array) {
    if (array.ndim() != 1) {
        throw std::invalid_argument("a one-dimensional array is needed");
    }
    return {array.data(), static_cast<std::size_t>(array.size())};
}

// Hands a vector's memory to numpy without copying.
template <typename T>
pybind11::array_t<T> give(std::vector<T>&& values, std::vector<pybind11::ssize_t> shape = {}) {
    auto owner = std::make_unique<std::vector<T>>(std::move(values));
    if (shape.empty()) {
        shape.push_back(static_cast<pybind11::ssize_t>(owner->size()));
    }
    const T* data = owner->data();
    pybind11::capsule free(owner.release(), [](void* pointer) { delete static_cast<std::vector<T>*>(pointer); });
    return pybind11::array_t<T>(shape, data, free);
}

// The same for memory that a plain pointer owns.
template <typename T>
pybind11::array_t<T> give(std::unique_ptr<T[]>&& values, std::vector<pybind11::ssize_t> shape) {
    const T* data = values.get();
    pybind11::capsule free(values.release(), [](void* pointer) { delete[] static_cast<T*>(pointer); });
    return pybind11::array_t<T>(shape, data, free);
}

}  // namespace lastmile::bindings
