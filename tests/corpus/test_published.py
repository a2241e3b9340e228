import json
import math

import pytest
from pydantic import ValidationError

from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.published import published_settings
from scratchlm.corpus.sources.config import SourceConfig


@pytest.fixture
def build(tmp_path):
    """A configuration whose files lie in a folder of some name, with some words."""

    def make(place: str, word: str = "zzyzx") -> CorpusConfig:
        folder = tmp_path / place
        folder.mkdir(exist_ok=True)
        for name, text in (
            ("bad.txt", f"{word}\n"),
            ("items.jsonl", '{"question": "who?"}\n'),
            ("weights.json", '{"a": 1}\n'),
        ):
            (folder / name).write_text(text)
        values = {
            "sources": [{"name": "a", "paths": [str(folder)], "priority": 2}],
            "filters": {"bad_words": {"lists": {"en": str(folder / "bad.txt")}}},
            "decontaminate": {"files": [str(folder)]},
            "mix": {"weight_file": str(folder / "weights.json")},
        }
        return CorpusConfig.model_validate(values)

    return make


def test_where_files_lie_is_not_told_and_what_they_hold_is(build):
    here, there = published_settings(build("here")), published_settings(build("there"))
    assert here == there
    assert "here" not in json.dumps(here)
    assert published_settings(build("there", "other words")) != here


def test_what_is_said_of_a_source_is_told_but_not_its_paths(build):
    (source,) = published_settings(build("here"))["sources"].items()
    assert source[0] == "a"
    assert source[1]["priority"] == 2
    assert "paths" not in source[1]


def test_a_limit_without_end_is_null_as_json_has_it():
    config = CorpusConfig.model_validate({"filters": {"preset": "fineweb2-de"}})
    assert config.filters.fineweb.max_short_line_ratio == math.inf
    settings = published_settings(config)
    assert settings["filters"]["fineweb"]["max_short_line_ratio"] is None
    json.dumps(settings, allow_nan=False)


@pytest.mark.parametrize("name", ["priority", "weight", "epochs"])
@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_what_is_compared_or_counted_with_is_a_number(name, value):
    with pytest.raises(ValidationError):
        SourceConfig.model_validate({name: value})
