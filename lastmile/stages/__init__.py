"""The stages between a scenario and its plan; each takes values and returns new ones."""
