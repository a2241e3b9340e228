import time

import pytest

from scratchlm.corpus.sources.http_client import (
    FetchError,
    normal_url,
    origin_of,
    request,
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("http://example.org:80/a#part", "http://example.org/a"),
        ("https://example.org:443/", "https://example.org/"),
        ("https://example.org:8443/", "https://example.org:8443/"),
        (
            " https://bücher.example/ä b?q=ü&x=%20 ",
            "https://xn--bcher-kva.example/%C3%A4%20b?q=%C3%BC&x=%20",
        ),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
    ],
)
def test_an_address_has_one_spelling(said, meant):
    assert normal_url(said) == meant
    assert normal_url(meant) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.org", "ftp://example.org/a", "file:///etc/passwd", "http://"),
        *("http://user:secret@example.org/", "http://[bad/", "http://a:99999999/"),
        *("javascript:alert(1)", "http://" + "a" * 70 + ".org/"),
    ],
)
def test_what_is_no_web_address_is_refused(text):
    with pytest.raises(FetchError, match="not a web address"):
        normal_url(text)


def test_a_redirect_is_read_relative_to_its_page():
    assert normal_url("../b", "http://h/x/y/z") == "http://h/x/b"
    assert normal_url("//other/b", "https://h/") == "https://other/b"
    assert origin_of("https://h:1/x?y") == "https://h:1"


def test_a_page_comes_with_its_headers(site):
    url = site.add("/a?b=c", "hello", ETag='"1"')
    answer = request(url, {"User-Agent": "me"}, 10, 100)
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["etag"] == '"1"'
    assert site.headers[-1]["user-agent"] == "me"


def test_a_redirect_is_told_and_not_followed(site):
    url = site.redirect("/a", "/b")
    answer = request(url, {}, 10, 100)
    assert (answer.status, answer.headers["location"]) == (302, "/b")
    assert site.asked == ["/a"]


def test_a_page_that_says_that_it_is_huge_is_not_read(site):
    url = site.add("/a", "x" * 101)
    with pytest.raises(FetchError, match="larger than 100 bytes"):
        request(url, {}, 10, 100)
    assert request(url, {}, 10, 101).body == b"x" * 101


def test_a_page_without_end_is_left(site):
    sent = []

    def without_end(handler):
        handler.send_response(200)
        handler.end_headers()
        while len(sent) < 10_000:
            handler.wfile.write(b"x" * 4096)
            sent.append(1)

    site.pages["/a"] = without_end
    with pytest.raises(FetchError, match="larger than 100000 bytes"):
        request(site.url + "/a", {}, 30, 100_000)
    assert len(sent) < 10_000


@pytest.mark.parametrize("slow_part", ["headers", "body", "all"])
def test_a_server_that_sends_a_byte_now_and_then_is_not_waited_for(site, slow_part):
    def drip(handler):
        if slow_part == "headers":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        elif slow_part == "body":
            handler.send_response(200)
            handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    site.pages["/a"] = drip
    with pytest.raises(FetchError, match=r"takes longer than 0.3 s") as raised:
        request(site.url + "/a", {}, 0.3, 2**20)
    assert raised.value.transient


@pytest.mark.parametrize("chunked", [False, True])
def test_half_a_page_is_no_page(site, chunked):
    def half(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"64\r\nhello")
        else:
            handler.send_header("Content-Length", "100")
            handler.end_headers()
            handler.wfile.write(b"hello")
        handler.close_connection = True

    site.pages["/a"] = half
    with pytest.raises(FetchError, match="broken connection") as raised:
        request(site.url + "/a", {}, 10, 1000)
    assert raised.value.transient


def test_nobody_there_is_said_so(site):
    with pytest.raises(FetchError, match="no connection") as raised:
        request("http://127.0.0.1:9/", {}, 5, 10)
    assert raised.value.transient and raised.value.detail


def test_what_speaks_no_http_is_a_broken_connection(site):
    site.pages["/a"] = lambda handler: handler.wfile.write(b"SSH-2.0\r\n\r\n")
    with pytest.raises(FetchError, match="broken connection"):
        request(site.url + "/a", {}, 10, 10)


def test_the_environments_proxy_is_asked(site, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    proxy = site.url.replace("://", "://me:s%20t@")
    monkeypatch.setenv("http_proxy", proxy)
    site.pages["http://page.invalid/a?b"] = (200, {}, b"through")
    assert request("http://page.invalid/a?b", {}, 10, 10).body == b"through"
    assert site.headers[-1]["proxy-authorization"] == "Basic bWU6cyB0"
    assert site.headers[-1]["host"] == "page.invalid"
