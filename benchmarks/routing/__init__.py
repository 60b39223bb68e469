"""Public routing instances: readers, a checker of its own, and lastmile beside its peers."""
