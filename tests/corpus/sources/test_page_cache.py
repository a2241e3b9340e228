from scratchlm.corpus.sources.page_cache import Page, PageCache

URL = "http://example.org/a"


def test_a_page_comes_back_as_it_was_kept(tmp_path):
    page = Page(URL, URL + "b", "", "text/html", '"1"', None, 5, "f" * 64)
    PageCache(tmp_path).keep(page, b"hello")
    assert PageCache(tmp_path).find(URL) == page
    assert PageCache(tmp_path).body_path(URL).read_bytes() == b"hello"
    assert PageCache(tmp_path).find(URL + "?") is None


def test_a_failure_needs_no_body(tmp_path):
    failed = Page(URL, URL, failure="HTTP 404")
    PageCache(tmp_path).keep(failed)
    assert PageCache(tmp_path).find(URL) == failed
    assert not PageCache(tmp_path).body_path(URL).exists()


def test_half_a_page_is_not_there(tmp_path):
    cache = PageCache(tmp_path)
    record = cache.body_path(URL).with_suffix(".json")
    cache.keep(Page(URL, URL, n_bytes=5), b"hello")
    cache.body_path(URL).write_bytes(b"hell")
    assert cache.find(URL) is None
    cache.keep(Page(URL, URL, n_bytes=5), b"hello")
    record.write_text(record.read_text()[:20])
    assert cache.find(URL) is None
    cache.keep(Page(URL, URL, n_bytes=5), b"hello")
    cache.body_path(URL).unlink()
    assert cache.find(URL) is None
    record.write_text("[1, 2]")
    assert cache.find(URL) is None
