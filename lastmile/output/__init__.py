"""What a user takes away: the files, map and report of a plan, of recorded traces, of a frontier of coverage."""

from lastmile.output.folder import (
    FRONTIER,
    PLAN,
    TRACES,
    check_target,
    map_page,
    report_page,
    write_frontier,
    write_outputs,
    write_study,
    write_text,
)

__all__ = [
    "FRONTIER",
    "PLAN",
    "TRACES",
    "check_target",
    "map_page",
    "report_page",
    "write_frontier",
    "write_outputs",
    "write_study",
    "write_text",
]
