/* How much of a text repeats, by n-grams of its words: Gopher's measure, exactly.
 *
 * The words' bytes stand one after another; a polynomial hash of every prefix gives the
 * hash of any n-gram by subtraction. Equal hashes are only a hint: bytes decide, so
 * that a collision costs time and never a verdict.
 */
#include "words.h"

#define BASE 0x9e3779b97f4a7c15ull /* odd; arithmetic modulo 2^64 */
#define N_POWERS 128
#define LOWEST 2 /* n-grams counted from here ... */
#define COUNTED 4
#define HIGHEST 10 /* ... and from COUNTED + 1 on those seen before */

/* An n-gram's place by its hash: `at` is the number of its first word + 1, or 0. */
typedef struct {
    uint32_t tag, at;
} Slot;

typedef struct {
    size_t n;        /* words */
    uint8_t *bytes;  /* of all words, nothing between them */
    uint32_t *end;   /* (n + 1,) bytes before word i */
    uint32_t *chars; /* (n + 1,) characters before word i */
    uint64_t *hash;  /* (n + 1,) hash of the bytes before word i */
    uint32_t *count; /* (n,) of the n-gram first seen at word i */
    Slot *slots;
    size_t n_slots; /* a power of two */
    int shift;
    uint64_t powers[N_POWERS];
} Grams;

static uint64_t power(const Grams *grams, uint32_t exponent) {
    if (LIKELY(exponent < N_POWERS)) return grams->powers[exponent];
    uint64_t result = 1, square = BASE;
    for (; exponent; exponent >>= 1, square *= square)
        if (exponent & 1) result *= square;
    return result;
}

/* The hash of words i ... i + n - 1 joined by nothing. */
ALWAYS_INLINE uint64_t joined(const Grams *grams, size_t i, size_t n) {
    uint32_t length = grams->end[i + n] - grams->end[i];
    return grams->hash[i + n] - grams->hash[i] * power(grams, length);
}

ALWAYS_INLINE int same_bytes(const Grams *grams, size_t a, size_t b, size_t n) {
    size_t length = grams->end[a + n] - grams->end[a];
    if (grams->end[b + n] - grams->end[b] != length) return 0;
    return !memcmp(grams->bytes + grams->end[a], grams->bytes + grams->end[b], length);
}

ALWAYS_INLINE int same_borders(const Grams *grams, size_t a, size_t b, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (grams->end[a + i] - grams->end[a] != grams->end[b + i] - grams->end[b])
            return 0;
    return 1;
}

/* The slot of the n-gram at word i: its own, or the empty one where it would stand. */
ALWAYS_INLINE Slot *find(const Grams *grams, size_t i, size_t n, int borders) {
    uint64_t hash = joined(grams, i, n);
    for (size_t k = 1; borders && k < n; k++)
        hash = (hash ^ (grams->end[i + k] - grams->end[i])) * BASE;
    hash = mix(hash, 0xd6e8feb86659fd93ull);
    uint32_t tag = (uint32_t)hash;
    size_t place = (size_t)(hash >> grams->shift);
    for (;; place = (place + 1) & (grams->n_slots - 1)) {
        Slot *slot = grams->slots + place;
        if (!slot->at) {
            slot->tag = tag;
            return slot;
        }
        if (slot->tag == tag && same_bytes(grams, slot->at - 1, i, n) &&
            (!borders || same_borders(grams, slot->at - 1, i, n)))
            return slot;
    }
}

static void clear(Grams *grams) {
    memset(grams->slots, 0, grams->n_slots * sizeof *grams->slots);
}

static int64_t length_of(const Grams *grams, size_t i, size_t n) {
    return (int64_t)(grams->chars[i + n] - grams->chars[i]);
}

static int64_t top_chars(Grams *grams, size_t n) {
    uint32_t most = 0;
    size_t first = 0;
    clear(grams);
    for (size_t i = 0; i + n <= grams->n; i++) {
        Slot *slot = find(grams, i, n, 1);
        if (!slot->at) {
            slot->at = (uint32_t)i + 1;
            grams->count[i] = 0;
        }
        size_t place = slot->at - 1;
        uint32_t count = ++grams->count[place];
        if (count > most || (count == most && place < first)) {
            most = count;
            first = place;
        }
    }
    if (!most) return 0;
    return (length_of(grams, first, n) + (int64_t)n - 1) * most;
}

static int64_t repeated_chars(Grams *grams, size_t n) {
    int64_t repeated = 0;
    clear(grams);
    for (size_t i = 0; i + n <= grams->n;) {
        Slot *slot = find(grams, i, n, 0);
        if (slot->at) {
            repeated += length_of(grams, i, n);
            i += n;
        } else {
            slot->at = (uint32_t)++i;
        }
    }
    return repeated;
}

static void grams_free(Grams *grams) {
    free(grams->bytes);
    free(grams->end);
    free(grams->chars);
    free(grams->hash);
    free(grams->count);
    free(grams->slots);
}

static Status grams_new(Grams *grams, size_t n_words, size_t n_bytes) {
    size_t n_slots = 16;
    int bits = 4;
    for (; n_slots < 2 * n_words; n_slots *= 2) bits++;
    *grams = (Grams){
        .bytes = malloc(n_bytes + 1),
        .end = malloc((n_words + 1) * sizeof *grams->end),
        .chars = malloc((n_words + 1) * sizeof *grams->chars),
        .hash = malloc((n_words + 1) * sizeof *grams->hash),
        .count = malloc((n_words + 1) * sizeof *grams->count),
        .slots = malloc(n_slots * sizeof *grams->slots),
        .n_slots = n_slots,
        .shift = 64 - bits,
        .powers = {1},
    };
    for (int i = 1; i < N_POWERS; i++) grams->powers[i] = grams->powers[i - 1] * BASE;
    return grams->bytes && grams->end && grams->chars && grams->hash && grams->count &&
                   grams->slots
               ? OK
               : NO_MEMORY;
}

static void fill(Grams *grams, WordCursor cursor) {
    Word word;
    uint64_t hash = 0;
    uint32_t chars = 0;
    uint8_t *to = grams->bytes;
    grams->end[0] = grams->chars[0] = 0;
    grams->hash[0] = 0;
    while (next_word(&cursor, &word)) {
        for (size_t i = word.begin; i < word.end; i++) {
            *to++ = cursor.text[i];
            hash = hash * BASE + cursor.text[i] + 1;
        }
        chars += (uint32_t)word.chars;
        grams->n++;
        grams->end[grams->n] = (uint32_t)(to - grams->bytes);
        grams->chars[grams->n] = chars;
        grams->hash[grams->n] = hash;
    }
}

Status repetition(const uint8_t *table, const uint8_t *text, size_t length,
                  int64_t result[N_REPETITIONS]) {
    Grams grams;
    Word word;
    WordCursor cursor = {table, text, 0, length};
    size_t n_words = 0;
    if (length > UINT32_MAX / 2) return BAD_INPUT;
    while (next_word(&cursor, &word)) n_words++;
    Status status = grams_new(&grams, n_words, length);
    if (status == OK) {
        cursor.at = 0;
        fill(&grams, cursor);
        for (size_t n = LOWEST; n <= HIGHEST; n++)
            *result++ = n <= COUNTED ? top_chars(&grams, n) : repeated_chars(&grams, n);
    }
    grams_free(&grams);
    return status;
}
