import io

from scratchlm.corpus.readers.html import MAIN, PLAIN, read_frame, write_frame
from scratchlm.corpus.readers.html_worker import answer_pages


def test_every_page_gets_one_answer_and_the_end_of_input_ends_the_work():
    words = "<p>" + "The sea is calm and the wind has turned to the north. " * 20
    article = f"<html><body><nav>Home</nav><article>{words}</article></body></html>"
    requests, answers = io.BytesIO(), io.BytesIO()
    for request in (MAIN + article, MAIN + "<p>short", PLAIN + "<p>short"):
        write_frame(requests, request)
    requests.seek(0)
    answer_pages(requests, answers, timeout_s=60)
    answers.seek(0)
    main = read_frame(answers)
    assert "The sea is calm" in main and "Home" not in main
    assert [read_frame(answers), read_frame(answers)] == ["", "short"]
    assert answers.read() == b""
