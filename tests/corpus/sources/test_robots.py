from urllib.robotparser import RobotFileParser

import pytest

from scratchlm.corpus.sources.robots import NOTHING, Robots, matches, parse_robots

URL = "https://example.org"


def allowed(text: str, *paths: str, agent: str = "Crawler/1.0") -> list[bool]:
    robots = parse_robots(text, agent)
    return [robots.allows(URL + path) for path in paths]


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/", "/anything", True),
        ("/a", "/ab", True),
        ("/a", "/b/a", False),
        ("/*.pdf", "/x/y.pdf?z", True),
        ("/*.pdf$", "/x/y.pdf?z", False),
        ("/*.pdf$", "/x/y.pdf", True),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("/a*$", "/abc", True),
        ("/*a*a$", "/a", False),
        ("*", "/", True),
    ],
)
def test_a_star_is_anything_and_a_dollar_the_end(pattern, path, fits):
    assert matches(pattern, path) is fits


def test_a_rule_of_a_thousand_stars_is_answered_at_once():
    assert not matches("/" + "*a" * 1000 + "$", "/" + "a" * 999 + "b" * 5000)


def test_the_longest_rule_decides_whatever_the_order():
    rules = ["Disallow: /a", "Allow: /a/b", "Disallow: /a/b/c"]
    for lines in (rules, rules[::-1]):
        text = "\n".join(["User-agent: *", *lines])
        assert allowed(text, "/a/x", "/a/b/x", "/a/b/c", "/z") == [
            *(False, True, False),
            True,
        ]


def test_of_equally_long_rules_the_one_that_allows_wins():
    assert allowed("User-agent: *\nDisallow: /a\nAllow: /a", "/a") == [True]


def test_a_crawler_obeys_the_groups_that_name_it_and_no_others():
    text = """
        user-agent: other
        user-agent: CRAWLER
        disallow: /mine      # a comment

        User-Agent: *
        Disallow: /
        Crawl-delay: 9
        User-agent: crawler
        Disallow: /too
        Crawl-delay: 2.5
    """
    paths = ("/mine/x", "/too", "/free")
    assert allowed(text, *paths) == [False, False, True]
    assert allowed(text, *paths, agent="stranger") == [False, False, False]
    assert parse_robots(text, "crawler").delay_s == 2.5
    assert parse_robots(text, "stranger").delay_s == 9


def test_an_empty_rule_or_file_forbids_nothing():
    assert allowed("User-agent: *\nDisallow:", "/a") == [True]
    assert allowed("", "/a") == [True]
    assert allowed("Disallow: /a\nthis is no robots.txt\x00", "/a") == [True]


def test_robots_txt_itself_may_always_be_read():
    assert NOTHING.allows(f"{URL}/robots.txt")
    assert not NOTHING.allows(URL) and Robots().allows(URL)


def test_paths_match_however_they_are_escaped():
    text = "User-agent: *\nDisallow: /käse\nDisallow: /a%3cb"
    paths = ("/k%C3%A4se", "/käse", "/a<b", "/a%3Cb", "/kase")
    assert allowed(text, *paths) == [False, False, False, False, True]


def test_plain_files_are_read_as_the_standard_library_reads_them():
    text = "User-agent: a\nDisallow: /x\nDisallow: /y/\n\nUser-agent: *\nDisallow: /z\n"
    oracle = RobotFileParser()
    oracle.parse(text.splitlines())
    for agent in ("a", "b"):
        for path in ("/", "/x", "/x/1", "/y", "/y/1", "/z", "/zz"):
            expected = oracle.can_fetch(agent, URL + path)
            assert allowed(text, path, agent=agent) == [expected]


def test_nonsense_as_a_delay_is_no_delay():
    for value in ("soon", "-1", "nan", "inf", ""):
        assert parse_robots(f"User-agent: *\nCrawl-delay: {value}", "x").delay_s is None
