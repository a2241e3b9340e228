"""Mixing: how often each document is seen, and on which side of the split it stands.

`quotas` divide a budget among sources exactly, `select` takes documents up to a
quota, `split` holds out whole clusters of near-duplicates, `steps` are the rounds.
"""
