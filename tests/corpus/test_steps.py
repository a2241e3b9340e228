from pathlib import Path

from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.flow.task import described
from scratchlm.corpus.sources.config import SourceConfig
from scratchlm.corpus.steps import build_rules, build_steps, rule_names, rule_settings

EVERY_RULE = {
    "clean": {"repair_mojibake": True},
    "licences": {"detect": True},
    "language": {"identify": True},
    "filters": {"preset": "fineweb"},
    "secrets": {"mask": True},
    "privacy": {"mask": ["email"]},
}
DUPLICATES = ("url", "exact", "paragraph", "line", "near", "substring")


def items(tmp_path: Path) -> Path:
    path = tmp_path / "items.jsonl"
    path.write_text('{"question": "How many lanterns are lit at night", "answer": 7}\n')
    return path


def step_names(config: CorpusConfig) -> list[str]:
    return [step.name for step in build_steps(config, {})]


def test_by_default_text_is_cleaned_and_duplicates_go_and_nothing_else():
    assert rule_names(CorpusConfig()) == ["clean"]
    assert step_names(CorpusConfig()) == ["exact", "near_duplicates"]


def test_rules_stand_in_their_order_whatever_order_they_are_named_in():
    names = ["mojibake", "clean", "licence", "language"]
    names += ["gopher_repetition", "gopher_quality", "c4", "fineweb"]
    names += ["secrets", "pii"]
    for settings in (EVERY_RULE, dict(reversed(EVERY_RULE.items()))):
        config = CorpusConfig.model_validate(settings)
        assert rule_names(config) == names


def test_steps_go_from_equal_to_alike_and_items_are_looked_for_last(tmp_path):
    config = CorpusConfig.model_validate(
        {
            "dedup": {name: {"enabled": True} for name in DUPLICATES},
            "decontaminate": {"files": [str(items(tmp_path))]},
        }
    )
    names = ["url", "exact", "paragraph", "line", "near_duplicates", "substring"]
    assert step_names(config) == [*names, "decontaminate"]


def test_everything_can_be_switched_off():
    off = {"enabled": False}
    config = CorpusConfig.model_validate(
        {"clean": off, "dedup": {"exact": off, "near": off}}
    )
    assert rule_names(config) == [] and step_names(config) == []


def test_the_rules_have_canaries_and_names_of_their_own():
    config = CorpusConfig.model_validate(EVERY_RULE)
    rules = build_rules(rule_settings(config))
    assert [rule.name for rule in rules] == rule_names(config)
    assert all(rule.canary is not None for rule in rules)
    assert len({rule.name for rule in rules}) == len(rules)


def test_every_step_brings_documents_about_which_it_must_decide(tmp_path):
    config = CorpusConfig.model_validate(
        {
            "dedup": {name: {"enabled": True} for name in DUPLICATES},
            "decontaminate": {"files": [str(items(tmp_path))]},
        }
    )
    assert all(step.canaries for step in build_steps(config, {}))


def test_a_list_of_words_counts_by_its_content(tmp_path):
    """Shards are judged again where a list changed, though its name stayed."""
    words = tmp_path / "words.txt"
    config = CorpusConfig.model_validate(
        {"filters": {"bad_words": {"enabled": True, "lists": {"en": str(words)}}}}
    )
    seen = []
    for content in ("grob", "grob", "gemein"):
        words.write_text(f"{content}\n")
        seen.append(described(rule_settings(config)))
    assert seen[0] == seen[1] != seen[2]


def test_what_only_concerns_mixing_does_not_reach_the_rules():
    config = CorpusConfig()
    other = config.model_copy(update={"mix": config.mix.model_copy(), "seed": 9})
    assert described(rule_settings(config)) == described(rule_settings(other))


def test_a_source_can_ask_for_another_action_on_items(tmp_path):
    config = CorpusConfig.model_validate(
        {"decontaminate": {"files": [str(items(tmp_path))], "action": "mask"}}
    )
    sources = {
        "kept": SourceConfig(name="kept", paths=("a",), decontaminate="report"),
        "plain": SourceConfig(name="plain", paths=("b",)),
    }
    step = build_steps(config, sources)[-1]
    assert step.config.settings.action == "mask"
    assert step.config.settings.actions == {"kept": "report"}
