"""Nearly equal answers are found, and only they."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.chat_items import answer_key
from scratchlm.corpus.near_answers import NEAR, AnswerIndex

SENTENCE = "Return the number of open files that this process has right now."
answers = st.lists(
    st.lists(st.sampled_from("abcdefghijkl"), max_size=12).map(" ".join), max_size=12
)


@settings(max_examples=60)
@given(answers)
def test_the_index_agrees_with_comparing_all_pairs(drawn):
    sets = [set(answer_key(answer).split()) for answer in drawn]
    index = AnswerIndex(drawn)
    for i, own in enumerate(sets):
        near = any(
            own & other and 2 * len(own & other) >= NEAR * (len(own) + len(other))
            for j, other in enumerate(sets)
            if j != i
        )
        assert index.has_near(drawn[i], but=i) == near


def test_one_word_of_ten_does_not_make_another_answer_but_two_do():
    index = AnswerIndex([SENTENCE])
    assert index.has_near(SENTENCE.lower().replace("the", "a"))
    assert index.has_near(SENTENCE.replace("number", "count"))
    other = SENTENCE.replace("number", "count").replace("right now", "held open")
    assert not index.has_near(other)


def test_nothing_is_near_to_nothing():
    assert not AnswerIndex([]).has_near("Some words.")
    assert not AnswerIndex(["", "Some words."]).has_near("")
