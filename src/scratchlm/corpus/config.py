"""What a corpus is made of: sources, limits, rules, comparisons, mix and sides.

Lengths are code points unless the name says bytes; a share is a fraction of 1. Only
cleaning, exact and near-duplicate removal are on by default: they suit any text.
`preset` in `filters` switches on what a published recipe used.
"""

from typing import Literal

from pydantic import Field, model_validator

from scratchlm.base.config import Config
from scratchlm.corpus.cleaning.config import (
    CleanConfig,
    LanguageConfig,
    LicenceConfig,
    PrivacyConfig,
    SecretsConfig,
)
from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.dedup.config import DedupConfig
from scratchlm.corpus.filters.config import FilterConfig
from scratchlm.corpus.mix.config import MixConfig, SplitConfig
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.sources.config import STDLIB, SourceConfig


class CorpusConfig(Config):
    """Everything that decides the bytes of a corpus directory."""

    source: Literal["stdlib", "files"] = "stdlib"
    """Where the text comes from: `stdlib` is this Python's own standard library,
    `files` is what `paths` names."""
    paths: tuple[str, ...] = ()
    """Files, folders, archives and URLs to read, as one source called `text`;
    several sources with settings of their own stand in `sources`."""
    text_field: str | None = None
    """The field of json, jsonl, csv and parquet rows that holds the text; without
    it the first of text, content, body, … that a row has."""
    sources: tuple[SourceConfig, ...] = ()
    """Sources with names, weights, priorities and licences; instead of `paths`."""
    read: ReadConfig = ReadConfig()
    """Limits of reading and extraction."""
    clean: CleanConfig = CleanConfig()
    """Unicode, line ends, wrong decodings, least length."""
    licences: LicenceConfig = LicenceConfig()
    """Licences, and which may stay."""
    language: LanguageConfig = LanguageConfig()
    """Languages, and which may stay."""
    filters: FilterConfig = FilterConfig()
    """Rules of quality and repetition."""
    secrets: SecretsConfig = SecretsConfig()
    """Keys and passwords in text and code."""
    privacy: PrivacyConfig = PrivacyConfig()
    """Personal data."""
    dedup: DedupConfig = DedupConfig()
    """Duplicates: by URL, document, paragraph, line, likeness, long passages."""
    decontaminate: DecontaminateConfig = DecontaminateConfig()
    """Evaluation files whose items must not stand in the corpus."""
    mix: MixConfig = MixConfig()
    """How often the documents of each source are written."""
    split: SplitConfig = SplitConfig()
    """Which clusters are held out, where no conversations are asked for."""
    min_corpus_bytes: int = Field(default=20_000, ge=1)
    """Less text than this in all is refused: it fills about ten contexts."""
    seed: int = 0
    """Decides which documents are held out and what the conversations ask."""

    ask: bool = True
    """Also build conversations and preference pairs, as the journey needs them. The
    held-out documents are then chosen in memory, by their likeness to all others."""
    chat: str | None = None
    """A file of conversations; without it they are built from the text."""
    preferences: str | None = None
    """A file of preference pairs; without it they are built from the text."""
    max_conversations: int = Field(default=6000, ge=1)
    """Most conversations to build from the text."""
    heldout_frac: float = Field(default=0.05, gt=0, le=0.5)
    """Share of the bytes that is held out of everything, in whole documents."""
    max_heldout_frac: float = Field(default=0.08, gt=0, le=0.6)
    """Most bytes that may be held out to reach `min_heldout_functions`; where
    `heldout_frac` is larger, 1.6 times that."""
    min_heldout_functions: int = Field(default=250, ge=0)
    """Documented functions that the held-out modules of `stdlib` shall have."""
    split_threshold: float = Field(default=0.5, gt=0, le=1)
    """Jaccard similarity from which two documents stay on one side of the split."""

    @model_validator(mode="after")
    def _one_way_to_name_sources(self) -> "CorpusConfig":
        if self.sources and self.paths:
            raise ValueError("say either paths or sources, not both")
        return self

    @model_validator(mode="after")
    def _languages_are_known(self) -> "CorpusConfig":
        rule = self.language
        told = rule.identify or rule.allow or rule.min_score > 0
        stated = any(source.language for source in self.sources)
        if self.filters.languages and not (told or stated):
            raise ValueError(
                "filters.languages judges documents by their language, which nobody "
                "tells: say language.identify=true"
            )
        return self

    def all_sources(self) -> tuple[SourceConfig, ...]:
        """`sources`, or the one source that `source` and `paths` stand for."""
        if self.sources:
            return self.sources
        if self.source == "stdlib":
            return (SourceConfig(name=STDLIB, paths=(STDLIB,)),)
        return (SourceConfig(paths=self.paths, text_field=self.text_field),)
