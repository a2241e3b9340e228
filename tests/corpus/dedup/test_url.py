import pytest

from scratchlm.corpus.dedup.config import UrlConfig
from scratchlm.corpus.dedup.url import normalise_url, url_step

STEP = url_step(UrlConfig())
SAME = [
    "http://www.Example.org/a/b",
    "https://example.org/a/b/",
    "https://example.org:443/a/b#part",
    "https://someone@example.org./a/b/index.html",
    "https://example.org/a/%62?utm_source=x&gclid=1",
]


@pytest.mark.parametrize("url", SAME)
def test_what_does_not_change_the_page_does_not_change_the_address(url):
    assert normalise_url(url) == "example.org/a/b"


@pytest.mark.parametrize(
    "pair",
    [
        ("https://example.org/a", "https://example.org/b"),
        ("https://example.org/a", "https://example.org/A"),
        ("https://example.org/?id=1", "https://example.org/?id=2"),
        ("https://example.org/a%2Fb", "https://example.org/a/b"),
        ("https://example.org:8080/", "https://example.org/"),
        ("https://a.example.org/", "https://example.org/"),
    ],
)
def test_what_may_change_the_page_changes_the_address(pair):
    assert normalise_url(pair[0]) != normalise_url(pair[1])


def test_the_order_of_the_query_is_not_the_address():
    assert normalise_url("http://a.org/?b=2&a=1") == "a.org?a=1&b=2"
    assert normalise_url("http://a.org?a=1&b=2") == "a.org?a=1&b=2"


@pytest.mark.parametrize("url", ["", "no address", "http://[", "http://a:port/"])
def test_what_is_no_url_stays_as_it_is(url):
    assert normalise_url(url) == url


def test_normalising_twice_changes_nothing_more():
    for url in SAME:
        assert normalise_url("http://" + normalise_url(url)) == normalise_url(url)


def test_the_first_document_of_an_address_stays(small_flow, document):
    shards = [
        [document(f"a{n}", f"text {n}", url=url) for n, url in enumerate(SAME)],
        [document("b", "other", url="http://example.org/b"), document("c", "none")],
        [document("d", "none"), document("e", "new", url=SAME[3])],
    ]
    flow = small_flow(shards)
    decided = flow.run(STEP)
    assert list(flow.texts()) == ["a0", "b", "c", "d"]
    assert {decision.of for some in decided for decision in some} == {"a0"}


def test_pieces_of_one_long_text_are_not_each_others_copies(small_flow, document):
    ids = ["long.txt#00000", "long.txt#00001", "again.txt#00001"]
    flow = small_flow([[document(id, id, url="http://a.org/long") for id in ids]])
    flow.run(STEP)
    assert list(flow.texts()) == ids[:2]


def test_the_canaries_are_decided_about(small_flow):
    assert len(small_flow([list(STEP.canaries)]).run(STEP)[0]) == 1
