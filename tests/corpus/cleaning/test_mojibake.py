import pytest

from scratchlm.corpus.cleaning.mojibake import MojibakeRule, repair_mojibake
from scratchlm.corpus.document import Document

SENTENCES = {
    "German": "Größe schützt vor Torheit nicht – „so“ sagt man über Übermut.",
    "French": "À l’été, l’élève était déjà très fatigué… c’est « naturel ».",
    "Russian": "Привет, мир! Как ваши дела сегодня, друзья мои?",
    "Greek": "Καλημέρα, τι κάνετε σήμερα, φίλοι μου;",
    "Japanese": "今日はとても良い天気ですね。散歩に行きましょう。",
    "Polish": "Zażółć gęślą jaźń, a potem idź na długi spacer.",
    "Turkish": "İçimde güneşli bir gün; çocuklar şarkı söylüyor.",
    "Ukrainian": "Він їхав додому, і дощ падав на його подвір’я.",
}


@pytest.mark.parametrize("text", SENTENCES.values(), ids=SENTENCES)
def test_right_text_stays_as_it_is(text):
    assert repair_mojibake(text) == text


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1250", "mac-roman"])
@pytest.mark.parametrize("name", ["German", "French"])
def test_text_read_in_another_encoding_is_read_again(name, encoding):
    wrong = SENTENCES[name].encode().decode(encoding, "ignore")
    if wrong.encode(encoding, "ignore") != SENTENCES[name].encode():
        pytest.skip("this encoding lost bytes")
    assert repair_mojibake(wrong) == SENTENCES[name]


def test_cyrillic_read_as_windows_1251_is_read_again():
    right = "Мир, труд, май: всё как обычно"
    wrong = right.encode().decode("cp1251")
    assert wrong != right
    assert repair_mojibake(wrong) == right


def test_only_the_wrong_lines_change():
    text = "plain\nschÃ¶n und gÃ¼nstig\nschön “quoted”\nÄrger und Übel, é ñ\n"
    assert repair_mojibake(text) == (
        "plain\nschön und günstig\nschön “quoted”\nÄrger und Übel, é ñ\n"
    )


def test_windows_quotes_read_as_latin_1_controls_are_quotes_again():
    assert repair_mojibake("doit s\x92engager \x93ici\x94") == "doit s’engager “ici”"


def test_repairing_twice_is_repairing_once():
    twice = "schÃƒÂ¶n, trÃ¨s bien â€” naÃ¯ve"
    once = repair_mojibake(twice)
    assert once == "schön, très bien — naïve"
    assert repair_mojibake(once) == once


def test_ascii_is_passed_as_the_same_object():
    text = "plain text\n" * 3
    assert repair_mojibake(text) is text


def test_the_rule_keeps_everything_and_changes_the_wrong_one():
    right = Document("a", "schön\n", "s", {"n": 1})
    wrong = Document("b", "schÃ¶n, ja, schÃ¶n\n", "s", {"n": 2})
    verdicts = MojibakeRule().apply([right, wrong])
    assert verdicts[0] is right
    assert (verdicts[1].text, verdicts[1].metadata) == ("schön, ja, schön\n", {"n": 2})
