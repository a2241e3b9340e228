import pytest

from scratchlm.corpus.cleaning.scripts import languages_by_script

OWN = {
    "el": "Καλημέρα κόσμε, τι κάνεις;",
    "hy": "Բարեւ աշխարհ",
    "ka": "გამარჯობა მსოფლიო",
    "th": "สวัสดีชาวโลก",
    "lo": "ສະບາຍດີຊາວໂລກ",
    "ko": "안녕하세요 세계",
    "ja": "世界のみなさん、こんにちは",
    "ta": "வணக்கம் உலகம்",
    "te": "హలో ప్రపంచం",
    "gu": "નમસ્તે દુનિયા",
    "pa": "ਸਤਿ ਸ੍ਰੀ ਅਕਾਲ ਦੁਨੀਆ",
    "kn": "ನಮಸ್ಕಾರ ಪ್ರಪಂಚ",
    "ml": "നമസ്കാരം ലോകം",
    "si": "ආයුබෝවන් ලෝකය",
    "or": "ନମସ୍କାର ବିଶ୍ୱ",
    "my": "မင်္ဂလာပါ ကမ္ဘာ",
    "km": "សួស្តីពិភពលោក",
}


def told(*texts):
    return languages_by_script([[text.encode()] for text in texts])


@pytest.mark.parametrize(("code", "text"), OWN.items())
def test_a_script_of_one_language_tells_it(code, text):
    assert told(text) == [code]


def test_signs_digits_and_a_foreign_word_do_not_matter():
    assert told("😀 123, 456: Καλημέρα κόσμε – OK!") == ["el"]


@pytest.mark.parametrize(
    "text",
    [
        "hello world",
        "привет мир",
        "مرحبا بالعالم",
        "שלום עולם",
        "नमस्ते दुनिया",
        "你好，世界",
        "",
        "123 456",
        "α + β = γ",  # formulas: too few letters
        "the Greek word λόγος is in this English sentence",
        "ἐν ἀρχῇ ἦν ὁ λόγος καὶ ὁ λόγος",  # ancient
    ],
)
def test_shared_scripts_and_few_letters_do_not_tell(text):
    assert told(text) == [None]


def test_samples_are_counted_apart_and_pieces_together():
    pieces = [["Καλη".encode(), "μέρα".encode()], [], [b"plain english"]]
    assert languages_by_script(pieces) == ["el", None, None]
    assert languages_by_script([]) == []
