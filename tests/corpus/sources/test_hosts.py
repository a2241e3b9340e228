import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from scratchlm.corpus.sources.config import FetchConfig
from scratchlm.corpus.sources.hosts import FAILURES_TO_GIVE_UP, Hosts
from scratchlm.corpus.sources.http_client import FetchError


def make_hosts(folder, **settings) -> Hosts:
    settings = {"delay_s": 0.0, "timeout_s": 10.0, "retries": 0, **settings}
    return Hosts(FetchConfig(**settings), folder)


def test_robots_txt_is_asked_first_and_once_a_day(site, tmp_path):
    site.add("/robots.txt", "User-agent: *\nDisallow: /no")
    site.add("/a")
    hosts = make_hosts(tmp_path)
    assert hosts.get(site.url + "/a", {}).body == b"x"
    with pytest.raises(FetchError, match=r"forbidden by robots.txt"):
        hosts.get(site.url + "/no", {})
    make_hosts(tmp_path).get(site.url + "/a", {})
    assert site.asked == ["/robots.txt", "/a", "/a"]
    (record,) = tmp_path.iterdir()
    old = json.loads(record.read_text())
    record.write_text(json.dumps({**old, "asked_s": old["asked_s"] - 90_000}))
    make_hosts(tmp_path).get(site.url + "/a", {})
    assert site.asked[3:] == ["/robots.txt", "/a"]


def test_who_forbids_this_crawler_by_name_is_obeyed(site, tmp_path):
    site.add("/robots.txt", "User-agent: scratchlm-corpus\nDisallow: /")
    site.add("/a")
    with pytest.raises(FetchError, match="forbidden"):
        make_hosts(tmp_path).get(site.url + "/a", {})
    other = make_hosts(tmp_path, user_agent="Friendly/2.0")
    assert other.get(site.url + "/a", {}).status == 200
    assert site.headers[-1]["user-agent"] == "Friendly/2.0"


@pytest.mark.parametrize(
    ("status", "allowed"),
    [(404, True), (410, True), (401, False), (403, False), (500, False), (503, False)],
)
def test_a_robots_txt_that_is_not_there_allows_and_an_unreadable_one_forbids(
    site, tmp_path, status, allowed
):
    site.add("/robots.txt", "", status)
    site.add("/a")
    hosts = make_hosts(tmp_path)
    if allowed:
        assert hosts.get(site.url + "/a", {}).status == 200
    else:
        with pytest.raises(FetchError, match=r"robots\.txt"):
            hosts.get(site.url + "/a", {})
        assert "/a" not in site.asked


def test_redirects_of_robots_txt_are_followed_but_not_in_circles(site, tmp_path):
    site.redirect("/robots.txt", "/rules", 301)
    site.add("/rules", "User-agent: *\nDisallow: /a")
    site.add("/a")
    with pytest.raises(FetchError, match="forbidden"):
        make_hosts(tmp_path / "1").get(site.url + "/a", {})
    site.redirect("/rules", "/robots.txt")
    assert make_hosts(tmp_path / "2").get(site.url + "/a", {}).status == 200


def test_between_two_requests_a_host_has_its_pause(site, tmp_path):
    site.add("/robots.txt", "User-agent: *\nCrawl-delay: 0.2")
    site.add("/a")
    hosts = make_hosts(tmp_path, delay_s=0.1)
    for _ in range(3):
        hosts.get(site.url + "/a", {})
    pauses = [b - a for a, b in zip(site.times, site.times[1:], strict=False)]
    assert pauses[0] >= 0.099  # the crawler's own, then what the host asks for
    assert min(pauses[1:]) >= 0.199


def test_a_host_is_never_asked_twice_at_once(site, tmp_path):
    at_once, most = [], []

    def slowly(handler):
        at_once.append(1)
        most.append(len(at_once))
        threading.Event().wait(0.02)
        at_once.pop()
        handler.send_response(200)
        handler.end_headers()

    site.pages["/a"] = slowly
    hosts = make_hosts(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: hosts.get(site.url + "/a", {}), range(8)))
    assert most == [1] * 8


def test_a_tired_server_is_asked_again_after_the_time_it_names(site, tmp_path):
    answers = [(503, {"Retry-After": "0"}), (429, {}), (200, {})]

    def tired(handler):
        status, headers = answers.pop(0)
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    site.pages["/a"] = tired
    hosts = make_hosts(tmp_path, retries=2)
    assert hosts.get(site.url + "/a", {}).status == 200
    answers[:] = [(500, {})] * 9
    with pytest.raises(FetchError, match="HTTP 500"):
        hosts.get(site.url + "/a", {})
    assert len(answers) == 6


def test_a_dead_host_is_given_up(site, tmp_path):
    site.add("/robots.txt", "")
    site.pages["/a"] = lambda handler: handler.connection.close()
    hosts = make_hosts(tmp_path)
    reasons = []
    for _ in range(FAILURES_TO_GIVE_UP + 2):
        with pytest.raises(FetchError) as raised:
            hosts.get(site.url + "/a", {})
        reasons.append(raised.value.reason)
    assert reasons[-2:] == ["host failed 5 times in a row"] * 2
    assert len(site.asked_pages()) == FAILURES_TO_GIVE_UP


def test_stopping_ends_the_waits(site, tmp_path):
    site.add("/a")
    hosts = make_hosts(tmp_path, delay_s=3600.0)

    def answer_and_stop(handler):
        handler.send_response(404)
        handler.end_headers()
        hosts.stop.set()

    site.pages["/robots.txt"] = answer_and_stop
    with pytest.raises(FetchError, match="interrupted"):  # in the hour of pause
        hosts.get(site.url + "/a", {})
    assert site.asked == ["/robots.txt"]
