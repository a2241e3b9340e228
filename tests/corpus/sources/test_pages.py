import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scratchlm.corpus.receipt import Step
from scratchlm.corpus.sources.config import FetchConfig
from scratchlm.corpus.sources.page_cache import PageCache
from scratchlm.corpus.sources.pages import fetch_pages

QUICK = FetchConfig(delay_s=0.0, timeout_s=10.0, retries=0)


def fetch(urls, cache, config=QUICK):
    step = Step("fetch", "pages")
    return fetch_pages(urls, config, cache, step, "web"), step


def counts(step):
    return {reason: drop.count for reason, drop in step.dropped.items()}


def test_each_page_is_fetched_once_and_then_lies_on_disk(site, tmp_path):
    urls = [site.add(f"/{name}", f"<p>{name}</p>", ETag=name) for name in "abc"]
    listed = ["# a list", "", *urls, f"  {urls[0]}#part  "]
    found, step = fetch(listed, tmp_path)
    assert [file.name for file in found] == urls == [file.url for file in found]
    assert [Path(f.location).read_text() for f in found] == [
        *("<p>a</p>", "<p>b</p>", "<p>c</p>")
    ]
    assert {file.content_type for file in found} == {"text/html"}
    assert counts(step) == {"listed twice": 1}
    assert (step.kept, step.kept_bytes) == (3, 24)
    asked = len(site.asked)
    again, second = fetch(listed, tmp_path)
    assert again == found and len(site.asked) == asked == 4  # robots.txt and three
    assert second.to_json() == step.to_json()  # a receipt does not tell the runs apart


def test_every_page_that_is_not_had_is_a_count_with_its_reason(site, tmp_path):
    site.add("/robots.txt", "User-agent: *\nDisallow: /private")
    site.redirect("/round", "/about")
    site.redirect("/about", "/round")
    site.redirect("/out", "ftp://example.org/")
    urls = [
        site.add("/good"),
        site.add("/private/1"),
        site.add("/private/2"),
        site.add("/huge", "x" * 1001),
        site.add("/broken", status=500),
        *(site.url + path for path in ("/none", "/round", "/out")),
        "no address",
    ]
    config = QUICK.model_copy(update={"max_bytes": 1000})
    found, step = fetch(urls, tmp_path, config)
    assert [file.url for file in found] == [site.url + "/good"]
    assert counts(step) == {
        "forbidden by robots.txt": 2,
        "larger than 1000 bytes": 1,
        "HTTP 500": 1,
        "HTTP 404": 1,
        "redirects in a circle": 1,
        "not a web address": 2,
    }
    tally = step.sources["web"]
    assert tally.came_in == len(urls) and tally.failed == 1  # 500 may pass
    assert not any("private" in path for path in site.asked)


def test_failures_for_good_are_remembered_and_passing_ones_tried_again(site, tmp_path):
    urls = [site.url + "/none", site.add("/tired", status=503)]
    _, first = fetch(urls, tmp_path)
    assert counts(first) == {"HTTP 404": 1, "HTTP 503": 1}
    site.add("/none", "now it is here")
    site.add("/tired", "awake")
    found, second = fetch(urls, tmp_path)
    assert [file.url for file in found] == [site.url + "/tired"]
    assert counts(second) == {"HTTP 404": 1}
    fresh, _ = fetch(urls, tmp_path, QUICK.model_copy(update={"refresh": True}))
    assert len(fresh) == 2


def test_a_page_is_called_as_listed_and_knows_where_it_was_found(site, tmp_path):
    site.redirect("/old", "/middle")
    site.redirect("/middle", "/new", 308)
    site.add("/new", "text")
    (page,), _ = fetch([site.url + "/old"], tmp_path)
    assert (page.name, page.url) == (site.url + "/old", site.url + "/new")
    few = QUICK.model_copy(update={"max_redirects": 1})
    _, step = fetch([site.url + "/old"], tmp_path / "other", few)
    assert counts(step) == {"more than 1 redirects": 1}


def test_a_redirect_does_not_lead_around_another_hosts_robots_txt(site, tmp_path):
    site.add("/robots.txt", "User-agent: *\nDisallow: /private")
    site.add("/private", "secret")
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    site.redirect("/open", f"{elsewhere}/private")
    found, step = fetch([site.url + "/open"], tmp_path)
    assert not found and counts(step) == {"forbidden by robots.txt": 1}
    assert site.asked == ["/robots.txt", "/open", "/robots.txt"]


def test_refreshing_asks_whether_a_page_has_changed(site, tmp_path):
    again = QUICK.model_copy(update={"refresh": True})
    url = site.add("/a", "old", ETag='"1"', Last_Modified="yesterday")
    (old,), _ = fetch([url], tmp_path)
    site.pages["/a"] = (304, {}, b"")
    (same,), _ = fetch([url], tmp_path, again)
    assert same == old
    assert site.headers[-1]["if-none-match"] == '"1"'
    assert site.headers[-1]["if-modified-since"] == "yesterday"
    site.add("/a", "new", ETag='"2"')
    (new,), _ = fetch([url], tmp_path, again)
    assert new.token != old.token and Path(new.location).read_text() == "new"
    site.add("/a", status=500)
    (kept,), _ = fetch([url], tmp_path, again)
    assert kept == new  # nobody answers: as it was


def test_hosts_are_asked_side_by_side(site, tmp_path):
    """Two hosts that each wait for the other to be asked: neither waits in vain."""
    meeting = threading.Barrier(2, timeout=20)

    def meet(handler):
        meeting.wait()
        handler.send_response(200)
        handler.end_headers()

    site.pages["/a"] = meet
    urls = [f"{site.url}/a", f"{site.url}/a".replace("127.0.0.1", "localhost")]
    found, _ = fetch(urls, tmp_path)
    assert len(found) == 2


KILLED = """
import sys
from pathlib import Path
from scratchlm.corpus.receipt import Step
from scratchlm.corpus.sources.config import FetchConfig
from scratchlm.corpus.sources.pages import fetch_pages
config = FetchConfig(delay_s=0.0, retries=0)
fetch_pages(sys.argv[2:], config, Path(sys.argv[1]), Step("fetch"))
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_fetch_goes_on_without_fetching_again(site, tmp_path, sign):
    urls = [site.add(f"/{number:02d}", f"page {number}") for number in range(12)]
    reached, never = threading.Event(), threading.Event()

    def hang(handler):
        reached.set()
        never.wait(20)

    whole = site.pages["/07"]
    site.pages["/07"] = hang
    command = [sys.executable, "-c", KILLED, str(tmp_path), *urls]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    assert reached.wait(60)
    process.send_signal(sign)
    if sign == signal.SIGINT:
        never.set()
    assert process.wait(60) != 0
    never.set()
    site.pages["/07"] = whole
    found, _ = fetch(urls, tmp_path)
    assert [Path(f.location).read_text() for f in found] == [
        f"page {number}" for number in range(12)
    ]
    expected = [f"/{number:02d}" for number in range(12)]
    assert site.asked_pages() == sorted([*expected, "/07"])


def test_what_goes_wrong_on_the_disk_ends_the_fetch_and_does_not_hang_it(
    site, tmp_path
):
    url = site.add("/a")
    PageCache(tmp_path / "pages").body_path(url).mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        fetch([url], tmp_path)
