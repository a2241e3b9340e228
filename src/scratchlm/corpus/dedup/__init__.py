"""Duplicates: found across the whole corpus by sorting keys, never by holding it.

`url`, `exact`, `paragraph`, `line` and `substring` are steps of rounds; `steps` puts
those that are switched on in order, `sorted_keys` is the sort that they stand on.
"""
