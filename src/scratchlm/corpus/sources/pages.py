"""Lists of pages (`urls:FILE`): fetched politely, once, and kept on disk.

All is fetched while the build is planned, so that what comes after is a function of
files. A fetch that was killed goes on where it was: what the cache holds is not asked
for again, unless `refresh` wants to know whether it has changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from scratchlm.base.hashing import sha256_bytes
from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.receipt import Step
from scratchlm.corpus.sources.config import FetchConfig
from scratchlm.corpus.sources.hosts import NOT_OF_THE_PAGE, REDIRECTS, Hosts
from scratchlm.corpus.sources.http_client import (
    Answer,
    FetchError,
    normal_url,
    origin_of,
)
from scratchlm.corpus.sources.located import Located
from scratchlm.corpus.sources.page_cache import Page, PageCache


def fetch_pages(
    lines: Iterable[str],
    config: FetchConfig,
    cache: Path,
    step: Step,
    source: str = "",
    progress: Progress = SILENT,
) -> list[Located]:
    """Fetch the pages of a list; what is no page is dropped into `step`.

    A line holds one URL; blank ones and those that begin with # say nothing.
    """
    urls = _read_urls(lines, step, source)
    pages = PageCache(cache / "pages")
    hosts = Hosts(config, cache / "robots")
    kept = () if config.refresh else urls
    found = {url: page for url in kept if (page := pages.find(url))}
    missing = [url for url in urls if url not in found]
    outcomes: dict[str, Page | FetchError] = dict(found)
    for url, outcome in _fetch_all(missing, pages, hosts):
        outcomes[url] = outcome
        progress.update(len(outcomes), len(urls), "fetching pages")
    return list(_located(urls, outcomes, pages, step, source))


def _read_urls(lines: Iterable[str], step: Step, source: str) -> list[str]:
    urls: dict[str, None] = {}
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            url = normal_url(text)
        except FetchError as error:
            step.drop(text[:200], error.reason, source=source)
            continue
        if url in urls:
            step.drop(url, "listed twice", source=source)
        urls[url] = None
    return list(urls)


def _fetch_all(
    urls: Sequence[str], pages: PageCache, hosts: Hosts
) -> Iterator[tuple[str, Page | FetchError]]:
    """Host by host, several hosts at a time, in the order in which they come in."""
    by_host: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        by_host[origin_of(url)].append(url)
    done: Queue[tuple[str, Page | FetchError | Exception]] = Queue()

    def fetch_host(urls_of_host: Sequence[str]) -> None:
        for url in urls_of_host:
            if hosts.stop.is_set():
                return
            try:
                done.put((url, _fetch(url, pages, hosts)))
            except Exception as error:  # the disk: raised where it is waited for
                done.put((url, error))

    pool = ThreadPoolExecutor(hosts.config.hosts)
    try:
        for listed in by_host.values():
            pool.submit(fetch_host, listed)
        for _ in urls:
            url, outcome = done.get()
            if isinstance(outcome, Exception) and not isinstance(outcome, FetchError):
                raise outcome
            yield url, outcome
    finally:
        hosts.stop.set()
        pool.shutdown(cancel_futures=True)


def _fetch(url: str, pages: PageCache, hosts: Hosts) -> Page | FetchError:
    """One page into the cache, or why not; failures for good are kept as well."""
    known = pages.find(url)
    try:
        final_url, answer = _follow(url, known, hosts)
        if answer.status == 304 and known:
            return known
        if answer.status != 200:
            raise FetchError(f"HTTP {answer.status}")
        return pages.keep(_page(url, final_url, answer), answer.body)
    except FetchError as error:
        if error.transient and known and not known.failure:
            return known  # `refresh`, and nobody answers: as it was
        if error.transient or error.reason in NOT_OF_THE_PAGE:
            return error
        return pages.keep(Page(url, url, failure=error.reason))


def _follow(url: str, known: Page | None, hosts: Hosts) -> tuple[str, Answer]:
    """Go where redirects lead; the URL that answered, and its answer."""
    seen = [url]
    while True:
        answer = hosts.get(seen[-1], _conditions(seen[-1], known))
        if answer.status not in REDIRECTS:
            return seen[-1], answer
        target = normal_url(answer.headers.get("location", ""), seen[-1])
        if target in seen:
            raise FetchError("redirects in a circle")
        if len(seen) > hosts.config.max_redirects:
            raise FetchError(f"more than {hosts.config.max_redirects} redirects")
        seen.append(target)


def _conditions(url: str, known: Page | None) -> dict[str, str]:
    """Headers by which a server may say that nothing has changed."""
    if known is None or known.failure or known.final_url != url:
        return {}
    said = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in said.items() if value}


def _page(url: str, final_url: str, answer: Answer) -> Page:
    return Page(
        url,
        final_url,
        content_type=answer.headers.get("content-type"),
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
        n_bytes=len(answer.body),
        fingerprint=sha256_bytes(answer.body),
    )


def _located(
    urls: Sequence[str],
    outcomes: Mapping[str, Page | FetchError],
    pages: PageCache,
    step: Step,
    source: str,
) -> Iterator[Located]:
    """Pages by name; what has none is counted, in the order of the list."""
    for url in urls:
        page = outcomes[url]
        if isinstance(page, FetchError):
            example = {"url": url, "detail": page.detail} if page.detail else url
            step.drop(example, page.reason, source=source, failed=page.transient)
        elif page.failure:
            step.drop(url, page.failure, source=source)
        else:
            step.keep(page.n_bytes, source=source)
            yield Located(
                *(printable_name(url), str(pages.body_path(url)), page.n_bytes),
                token=page.fingerprint,
                url=page.final_url,
                content_type=page.content_type,
            )
