import pytest
from pydantic import ValidationError

from scratchlm.corpus.config import CorpusConfig

FILTERS = {"preset": "gopher", "languages": ["en"]}


def test_filters_for_some_languages_need_somebody_who_tells_languages():
    """Without anybody all documents would pass unjudged, and no word said."""
    with pytest.raises(ValidationError, match=r"language\.identify"):
        CorpusConfig.model_validate({"filters": FILTERS})
    for told in (
        {"language": {"identify": True}},
        {"language": {"allow": ["en", "de"]}},
        {"sources": [{"name": "a", "paths": ["a"], "language": "en"}]},
    ):
        assert CorpusConfig.model_validate({"filters": FILTERS, **told})


def test_sources_are_named_in_one_way():
    with pytest.raises(ValidationError, match="either paths or sources"):
        CorpusConfig.model_validate({"paths": ["a"], "sources": [{"paths": ["b"]}]})
