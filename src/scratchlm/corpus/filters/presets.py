"""Published recipes: which filters they used, and with which thresholds.

`fineweb` is FineWeb's (Penedo et al. 2024): C4 without the rule on end marks.
`fineweb2-de` is FineWeb-2's for German (Penedo et al. 2025): rules on paragraphs and on
the characters of lines are off, so are short lines; no C4. Its language score of .821
and its deduplication belong to other steps.
"""

from collections.abc import Mapping
from math import inf
from typing import Any, Literal

Preset = Literal["gopher", "c4", "fineweb", "fineweb2-de"]

_ON = {"enabled": True}
_GERMAN = "der und die in von im den des mit das er dem als wurde für"

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "gopher": {"gopher_repetition": _ON, "gopher_quality": _ON},
    "c4": {"c4": _ON},
    "fineweb": {
        "gopher_repetition": _ON,
        "gopher_quality": _ON,
        "c4": {"enabled": True, "end_marks": False},
        "fineweb": _ON,
    },
    "fineweb2-de": {
        "gopher_repetition": {
            "enabled": True,
            "max_paragraph_ratio": inf,
            "max_paragraph_char_ratio": inf,
            "max_line_ratio": 0.263,
            "max_line_char_ratio": inf,
            "max_top_ratios": (0.169, 0.153, 0.137),
            "max_repeated_ratios": (0.141, 0.134, 0.126, 0.117, 0.108, 0.098),
        },
        "gopher_quality": {
            "enabled": True,
            "min_mean_word_chars": 0,
            "max_mean_word_chars": 15,
            "min_alphabetic_word_ratio": 0.774,
            "stop_words": tuple(_GERMAN.split()),
        },
        "fineweb": {
            "enabled": True,
            "min_end_mark_ratio": 0,
            "max_short_line_ratio": inf,
            "max_repeated_char_ratio": 0.1,
            "max_newline_ratio": 0.152,
        },
    },
}
"""For each preset the settings that differ from the defaults."""
