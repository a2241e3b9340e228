from dataclasses import replace

from scratchlm.corpus.sources.located import Located


def test_two_finds_of_one_version_are_equal_and_of_two_versions_not():
    file = Located("a", "/x/a", 5, (1, 2))
    assert file == Located("a", "/x/a", 5, (1, 2))
    assert len({file, replace(file, version=(3, 2)), replace(file, token="t")}) == 3
