"""What a user takes away: files of plans, recorded traces, frontiers of coverage and joint delivery; map and report."""

from lastmile.output.folder import (
    FRONTIER,
    JOINT,
    PLAN,
    TRACES,
    check_target,
    map_page,
    report_page,
    write_frontier,
    write_joint,
    write_outputs,
    write_study,
    write_text,
)

__all__ = [
    "FRONTIER",
    "JOINT",
    "PLAN",
    "TRACES",
    "check_target",
    "map_page",
    "report_page",
    "write_frontier",
    "write_joint",
    "write_outputs",
    "write_study",
    "write_text",
]
