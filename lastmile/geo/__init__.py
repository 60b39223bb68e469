"""Everything that has a longitude: maps, roads, rules, demand and candidate places."""
