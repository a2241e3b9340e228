import io

from scratchlm.corpus.readers.extract_worker import answer_requests
from scratchlm.corpus.readers.frames import (
    pack_json,
    read_frame,
    unpack_json,
    write_frame,
)


def test_every_request_gets_one_answer_and_the_end_of_input_ends_the_work():
    words = "<p>" + "The sea is calm and the wind has turned to the north. " * 20
    article = f"<html><body><nav>Home</nav><article>{words}</article></body></html>"
    requests, answers = io.BytesIO(), io.BytesIO()
    asked = [("html", article), ("html", "<p>short"), ("html_plain", "<p>short")]
    for kind, page in asked:
        write_frame(requests, pack_json({"kind": kind}))
        write_frame(requests, page.encode())
    requests.seek(0)
    answer_requests(requests, answers, timeout_s=60)
    answers.seek(0)
    main, none, plain = (unpack_json(read_frame(answers)) for _ in asked)
    assert "The sea is calm" in main["text"] and "Home" not in main["text"]
    assert (none["text"], plain["text"]) == ("", "short")
    assert answers.read() == b""
