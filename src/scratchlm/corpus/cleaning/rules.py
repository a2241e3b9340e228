"""The cleaning rules that a configuration asks for, in the order they run in."""

from scratchlm.corpus.cleaning.config import (
    CleanConfig,
    LanguageConfig,
    LicenceConfig,
    PrivacyConfig,
    SecretsConfig,
)
from scratchlm.corpus.cleaning.language import LanguageRule
from scratchlm.corpus.cleaning.licences import LicenceRule
from scratchlm.corpus.cleaning.mojibake import MojibakeRule
from scratchlm.corpus.cleaning.personal import PersonalDataRule
from scratchlm.corpus.cleaning.secrets import SecretsRule
from scratchlm.corpus.cleaning.unicode_form import CleanRule
from scratchlm.corpus.rule import Rule


def build_cleaning_rules(
    clean: CleanConfig, licence: LicenceConfig, language: LanguageConfig
) -> list[Rule]:
    """Rules for the beginning: mojibake, clean, licence, language.

    Mojibake comes before cleaning, which removes the control characters that wrong
    decodings are told by.
    """
    rules: list[Rule] = []
    if clean.repair_mojibake:
        rules.append(MojibakeRule())
    if clean.enabled:
        rules.append(CleanRule(clean))
    if licence.detect or licence.allow:
        rules.append(LicenceRule(licence))
    if language.identify or language.allow or language.min_score > 0:
        rules.append(LanguageRule(language))
    return rules


def build_privacy_rules(secrets: SecretsConfig, privacy: PrivacyConfig) -> list[Rule]:
    """Rules for the end, after the filters: secrets, pii."""
    rules: list[Rule] = []
    if secrets.mask:
        rules.append(SecretsRule(secrets))
    if privacy.mask:
        rules.append(PersonalDataRule(privacy))
    return rules
