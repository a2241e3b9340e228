/* How much of a text repeats, by n-grams of its words: Gopher's measure, exactly.
 *
 * The words' bytes stand one after another; a polynomial hash of every prefix gives the
 * hash of any n-gram by subtraction. First a bound from above, by a pass without a
 * branch: a sieve of hashes seen (words covered by any n-gram that may have been seen
 * before), or counts by hash (no n-gram is more frequent). Only where the bound passes
 * the limit the n-grams are counted, and there bytes decide, not hashes: a collision
 * costs time and never a verdict.
 */
#include "words.h"

#define BASE 0x9e3779b97f4a7c15ull /* odd; arithmetic modulo 2^64 */
#define SPREAD 0xd6e8feb86659fd93ull
#define N_POWERS 128
#define LOWEST 2  /* n-grams counted from here ... */
#define COUNTED 4 /* ... and from COUNTED + 1 on those seen before */

/* An n-gram's place by its hash: `at` is the number of its first word + 1, or 0. */
typedef struct {
    uint32_t tag, at;
} Slot;

typedef struct {
    size_t n, size;    /* words, and room for them */
    uint8_t *bytes;    /* of all words, nothing between them */
    uint32_t *end;     /* (n + 1,) bytes before word i */
    uint32_t *chars;   /* (n + 1,) characters before word i */
    uint64_t *hash;    /* (n + 1,) sum of (byte + 1) BASE^place before word i */
    uint64_t *inverse; /* (n,) BASE^-place of word i's first byte, times SPREAD */
    uint64_t *sieve;   /* (2^bits / 2,) or 2^bits counts of 32 bits */
    int bits;          /* 2^bits >= n */
    uint32_t *count;   /* (n,) of the n-gram first seen at word i */
    Slot *slots;       /* 2^(bits + 1) */
} Grams;

/* The hash of words i ... i + n - 1 joined by nothing; its high bits are good. */
ALWAYS_INLINE uint64_t joined(const Grams *grams, size_t i, size_t n) {
    return (grams->hash[i + n] - grams->hash[i]) * grams->inverse[i];
}

ALWAYS_INLINE uint32_t chars_of(const Grams *grams, size_t i, size_t n) {
    return grams->chars[i + n] - grams->chars[i];
}

/* ---- bounds ---- */

/* No n-gram's characters times its count are more than this. */
static int64_t top_bound(Grams *grams, size_t n) {
    uint32_t *counts = (uint32_t *)grams->sieve;
    int64_t most = 0;
    memset(counts, 0, sizeof *counts << grams->bits);
    for (size_t i = 0; i + n <= grams->n; i++) {
        uint64_t hash = joined(grams, i, n);
        int64_t count = ++counts[hash >> (64 - grams->bits)];
        int64_t product = count * (chars_of(grams, i, n) + (int64_t)n - 1);
        most = product > most ? product : most;
    }
    return most;
}

/* Characters of words in any n-gram that may have been seen before. */
static int64_t repeated_bound(Grams *grams, size_t n) {
    int64_t covered = 0;
    size_t until = 0; /* the words before this one are counted, or not covered */
    memset(grams->sieve, 0, sizeof *grams->sieve << (grams->bits - 1));
    for (size_t i = 0; i + n <= grams->n; i++) {
        uint64_t hash = joined(grams, i, n);
        uint64_t *cell = grams->sieve + (hash >> (65 - grams->bits));
        uint64_t mark = 1ull << (hash >> 20 & 63) | 1ull << (hash >> 26 & 63) |
                        1ull << (hash >> 32 & 63);
        int64_t seen = (*cell & mark) == mark ? -1 : 0;
        *cell |= mark;
        size_t from = until > i ? until : i;
        covered += (int64_t)(grams->chars[i + n] - grams->chars[from]) & seen;
        until = seen ? i + n : until;
    }
    return covered;
}

/* ---- exact counts ---- */

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
    hash = mix(hash, SPREAD);
    uint32_t tag = (uint32_t)hash;
    size_t place = (size_t)(hash >> (63 - grams->bits));
    for (;; place = (place + 1) & (((size_t)2 << grams->bits) - 1)) {
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

static Status clear(Grams *grams) {
    size_t bytes = sizeof *grams->slots << (grams->bits + 1);
    if (!grams->slots) grams->slots = malloc(bytes);
    if (!grams->count) grams->count = malloc((grams->n + 1) * sizeof *grams->count);
    if (!grams->slots || !grams->count) return NO_MEMORY;
    memset(grams->slots, 0, bytes);
    return OK;
}

static Status top_chars(Grams *grams, size_t n, int64_t *result) {
    uint32_t most = 0;
    size_t first = 0;
    if (clear(grams) != OK) return NO_MEMORY;
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
    *result = most ? (chars_of(grams, first, n) + (int64_t)n - 1) * most : 0;
    return OK;
}

static Status repeated_chars(Grams *grams, size_t n, int64_t *result) {
    int64_t repeated = 0;
    if (clear(grams) != OK) return NO_MEMORY;
    for (size_t i = 0; i + n <= grams->n;) {
        Slot *slot = find(grams, i, n, 0);
        if (slot->at) {
            repeated += chars_of(grams, i, n);
            i += n;
        } else {
            slot->at = (uint32_t)++i;
        }
    }
    *result = repeated;
    return OK;
}

/* ---- the words ---- */

static void grams_free(Grams *grams) {
    free(grams->bytes);
    free(grams->end);
    free(grams->chars);
    free(grams->hash);
    free(grams->inverse);
    free(grams->sieve);
    free(grams->count);
    free(grams->slots);
}

static int grow(void *array, size_t size, size_t item) {
    void **field = array, *larger = realloc(*field, (size + 1) * item);
    if (larger) *field = larger;
    return larger != NULL;
}

static Status reserve(Grams *grams, size_t size) {
    if (!grow(&grams->end, size, sizeof *grams->end) ||
        !grow(&grams->chars, size, sizeof *grams->chars) ||
        !grow(&grams->hash, size, sizeof *grams->hash) ||
        !grow(&grams->inverse, size, sizeof *grams->inverse))
        return NO_MEMORY;
    grams->size = size;
    return OK;
}

static uint64_t inverse_of(uint64_t odd) {
    uint64_t inverse = odd; /* right in 3 bits; each round doubles them */
    for (int i = 0; i < 5; i++) inverse *= 2 - odd * inverse;
    return inverse;
}

static Status fill(Grams *grams, WordCursor cursor) {
    Word word;
    uint64_t hash = 0, power = 1, inverse = SPREAD, powers[N_POWERS] = {1};
    uint32_t chars = 0;
    uint8_t *to = grams->bytes;
    powers[1] = inverse_of(BASE);
    for (int i = 2; i < N_POWERS; i++) powers[i] = powers[i - 1] * powers[1];
    for (size_t n = 0;; n++) {
        if (n == grams->size && reserve(grams, 2 * n + 16) != OK) return NO_MEMORY;
        grams->end[n] = (uint32_t)(to - grams->bytes);
        grams->chars[n] = chars;
        grams->hash[n] = hash;
        grams->inverse[n] = inverse;
        grams->n = n;
        if (!next_word(&cursor, &word)) return OK;
        for (size_t i = word.begin; i < word.end; i++, power *= BASE) {
            *to++ = cursor.text[i];
            hash += power * (cursor.text[i] + 1ull);
        }
        size_t length = word.end - word.begin;
        chars += (uint32_t)word.chars;
        inverse = LIKELY(length < N_POWERS) ? inverse * powers[length]
                                            : inverse_of(power) * SPREAD;
    }
}

static Status grams_new(Grams *grams, WordCursor cursor) {
    *grams = (Grams){.bytes = malloc(cursor.length + 1), .bits = 6};
    if (!grams->bytes || reserve(grams, cursor.length / 5 + 16) != OK) return NO_MEMORY;
    Status status = fill(grams, cursor);
    if (status != OK) return status;
    while (((size_t)1 << grams->bits) < grams->n) grams->bits++;
    grams->sieve = malloc(sizeof(uint32_t) << grams->bits);
    return grams->sieve ? OK : NO_MEMORY;
}

Status repetition(WordCursor cursor, double n_chars, const double *limits,
                  int64_t *result, int *n_results) {
    Grams grams;
    if (cursor.length > UINT32_MAX / 2) return BAD_INPUT;
    Status status = grams_new(&grams, cursor);
    *n_results = 0;
    for (int i = 0; status == OK && i < N_REPETITIONS; i++) {
        size_t n = (size_t)i + LOWEST;
        int top = n <= COUNTED;
        result[i] = top ? top_bound(&grams, n) : repeated_bound(&grams, n);
        if ((double)result[i] / n_chars > limits[i]) {
            status = top ? top_chars(&grams, n, result + i)
                         : repeated_chars(&grams, n, result + i);
        }
        *n_results = i + 1;
        if ((double)result[i] / n_chars > limits[i]) break;
    }
    grams_free(&grams);
    return status;
}
