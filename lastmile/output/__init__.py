"""What a user takes away: a plan's files, its map and its report; all made from the plan and its indicators."""

from lastmile.output.folder import check_target, map_page, report_page, write_outputs, write_text

__all__ = ["check_target", "map_page", "report_page", "write_outputs", "write_text"]
