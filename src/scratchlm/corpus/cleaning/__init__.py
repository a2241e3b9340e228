"""Cleaning: what makes one document's text fit to learn from, and safe to keep.

Unicode and mojibake, language, licence, secrets, personal data: each a rule that looks
at one document only.
"""
