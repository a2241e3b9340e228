import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.readers.frames import (
    pack_json,
    read_frame,
    unpack_json,
    write_frame,
)


@given(st.lists(st.binary(max_size=50)))
def test_messages_arrive_one_by_one(messages):
    stream = io.BytesIO()
    for message in messages:
        write_frame(stream, message)
    stream.seek(0)
    assert [read_frame(stream) for _ in messages] == messages
    with pytest.raises(EOFError):
        read_frame(stream)


def test_a_message_that_is_cut_off_is_the_end():
    stream = io.BytesIO()
    write_frame(stream, b"whole")
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(stream.getvalue()[:-1]))


def test_half_surrogate_pairs_survive():
    assert unpack_json(pack_json({"text": "a\ud800b"})) == {"text": "a\ud800b"}
