"""Tables that users give: what columns they must have, and one reader for all of them."""

from lastmile.tables.cells import Column
from lastmile.tables.reader import Table, TableSchema, describe_schema, read_table

__all__ = ["Column", "Table", "TableSchema", "describe_schema", "read_table"]
