"""Siting on public instances: p-median and capacitated facility location, as OR-Library has them."""
