"""Readers: from the bytes of one file to the texts that stand in it.

`expand` undoes compression, `archives` opens zip and tar, `kinds` says what a file
is, `tabular`, `json_rows`, `parquet` and `html` read it. Whatever gives no text
raises `UnreadableError` with a reason, and the collection goes on.
"""
