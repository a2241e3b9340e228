import io

from scratchlm.corpus.readers.html import LENGTH, read_frame
from scratchlm.corpus.readers.html_worker import answer_pages


def test_every_page_gets_one_answer_and_the_end_of_input_ends_the_work():
    words = "<p>" + "The sea is calm and the wind has turned to the north. " * 20
    pages = [f"<html><body><article>{words}</article></body></html>", "<p>short"]
    frames = [LENGTH.pack(len(page)) + page.encode() for page in pages]
    answers = io.BytesIO()
    answer_pages(io.BytesIO(b"".join(frames)), answers, timeout_s=60)
    answers.seek(0)
    assert b"The sea is calm" in (read_frame(answers) or b"")
    assert read_frame(answers) is None
    assert answers.read() == b""
