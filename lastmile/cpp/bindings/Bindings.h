// What each room of the core shows to Python.
#pragma once

#include <pybind11/pybind11.h>

namespace lastmile::bindings {

void bindCharging(pybind11::module_& module);
void bindOsm(pybind11::module_& module);
void bindMatching(pybind11::module_& module);
void bindRoads(pybind11::module_& module);
void bindRouting(pybind11::module_& module);
void bindSiting(pybind11::module_& module);

}  // namespace lastmile::bindings
