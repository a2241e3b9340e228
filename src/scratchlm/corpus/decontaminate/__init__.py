"""Decontamination: evaluation items are found in the text, item by item, and cut.

`item_files` and `item_fields` read items from evaluation files, `grams` and
`item_index` make them searchable, `matching` finds and verifies them, `judge` decides
what counts, `steps` are the rounds of the step.
"""
