"""What a user takes away: the files, map and report of a plan; the files and map of recorded traces."""

from lastmile.output.folder import (
    PLAN,
    TRACES,
    check_target,
    map_page,
    report_page,
    write_outputs,
    write_study,
    write_text,
)

__all__ = [
    "PLAN",
    "TRACES",
    "check_target",
    "map_page",
    "report_page",
    "write_outputs",
    "write_study",
    "write_text",
]
