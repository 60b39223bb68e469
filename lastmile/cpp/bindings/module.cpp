// The compiled module: one function per room; none has logic of its own.
#include "Bindings.h"

PYBIND11_MODULE(_core, module) {
    module.doc() = "Compiled core of lastmile.";
    lastmile::bindings::bindOsm(module);
    lastmile::bindings::bindRoads(module);
    lastmile::bindings::bindRouting(module);
    lastmile::bindings::bindSiting(module);
    lastmile::bindings::bindMatching(module);
    lastmile::bindings::bindCharging(module);
}
