"""How a corpus is built from shards: tasks, decisions, rounds, on one machine or many.

Text is written once, after the rules that need one document only. What needs all of
them (duplicates, contamination) writes *decisions* beside it: this row goes, these
bytes are cut. Each later step sees the text with all earlier decisions applied.
"""
