"""PDFs written by hand, as small as the format allows."""

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.pdf import pdf_text, reflowed


def make_pdf(*pages: str, trailer: str = "") -> bytes:
    """A PDF whose pages have these content streams."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
    ]
    font = "<< /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    for n, content in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] "
            f"/Contents {4 + 2 * n} 0 R /Resources << /Font {font} >> >>"
        )
        objects.append(f"<< /Length {len(content)} >> stream\n{content}\nendstream")
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj {body} endobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} "
    end += f"/Root 1 0 R {trailer} >>\nstartxref\n{len(data)}\n%%EOF"
    return data + end.encode()


def lines(*texts: str) -> str:
    shown = "".join(f"({text}) Tj 0 -14 Td " for text in texts)
    return f"BT /F 12 Tf 50 700 Td {shown}ET"


IMAGE = "q 100 0 0 100 50 50 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q"
ENCRYPTED = (
    f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'ab' * 32}> /U <{'cd' * 32}> "
    f">> /ID [<{'00' * 16}> <{'00' * 16}>]"
)


def test_pages_come_in_order_and_their_lines_are_lines():
    found = pdf_text(make_pdf(lines("One.", "Two."), lines("Three.")), reflow=False)
    assert found.text == "One.\nTwo.\n\nThree."


def test_pages_without_text_are_counted():
    found = pdf_text(make_pdf(lines("One."), IMAGE))
    assert (found.text, dict(found.notes)) == ("One.", {"pdf_pages_without_text": 1})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make_pdf(IMAGE), "images only"),
        (make_pdf(lines("secret"), trailer=ENCRYPTED), "encrypted"),
        (make_pdf(lines("One."))[:60], "damaged"),
        (b"%PDF-1.4 and nothing more", "damaged"),
    ],
    ids=["image", "encrypted", "cut", "empty"],
)
def test_a_pdf_that_gives_no_text_says_why(data, reason):
    with pytest.raises(UnreadableError, match=reason):
        pdf_text(data)


def test_lines_of_one_sentence_are_joined_and_others_are_not():
    page = (
        "A title\nThe first sentence goes\non here. A second\nends.\nNew start\n1. item"
    )
    assert reflowed(page) == (
        "A title\nThe first sentence goes on here. A second ends.\nNew start\n1. item"
    )
    assert reflowed("a hyphen-\nated word") == "a hyphenated word"
