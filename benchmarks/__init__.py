"""Measurements against public instances and peers; not part of the installed package."""
