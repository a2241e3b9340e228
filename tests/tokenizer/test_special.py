"""Laws of the control tokens."""

from scratchlm.tokenizer.special import END_OF_TEXT, PAD, ROLE_TOKENS, SPECIAL_TOKENS


def test_there_are_sixteen_control_tokens_and_no_name_lies_inside_another():
    assert len(SPECIAL_TOKENS) == len(set(SPECIAL_TOKENS)) == 16
    for name in SPECIAL_TOKENS:
        assert [other for other in SPECIAL_TOKENS if name in other] == [name]


def test_padding_is_not_the_end_of_a_text():
    assert PAD != END_OF_TEXT
    assert {PAD, END_OF_TEXT, *ROLE_TOKENS.values()} < set(SPECIAL_TOKENS)
