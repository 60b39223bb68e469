"""The compiled core; everything else about the package is in setup.cfg.

Set LASTMILE_BUILD=strict for warnings as errors, LASTMILE_BUILD=sanitize for a debug build with address and
undefined-behaviour sanitizers.
"""

import os
from glob import glob

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup

ParallelCompile("NPY_NUM_BUILD_JOBS").install()

FLAGS = {
    "": ["-O3"],
    "strict": ["-O3", "-Wall", "-Wextra", "-Werror"],
    "sanitize": ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-UNDEBUG"],
}
build = os.environ.get("LASTMILE_BUILD", "")
if build not in FLAGS:
    raise SystemExit(f"LASTMILE_BUILD={build!r} is none of {', '.join(filter(None, FLAGS))}")

setup(
    ext_modules=[
        Pybind11Extension(
            "lastmile._core",
            sorted(glob("lastmile/cpp/**/*.cpp", recursive=True)),  # noqa: PTH207
            include_dirs=["lastmile/cpp"],
            cxx_std=20,
            extra_compile_args=FLAGS[build],
            extra_link_args=["-fsanitize=address,undefined"] if build == "sanitize" else [],
        )
    ]
)
