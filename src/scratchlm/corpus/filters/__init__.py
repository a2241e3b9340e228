"""Filters: which documents are worth reading, by the published heuristics."""
