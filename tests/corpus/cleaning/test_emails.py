import pytest

from scratchlm.corpus.cleaning.emails import find_emails


def found(text):
    return [text[span.begin : span.end] for span in find_emails(text)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("write to ada@engine.org.", "ada@engine.org"),
        ("<a.b-c+d@sub.domain.co.uk>", "a.b-c+d@sub.domain.co.uk"),
        ("mailto:x_y@z.io?subject=1", "x_y@z.io"),
        ("jörg@bücher.de", "jörg@bücher.de"),
        ("联系foo@bar.com谢谢", "foo@bar.com"),
        ("...joe@mail.ru", "joe@mail.ru"),
        ("'quoted'@x.org 'joe@mail.ru'", "joe@mail.ru"),
        ("JOE@MAIL.COM\n", "JOE@MAIL.COM"),
        ("name=joe@mail.ru&x=1", "joe@mail.ru"),
    ],
)
def test_an_address_is_found_to_its_boundaries(text, address):
    assert address in found(text)


def test_each_of_several_addresses_is_found():
    assert found("a@b.com,c@d.com;e@f.org") == ["a@b.com", "c@d.com", "e@f.org"]


@pytest.mark.parametrize(
    "text",
    [
        "user@localhost",
        "@app.route('/x')",
        "pkg@1.2.3",
        "icon@2x.png",
        "git@github.com:owner/name.git",
        "joe@example.com",
        "joe@mail.example.org",
        "joe@host.test",
        "a @ b.com",
        "a..b@c.com",
        "locale sd_IN@devanagari.UTF-8",
        "x@y.com_z",
        "x@y@z",
        "@ada on the net",
        "",
        "@",
    ],
)
def test_what_only_looks_like_an_address_is_left(text):
    assert found(text) == []


def test_a_name_longer_than_the_standard_allows_is_no_address():
    assert found("a" * 64 + "@b.com") == ["a" * 64 + "@b.com"]
    assert found("a" * 65 + "@b.com") == []


def test_rows_of_letters_and_of_at_signs_cost_little():
    assert found("a" * 200_000) == []
    assert found("a@" * 20_000) == []
    assert found("a." * 20_000 + "@" + "b." * 20_000) == []
