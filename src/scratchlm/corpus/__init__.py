"""TEXT -> TEXT: collect, clean, deduplicate, hold out, ask.

`build_corpus(config, directory)` writes a corpus directory, `Corpus` reads it.
"""

from typing import TYPE_CHECKING

from scratchlm.base.lazy import lazy_exports

if TYPE_CHECKING:
    from scratchlm.corpus.build import build_corpus as build_corpus
    from scratchlm.corpus.config import CorpusConfig as CorpusConfig
    from scratchlm.corpus.document import Document as Document
    from scratchlm.corpus.rows import read_rows as read_rows
    from scratchlm.corpus.stats import corpus_stats as corpus_stats
    from scratchlm.corpus.store import Corpus as Corpus

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Corpus": "store",
        "CorpusConfig": "config",
        "Document": "document",
        "build_corpus": "build",
        "corpus_stats": "stats",
        "read_rows": "rows",
    },
)
