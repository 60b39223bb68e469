"""Programs that are measured whole, each in a process of its own; each prints its figures as one line of JSON."""
