"""Documents of one address: the first stays.

Two URLs are one address when they differ in what does not change the page: the
scheme, `www.`, the case of the host, the default port, a user name, the fragment, a
slash or `index.html` at the end, how harmless characters are escaped, the order of
the query, and parameters that only follow visitors about. Pieces of one long text
(`…#00001` at the end of the id) are told apart.
"""

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from scratchlm.corpus.dedup.config import UrlConfig
from scratchlm.corpus.dedup.exact_hits import Wording
from scratchlm.corpus.dedup.exact_keys import (
    FIRST_ROUND,
    keep_first,
    whole_rows,
    write_keys,
)
from scratchlm.corpus.dedup.sorted_keys import Records
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.rounds import CorpusStep, CorpusWork, Round, ShardWork
from scratchlm.corpus.flow.table import Batch

DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21}
FOLLOWING = re.compile(
    r"utm_\w+|(?:g|fb|y|d|tw|tt)clid|msclkid|gclsrc|mc_[ce]id|_ga|_gl|igshid|"
    r"ref_src|phpsessid|jsessionid",
    re.IGNORECASE,
)
INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
PIECE = re.compile(r"#\d{5}$")


def url_step(config: UrlConfig) -> CorpusStep:
    """Of documents of one address the first stays."""
    rounds = (
        Round(FIRST_ROUND, "shard", write_url_keys),
        Round("decide", "corpus", keep_first_urls),
    )
    urls = ("http://www.example.org/a/", "https://example.org/a#top")
    canaries = tuple(
        Document(f"url{n}", f"Text {n}.\n", "canary", {"url": url})
        for n, url in enumerate(urls)
    )
    return CorpusStep("url", config, rounds, canaries)


def write_url_keys(work: ShardWork) -> None:
    """The first round: one digest for each document that has a URL."""
    write_keys(work, ("id", "url"), _records)


def keep_first_urls(work: CorpusWork) -> None:
    """The last round: later documents of an address that was there go."""
    keep_first(work, Wording("the same URL as an earlier document"))


def normalise_url(url: str) -> str:
    """The address that a URL stands for; a text that is no URL stays as it is."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return url.strip()
    if not host:
        return url.strip()
    host = host.rstrip(".").removeprefix("www.")
    if port is not None and port != DEFAULT_PORTS.get(parts.scheme.lower()):
        host = f"{host}:{port}"
    path = INDEX.sub("/", _escaped(parts.path)).rstrip("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode(sorted(p for p in pairs if not FOLLOWING.fullmatch(p[0])))
    return f"{host}{path}?{query}" if query else f"{host}{path}"


def _escaped(path: str) -> str:
    """One way of escaping; an escaped slash stays apart from a slash."""
    parts = (unquote(part, errors="surrogateescape") for part in path.split("/"))
    return "/".join(quote(part, safe="", errors="surrogateescape") for part in parts)


def _records(batch: Batch) -> Records:
    has = [place for place, url in enumerate(batch.column("url")) if url]
    urls, ids = batch.column("url"), batch.column("id")
    things = [_thing(urls[place], ids[place]) for place in has]
    return whole_rows(batch.rows[has], things)


def _thing(url: str, id: str) -> bytes:
    piece = PIECE.search(id)
    text = normalise_url(url) + (piece.group() if piece else "")
    return text.encode("utf-8", "surrogatepass")
