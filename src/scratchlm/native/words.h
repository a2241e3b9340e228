/* Words of a text, as the corpus's filters see them (words.c, repetition.c). */
#ifndef SCRATCHLM_WORDS_H
#define SCRATCHLM_WORDS_H

#include "shared.h"

/* What the table of the corpus says of a code point. */
enum {
    BLANK = 1,      /* white space: between words */
    ALPHABETIC = 2, /* counts as a letter */
    SYMBOL = 4,     /* a word of nothing else is not spelled */
    ALONE = 8,      /* begins a word of its own: an ideograph */
    RUN = 16,       /* words of these alone: katakana */
    MARK = 32,      /* belongs to what stands before it */
};

typedef struct {
    const uint8_t *table; /* CLASS_TABLE_BYTES */
    const uint8_t *text;  /* valid UTF-8 */
    size_t at, length;
} WordCursor;

typedef struct {
    size_t begin, end; /* bytes */
    size_t chars;
    unsigned has; /* ALPHABETIC: a letter; SYMBOL: something that is no symbol */
} Word;

/* The code point at `at`, of which `size` bytes; the text is valid UTF-8. */
ALWAYS_INLINE uint32_t code_point(const uint8_t *at, size_t *size) {
    uint32_t c = at[0];
    if (LIKELY(c < 0x80)) {
        *size = 1;
        return c;
    }
    if (c < 0xE0) {
        *size = 2;
        return (c & 0x1F) << 6 | (at[1] & 0x3F);
    }
    if (c < 0xF0) {
        *size = 3;
        return (c & 0x0F) << 12 | (uint32_t)(at[1] & 0x3F) << 6 | (at[2] & 0x3F);
    }
    *size = 4;
    return (c & 0x07) << 18 | (uint32_t)(at[1] & 0x3F) << 12 |
           (uint32_t)(at[2] & 0x3F) << 6 | (at[3] & 0x3F);
}

/* The next word, or 0 where there is none. */
ALWAYS_INLINE int next_word(WordCursor *cursor, Word *word) {
    const uint8_t *text = cursor->text, *table = cursor->table;
    size_t at = cursor->at, length = cursor->length, size = 0;
    unsigned class = BLANK;
    while (at < length) {
        class = table[code_point(text + at, &size)];
        if (!(class & BLANK)) break;
        at += size;
    }
    cursor->at = at;
    if (at >= length) return 0;
    unsigned kind = class & (ALONE | RUN), has = class ^ SYMBOL;
    size_t begin = at, more = size - 1; /* bytes that are no character's first */
    at += size;
    while (at < length) {
        if (LIKELY(text[at] < 0x80)) { /* ASCII is of no kind */
            class = table[text[at]];
            if (kind || (class & BLANK)) break;
            has |= class ^ SYMBOL;
            at++;
            continue;
        }
        class = table[code_point(text + at, &size)];
        unsigned own = class & (ALONE | RUN);
        if ((class & BLANK) || (!(class & MARK) && (own != kind || own == ALONE))) break;
        has |= class ^ SYMBOL;
        more += size - 1;
        at += size;
    }
    *word = (Word){begin, at, at - begin - more, has};
    cursor->at = at;
    return 1;
}

/* For n = 2, 3, 4 the characters of the most frequent n-gram (words joined by one
 * blank, the first seen of equals) times its count; for n = 5 ... 10 those of n-grams
 * that were seen before (words joined by nothing), a jump over each. Each is exact or
 * is a bound from above that, divided by n_chars, is not over its limit; the first that
 * is over it is exact and the last. */
#define N_REPETITIONS 9
Status repetition(WordCursor cursor, double n_chars, const double *limits,
                  int64_t *result, int *n_results);

#endif
