"""Which rules and steps a configuration switches on, in their order.

clean → licence → language → filters → secrets → personal data      (rules)
URL → exact → paragraph → line → near → substring → decontaminate   (steps)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scratchlm.base.hashing import sha256_file
from scratchlm.corpus.cleaning.rules import build_cleaning_rules, build_privacy_rules
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.decontaminate.steps import build_decontaminate_step
from scratchlm.corpus.dedup.steps import build_dedup_steps
from scratchlm.corpus.filters.rules import build_filter_rules
from scratchlm.corpus.flow.rounds import CorpusStep
from scratchlm.corpus.libraries import library_versions
from scratchlm.corpus.rule import Rule
from scratchlm.corpus.sources.config import SourceConfig

SECTIONS = ("read", "clean", "licences", "language", "filters", "secrets", "privacy")


def rule_settings(config: CorpusConfig) -> dict[str, Any]:
    """The sections that decide what becomes of one document, the content of the files
    that they name, and the versions of the libraries that read.
    """
    lists = sorted(config.filters.bad_words.lists.values())
    files = {path: sha256_file(Path(path)) for path in lists if Path(path).exists()}
    sections = {name: getattr(config, name) for name in SECTIONS}
    return {**sections, "files": files, "libraries": library_versions()}


def build_rules(settings: Mapping[str, Any]) -> list[Rule]:
    """All rules that are switched on, from what `rule_settings` gave."""
    return [
        *build_cleaning_rules(
            settings["clean"], settings["licences"], settings["language"]
        ),
        *build_filter_rules(settings["filters"]),
        *build_privacy_rules(settings["secrets"], settings["privacy"]),
    ]


def rule_names(config: CorpusConfig) -> list[str]:
    """The names of the rules that are switched on, in their order."""
    return [rule.name for rule in build_rules(rule_settings(config))]


def build_steps(
    config: CorpusConfig, sources: Mapping[str, SourceConfig]
) -> list[CorpusStep]:
    """All steps that compare documents with one another or with evaluation items."""
    steps = build_dedup_steps(config.dedup)
    if config.decontaminate.files:
        asked = {name: source.decontaminate for name, source in sources.items()}
        actions = {name: action for name, action in asked.items() if action}
        steps.append(build_decontaminate_step(config.decontaminate, actions))
    return steps
