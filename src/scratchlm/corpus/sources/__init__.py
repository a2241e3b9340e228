"""Sources: from what a person names to pieces of files, and from those to documents.

`plan_inputs` finds, fetches and fingerprints; `read_shard` reads what it planned.
"""
