"""Laws of the filters as rules: each judges alone, and proves that it judges."""

import pickle

import pytest

from scratchlm.base.config import merge
from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import FilterConfig
from scratchlm.corpus.filters.presets import PRESETS
from scratchlm.corpus.filters.rules import build_filter_rules
from scratchlm.corpus.rule import Dropped

PROSE = """\
The harbour lay quiet when the first boats came home with the morning tide.
Two fishermen, who have known each other since school, carried a basket to the scales.
"That is a good catch," said the older one, and he wiped his hands on a cloth.
Nobody asked where the nets had been; it is a secret that families keep for years.
Behind the market a narrow street leads up to the church and its crooked tower.
Children ran along the wall until a bell called them back to their desks.
In winter the storms throw stones as large as loaves onto the road to the lighthouse.
Visitors rarely come then, but those who do will be remembered until spring.
"""
TEXTS = [
    PROSE,
    "short",
    "",
    "buy now " * 200,
    "\n".join(f"- item {n} of the list and more" for n in range(60)),
    PROSE.replace("\n", "\n\n") + "To be read in a browser with JavaScript.",
    "\x00" * 10,
    "\n" * 10,
    "half \ud800 " * 100,
]
DOCUMENTS = [Document(str(n), text, "s") for n, text in enumerate(TEXTS)]


def run(config, documents):
    """What the rules in series leave."""
    left = list(documents)
    for rule in build_filter_rules(config):
        left = [v for v in rule.apply(left) if not isinstance(v, Dropped)]
    return left


def everything(tmp_path):
    (tmp_path / "list").write_text("darn\n", encoding="utf-8")
    sections = [name for name, value in FilterConfig() if hasattr(value, "enabled")]
    values = {name: {"enabled": True} for name in sections}
    own = {"bad_words": {"lists": {"en": str(tmp_path / "list")}}}
    return FilterConfig(**merge(values, merge(own, {"lines": {"min_chars": 3}})))


def test_nothing_switched_on_is_no_rule():
    assert build_filter_rules(FilterConfig()) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_its_filters_in_order(preset):
    names = [rule.name for rule in build_filter_rules(FilterConfig(preset=preset))]
    assert names == list(PRESETS[preset])


def test_no_rule_passes_its_canary_unchanged(tmp_path, core):
    rules = build_filter_rules(everything(tmp_path))
    assert len(rules) == 7
    for rule in rules:
        [verdict] = rule.apply([rule.canary])
        assert isinstance(verdict, Dropped) or verdict.text != rule.canary.text


def test_prose_passes_all_and_the_rest_does_not(tmp_path, core):
    config = FilterConfig(preset="fineweb")
    assert [d.id for d in run(config, DOCUMENTS)] == ["0", "5"]


def test_a_verdict_does_not_depend_on_the_others(tmp_path):
    for rule in build_filter_rules(everything(tmp_path)):
        together = rule.apply(DOCUMENTS)
        assert together == [rule.apply([document])[0] for document in DOCUMENTS]
        assert together[::-1] == rule.apply(DOCUMENTS[::-1])


def test_the_core_changes_no_verdict(tmp_path, monkeypatch):
    from scratchlm import native

    rules = build_filter_rules(everything(tmp_path))
    with_it = [rule.apply(DOCUMENTS) for rule in rules]
    monkeypatch.setattr(native, "core", None)
    assert with_it == [rule.apply(DOCUMENTS) for rule in rules]


def test_filters_see_only_the_languages_that_are_named():
    config = FilterConfig(preset="gopher", languages=("en", "de"))
    rule, _ = build_filter_rules(config)
    german, french = (Document("d", "", "s", {"language": x}) for x in ("de", "fr"))
    assert isinstance(rule.apply([german])[0], Dropped)
    assert rule.apply([french, DOCUMENTS[2]]) == [french, DOCUMENTS[2]]
    assert isinstance(rule.apply([rule.canary])[0], Dropped)


def test_a_list_of_a_language_that_is_not_judged_has_no_canary(tmp_path):
    (tmp_path / "fr").write_text("zut\n", encoding="utf-8")
    words = {"enabled": True, "lists": {"fr": str(tmp_path / "fr")}}
    [rule] = build_filter_rules(FilterConfig(languages=("en",), bad_words=words))
    assert rule.canary is None


def test_rules_travel_to_other_processes(tmp_path):
    rules = build_filter_rules(everything(tmp_path))
    again = pickle.loads(pickle.dumps(rules))
    for rule, copy in zip(rules, again, strict=True):
        assert copy.name == rule.name and copy.canary == rule.canary
        assert copy.apply(DOCUMENTS) == rule.apply(DOCUMENTS)


@pytest.mark.parametrize("preset", ["gopher", "fineweb"])
def test_what_passed_passes_again(preset):
    config = FilterConfig(preset=preset)
    once = run(config, DOCUMENTS)
    assert run(config, once) == once
