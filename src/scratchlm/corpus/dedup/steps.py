"""The duplicate steps that are switched on, from the cheapest to the finest.

A whole document goes before its parts are looked at, and stretches of words last:
what an earlier step removed is neither compared nor counted again.
"""

from scratchlm.corpus.dedup.config import DedupConfig
from scratchlm.corpus.dedup.exact import exact_step
from scratchlm.corpus.dedup.line import line_step
from scratchlm.corpus.dedup.near_removal import near_step
from scratchlm.corpus.dedup.paragraph import paragraph_step
from scratchlm.corpus.dedup.substring import substring_step
from scratchlm.corpus.dedup.url import url_step
from scratchlm.corpus.flow.rounds import CorpusStep


def build_dedup_steps(config: DedupConfig) -> list[CorpusStep]:
    """URL, exact document, paragraph, line, near duplicate, substring: those on."""
    steps: list[CorpusStep] = []
    if config.url.enabled:
        steps.append(url_step(config.url))
    if config.exact.enabled:
        steps.append(exact_step(config.exact))
    if config.paragraph.enabled:
        steps.append(paragraph_step(config.paragraph))
    if config.line.enabled:
        steps.append(line_step(config.line))
    if config.near.enabled:
        steps.append(near_step(config.near))
    if config.substring.enabled:
        steps.append(substring_step(config.substring))
    return steps
