/* Split a text into pieces: the scanners of tokenizer/scanner.py, in C.
 *
 * Each pattern is one function, made from one body by constant arguments, so that the
 * compiler drops what a pattern does not need. Runs of ASCII letters go eight bytes at
 * a time.
 */
#include "shared.h"

#define ONES 0x0101010101010101ull
#define HIGH 0x8080808080808080ull

ALWAYS_INLINE int is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/* Class bits of a character beyond ASCII, and its length; strict UTF-8. */
static uint8_t class_beyond(const uint8_t *classes, const uint8_t *s, size_t left,
                            size_t *length) {
    uint8_t a = s[0];
    *length = 1;
    if (a >= 0xC2 && a <= 0xDF) {
        if (left < 2 || !is_continuation(s[1])) return 0;
        *length = 2;
        return classes[(a & 0x1F) << 6 | (s[1] & 0x3F)];
    }
    if (a >= 0xE0 && a <= 0xEF) {
        if (left < 3 || !is_continuation(s[1]) || !is_continuation(s[2])) return 0;
        if ((a == 0xE0 && s[1] < 0xA0) || (a == 0xED && s[1] > 0x9F)) return 0;
        *length = 3;
        return classes[(a & 0x0F) << 12 | (s[1] & 0x3F) << 6 | (s[2] & 0x3F)];
    }
    if (a >= 0xF0 && a <= 0xF4) {
        if (left < 4 || !is_continuation(s[1]) || !is_continuation(s[2]) ||
            !is_continuation(s[3]))
            return 0;
        if ((a == 0xF0 && s[1] < 0x90) || (a == 0xF4 && s[1] > 0x8F)) return 0;
        *length = 4;
        return classes[(a & 0x07) << 18 | (s[1] & 0x3F) << 12 | (s[2] & 0x3F) << 6 |
                       (s[3] & 0x3F)];
    }
    return 0;
}

ALWAYS_INLINE uint8_t class_at(const uint8_t *classes, const uint8_t *s, size_t i,
                               size_t n, size_t *length) {
    if (LIKELY(s[i] < 0x80)) {
        *length = 1;
        return classes[s[i]];
    }
    return class_beyond(classes, s + i, n - i, length);
}

/* End of the run of letters that begins at i. */
ALWAYS_INLINE size_t letters(const uint8_t *classes, const uint8_t *s, size_t i,
                             size_t n) {
    for (;;) {
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        while (i + 8 <= n) {
            uint64_t word = load64(s + i);
            uint64_t low = (word | 0x20 * ONES) & ~HIGH;
            uint64_t from_a = low + (0x80 - 'a') * ONES;
            uint64_t past_z = low + (0x80 - 'z' - 1) * ONES;
            uint64_t other = ~(from_a & ~past_z & ~word) & HIGH;
            if (other) {
                i += (size_t)__builtin_ctzll(other) >> 3;
                break;
            }
            i += 8;
        }
#endif
        if (i >= n) return n;
        size_t length;
        if (!(class_at(classes, s, i, n, &length) & LETTER)) return i;
        i += length;
    }
}

/* End of the run of characters that have one of `wanted`. */
ALWAYS_INLINE size_t run_of(const uint8_t *classes, const uint8_t *s, size_t i,
                            size_t n, uint8_t wanted) {
    size_t length;
    while (i < n && (class_at(classes, s, i, n, &length) & wanted)) i += length;
    return i;
}

/* End of up to `most` numbers. */
ALWAYS_INLINE size_t numbers(const uint8_t *classes, const uint8_t *s, size_t i,
                             size_t n, size_t most) {
    size_t length;
    while (most-- && i < n && (class_at(classes, s, i, n, &length) & NUMBER))
        i += length;
    return i;
}

/* End of a run of neither letters, numbers nor white space, of which one stands at i,
 * and what may follow it. */
ALWAYS_INLINE size_t others(const uint8_t *classes, const uint8_t *s, size_t i,
                            size_t n, int pattern) {
    size_t length;
    class_at(classes, s, i, n, &length);
    do i += length;
    while (i < n && !(class_at(classes, s, i, n, &length) & (LETTER | NUMBER | SPACE)));
    if (pattern == GPT2) return i;
    while (i < n && (s[i] == '\r' || s[i] == '\n' || (pattern == O200K && s[i] == '/')))
        i++;
    return i;
}

/* End of the white space at i: through its last newline, else all but the character
 * that the next piece may take. */
ALWAYS_INLINE size_t white_space(const uint8_t *classes, const uint8_t *s, size_t i,
                                 size_t n, int pattern) {
    size_t at = i, last = i, newline = 0, length;
    while (at < n) {
        uint8_t bits = class_at(classes, s, at, n, &length);
        if (!(bits & SPACE)) break;
        last = at;
        at += length;
        if (bits & NEWLINE) newline = at;
    }
    if (pattern == CL100K && at == n) return at;
    if (pattern != GPT2 && newline) return newline;
    if (at == n || last == i) return at;
    return last;
}

/* Length of 's 't 'm 'd 're 've 'll at i (an apostrophe stands there), or 0. */
ALWAYS_INLINE size_t contraction(const uint8_t *s, size_t i, size_t n, int any_case) {
    if (n - i < 2) return 0;
    uint8_t fold = any_case ? 0x20 : 0;
    uint8_t a = s[i + 1] | fold;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if (n - i < 3) return 0;
    if (any_case && s[i + 1] == 0xC5 && s[i + 2] == 0xBF) return 3; /* long s */
    uint8_t b = s[i + 2] | fold;
    if ((a == 'r' || a == 'v') && b == 'e') return 3;
    if (a == 'l' && b == 'l') return 3;
    return 0;
}

ALWAYS_INLINE size_t piece_gpt2(const uint8_t *classes, const uint8_t *s, size_t i,
                                size_t n) {
    if (s[i] == '\'') {
        size_t length = contraction(s, i, n, 0);
        if (length) return i + length;
    }
    size_t at = i, length;
    uint8_t bits = class_at(classes, s, i, n, &length);
    if (s[i] == ' ' && i + 1 < n) {
        uint8_t next = class_at(classes, s, i + 1, n, &length);
        if (!(next & SPACE)) {
            bits = next;
            at = i + 1;
        }
    }
    if (bits & LETTER) return letters(classes, s, at, n);
    if (bits & NUMBER) return run_of(classes, s, at, n, NUMBER);
    if (bits & SPACE) return white_space(classes, s, i, n, GPT2);
    return others(classes, s, at, n, GPT2);
}

/* cl100k, llama3, qwen2, digits2: they differ in how many digits stay together. */
ALWAYS_INLINE size_t piece_cl100k(const uint8_t *classes, const uint8_t *s, size_t i,
                                  size_t n, int pattern) {
    size_t length, next_length;
    uint8_t first = s[i];
    uint8_t bits = class_at(classes, s, i, n, &length);
    if (bits & LETTER) return letters(classes, s, i + length, n);
    if (first == '\'') {
        size_t found = contraction(s, i, n, 1);
        if (found) return i + found;
    }
    if (bits & NUMBER)
        return numbers(classes, s, i, n,
                       pattern == QWEN2 ? 1 : pattern == DIGITS2 ? 2 : 3);
    size_t next = i + length;
    uint8_t after =
        next < n ? class_at(classes, s, next, n, &next_length) : (uint8_t)SPACE;
    if ((after & LETTER) && !(bits & NEWLINE))
        return letters(classes, s, next + next_length, n);
    if (!(bits & SPACE)) return others(classes, s, i, n, pattern);
    if (first == ' ' && !(after & (SPACE | NUMBER | LETTER)))
        return others(classes, s, next, n, pattern);
    return white_space(classes, s, i, n, pattern);
}

/* UPPER* LOWER+ from i, with its one way back, or 0. */
ALWAYS_INLINE size_t word_to_lower(const uint8_t *classes, const uint8_t *s, size_t i,
                                   size_t n) {
    size_t at = i, both = 0, length;
    uint8_t bits = 0;
    while (at < n && ((bits = class_at(classes, s, at, n, &length)) & UPPER)) {
        at += length;
        if (bits & LOWER) both = at;
    }
    if (at < n && (bits & LOWER)) return run_of(classes, s, at, n, LOWER);
    return both;
}

/* UPPER+ LOWER* from i, or 0. */
ALWAYS_INLINE size_t word_from_upper(const uint8_t *classes, const uint8_t *s,
                                     size_t i, size_t n) {
    size_t at = run_of(classes, s, i, n, UPPER);
    return at == i ? 0 : run_of(classes, s, at, n, LOWER);
}

ALWAYS_INLINE size_t with_contraction(const uint8_t *s, size_t at, size_t n) {
    return at < n && s[at] == '\'' ? at + contraction(s, at, n, 1) : at;
}

ALWAYS_INLINE size_t piece_o200k(const uint8_t *classes, const uint8_t *s, size_t i,
                                 size_t n) {
    size_t length, end;
    uint8_t bits = class_at(classes, s, i, n, &length);
    int may_prefix = !(bits & (NEWLINE | LETTER | NUMBER)) && i + length < n;
    if (may_prefix && (end = word_to_lower(classes, s, i + length, n)))
        return with_contraction(s, end, n);
    if ((end = word_to_lower(classes, s, i, n))) return with_contraction(s, end, n);
    if (may_prefix && (end = word_from_upper(classes, s, i + length, n)))
        return with_contraction(s, end, n);
    if ((end = word_from_upper(classes, s, i, n))) return with_contraction(s, end, n);
    if (bits & NUMBER) return numbers(classes, s, i, n, 3);
    if (!(bits & SPACE)) return others(classes, s, i, n, O200K);
    if (s[i] == ' ' && i + 1 < n &&
        !(class_at(classes, s, i + 1, n, &length) & (SPACE | NUMBER | LETTER)))
        return others(classes, s, i + 1, n, O200K);
    return white_space(classes, s, i, n, O200K);
}

ALWAYS_INLINE size_t piece_end(int pattern, const uint8_t *classes, const uint8_t *s,
                               size_t i, size_t n) {
    if (pattern == GPT2) return piece_gpt2(classes, s, i, n);
    if (pattern == O200K) return piece_o200k(classes, s, i, n);
    return piece_cl100k(classes, s, i, n, pattern);
}

#define DEFINE_BLOCK(name, pattern)                                              \
    static size_t name(const uint8_t *classes, Span *span, size_t *ends) {       \
        size_t at = span->begin, found = 0;                                      \
        while (at < span->stop && found < BLOCK) {                               \
            at = piece_end(pattern, classes, span->text, at, span->end);         \
            ends[found++] = at;                                                  \
        }                                                                        \
        span->begin = at;                                                        \
        return found;                                                            \
    }

DEFINE_BLOCK(block_gpt2, GPT2)
DEFINE_BLOCK(block_cl100k, CL100K)
DEFINE_BLOCK(block_llama3, LLAMA3)
DEFINE_BLOCK(block_qwen2, QWEN2)
DEFINE_BLOCK(block_digits2, DIGITS2)
DEFINE_BLOCK(block_o200k, O200K)

size_t split_block(const Splitter *splitter, Span *span, size_t *ends) {
    static size_t (*const blocks[N_PATTERNS])(const uint8_t *, Span *, size_t *) = {
        block_gpt2,  block_cl100k,  block_llama3,
        block_qwen2, block_digits2, block_o200k,
    };
    return blocks[splitter->pattern](splitter->classes, span, ends);
}

ALWAYS_INLINE int is_ascii_letter(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26;
}

ALWAYS_INLINE int is_ascii_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

/* A piece begins at `at` in every pattern, whatever comes before and after. */
ALWAYS_INLINE int is_border(const uint8_t *text, size_t at, size_t end) {
    if (text[at - 1] == '\n')
        return is_ascii_letter(text[at]) || is_ascii_digit(text[at]);
    return text[at] == ' ' && at + 1 < end && is_ascii_letter(text[at - 1]) &&
           is_ascii_letter(text[at + 1]);
}

size_t next_border(const uint8_t *text, size_t from, size_t end) {
    for (size_t at = from ? from : 1; at < end; at++)
        if (is_border(text, at, end)) return at;
    return end;
}

size_t last_border(const uint8_t *text, size_t end) {
    for (size_t at = end ? end - 1 : 0; at > 0; at--)
        if (is_border(text, at, end)) return at;
    return 0;
}
