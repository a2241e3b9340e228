import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.cleaning.spdx import is_allowed, spdx_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mit", "MIT"),
        ("The MIT License", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("apache-2.0", "Apache-2.0"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("gpl-2.0", "GPL-2.0-only"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("CC-BY-SA 3.0", "CC-BY-SA-3.0"),
        ("Creative Commons BY-NC-SA 4.0 International", "CC-BY-NC-SA-4.0"),
        ("cc0", "CC0-1.0"),
        ("public domain", "CC-PDDC"),
        ("mit or apache-2.0", "MIT OR Apache-2.0"),
        ("(mit AND gpl-2.0) OR  ISC", "(MIT AND GPL-2.0-only) OR ISC"),
        (
            "GPL-2.0-only with Classpath-exception-2.0",
            "GPL-2.0-only WITH Classpath-exception-2.0",
        ),
        ("Our very own licence", "Our very own licence"),
        ("LicenseRef-Mine", "LicenseRef-Mine"),
    ],
)
def test_licences_are_named_as_spdx_names_them(text, name):
    assert spdx_name(text) == name
    assert spdx_name(name) == name


ALLOWED = ("MIT", "Apache-2.0", "CC-BY-*", "GPL-2.0-only")


@pytest.mark.parametrize(
    ("licence", "may_stay"),
    [
        ("MIT", True),
        ("mit", True),
        ("ISC", False),
        ("CC-BY-4.0", True),
        ("CC-BYX", False),
        ("MIT OR ISC", True),
        ("ISC OR MIT", True),
        ("MIT AND ISC", False),
        ("MIT AND Apache-2.0", True),
        ("ISC OR MIT AND Apache-2.0", True),
        ("(ISC OR MIT) AND Zlib", False),
        ("MIT OR (ISC AND Zlib)", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("ISC WITH anything", False),
        ("MIT OR", True),
        ("OR MIT", True),
        ("AND MIT", False),
        ("MIT )", False),
        ("( MIT", False),
        ("MIT MIT", False),
        ("All rights reserved", False),
        ("", False),
    ],
)
def test_an_expression_stays_if_the_list_permits_it(licence, may_stay):
    assert is_allowed(licence, ALLOWED) is may_stay


@given(
    st.lists(st.sampled_from(["MIT", "ISC", "AND", "OR", "WITH", "(", ")"]), max_size=9)
)
def test_nothing_is_read_past_its_end_and_all_or_nothing_holds(tokens):
    text = " ".join(tokens)
    assert is_allowed(text, ("*",))
    assert not is_allowed(text, ())
