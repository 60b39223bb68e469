"""Everything that has only indices and numbers."""
