"""Shortest distances of lastmile beside osmnx's on the same map: every difference found, explained and tried out."""
