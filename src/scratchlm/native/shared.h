/* What the parts of the C core share.
 *
 * Nothing here knows Python but module.c; everything runs without the interpreter's
 * lock, on memory that the caller keeps alive. Texts are any bytes: a byte that is not
 * part of valid UTF-8 is one character of no class. Functions that need memory return
 * a negative Status when there is none (or when a count leaves 64 bits).
 */
#ifndef SCRATCHLM_SHARED_H
#define SCRATCHLM_SHARED_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define PREFETCH(address) __builtin_prefetch(address)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define ALWAYS_INLINE static inline
#define PREFETCH(address) ((void)(address))
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#endif

typedef enum { OK = 0, NO_MEMORY = -1, OVERFLOWED = -2, BAD_INPUT = -3 } Status;

/* ---- classes of characters, and splitting (split.c) ---- */

enum { LETTER = 1, NUMBER = 2, SPACE = 4, NEWLINE = 8, UPPER = 16, LOWER = 32 };
enum { GPT2, CL100K, LLAMA3, QWEN2, DIGITS2, O200K, N_PATTERNS };

#define CLASS_TABLE_BYTES 0x110000 /* one byte of bits a code point */
#define BLOCK 64                   /* pieces found at a time */

typedef struct {
    const uint8_t *classes;
    int pattern;
} Splitter;

/* A stretch of a text: pieces that begin in [begin, stop); the text ends at `end`,
 * so that what follows the stretch is seen where a pattern looks ahead. */
typedef struct {
    const uint8_t *text;
    size_t begin, stop, end;
} Span;

/* Find up to BLOCK pieces from span->begin on, and move it; `ends` gets where each
 * ends, the function returns how many. */
size_t split_block(const Splitter *splitter, Span *span, size_t *ends);

/* The first place at or after `from` where every pattern begins a piece whatever
 * stands around: an ASCII letter or digit after a newline, or a space between two
 * ASCII letters; `end` where there is none. */
size_t next_border(const uint8_t *text, size_t from, size_t end);

/* The last such place, or 0. */
size_t last_border(const uint8_t *text, size_t end);

/* ---- memory for tables (memory.c) ---- */

/* Zeroed memory, in huge pages where the system has them: a probe of a large table is
 * then one miss, not two. */
void *table_memory(size_t bytes);
void table_memory_free(void *memory);

/* ---- keys of pieces (table.c) ---- */

/* A piece of up to 15 bytes is its own key, with its length in the last byte; a longer
 * one has its hash, its length, and 0xFF there. No key is all zero but the empty one. */
typedef struct {
    uint64_t low, high;
} Key;

#define SHORT_PIECE 15

ALWAYS_INLINE uint64_t mix(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t x = (a ^ (a >> 32)) * 0xd6e8feb86659fd93ull;
    return x ^ (x >> 29) ^ (b * 0x9e3779b97f4a7c15ull);
#endif
}

ALWAYS_INLINE uint64_t load64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

uint64_t hash_bytes(const uint8_t *bytes, size_t length);

ALWAYS_INLINE Key make_key(const uint8_t *text, size_t begin, size_t length,
                           size_t end) {
    Key key;
    if (UNLIKELY(length > SHORT_PIECE)) {
        key.low = hash_bytes(text + begin, length);
        key.high = ((uint64_t)0xFF << 56) | (length & 0xFFFFFFFFFFFFull);
        return key;
    }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (LIKELY(begin + 16 <= end)) {
        key.low = load64(text + begin);
        key.high = load64(text + begin + 8);
        if (length < 8) {
            key.low &= ~(uint64_t)0 >> (64 - 8 * length);
            key.high = 0;
        } else {
            key.high &= (((uint64_t)1 << (8 * (length - 8))) - 1);
        }
        key.high |= (uint64_t)length << 56;
        return key;
    }
#endif
    uint8_t padded[16] = {0};
    memcpy(padded, text + begin, length);
    padded[15] = (uint8_t)length;
    key.low = key.high = 0;
    for (int i = 0; i < 8; i++) {
        key.low |= (uint64_t)padded[i] << (8 * i);
        key.high |= (uint64_t)padded[8 + i] << (8 * i);
    }
    return key;
}

ALWAYS_INLINE uint64_t hash_key(Key key) {
    return mix(key.low ^ 0x9e3779b97f4a7c15ull, key.high ^ 0xe7037ed1a0b428dbull);
}

ALWAYS_INLINE int is_long(Key key) { return (key.high >> 56) == 0xFF; }

ALWAYS_INLINE size_t key_length(Key key) {
    return is_long(key) ? (size_t)(key.high & 0xFFFFFFFFFFFFull)
                        : (size_t)(key.high >> 56);
}

ALWAYS_INLINE void short_bytes(Key key, uint8_t *bytes) {
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(key.low >> (8 * i));
        bytes[8 + i] = (uint8_t)(key.high >> (8 * i));
    }
}

/* ---- counting (table.c) ---- */

typedef struct {
    Key key;
    int64_t count;
    uint64_t at; /* where a long piece's bytes are */
} Entry;

typedef struct {
    Entry *entries;
    size_t capacity, used; /* capacity: a power of two, or 0 */
    Entry *front;          /* a small table before it, for the pieces of the moment */
    uint8_t *arena;        /* bytes of long pieces */
    size_t arena_used, arena_size;
} Table;

void table_free(Table *table);
Status table_count(Table *table, const Splitter *splitter, Span span, int64_t weight);
Status table_settle(Table *table); /* move what is in front to the table */
Status table_add_table(Table *table, const Table *other);
const uint8_t *entry_bytes(const Table *table, const Entry *entry, uint8_t *room);

/* ---- a growing list of ids ---- */

typedef struct {
    uint32_t *ids;
    size_t used, size;
} Ids;

ALWAYS_INLINE Status ids_reserve(Ids *list, size_t more) {
    if (LIKELY(list->size - list->used >= more)) return OK;
    size_t size = 2 * list->size + more + 64;
    uint32_t *ids = realloc(list->ids, size * sizeof *ids);
    if (!ids) return NO_MEMORY;
    list->ids = ids;
    list->size = size;
    return OK;
}

/* ---- learning merges (learn.c) ---- */

typedef struct {
    const int32_t *symbols; /* all pieces, one after another */
    const int64_t *offsets; /* (n_pieces + 1,) */
    const int64_t *counts;  /* (n_pieces,) */
    size_t n_pieces;
    const int32_t *lengths; /* of the first symbols, in the unit of max_length */
    size_t n_first;
    const int32_t *initial; /* (n_initial, 2): merges that come first */
    size_t n_initial, n_merges;
    int64_t min_frequency;
    int64_t max_length; /* 0: no limit */
} LearnInput;

/* Learn merges; `merges` has room for (n_merges, 2), `counts` for (n_merges,). */
Status learn(const LearnInput *input, int32_t *merges, int64_t *counts,
             size_t *n_learned);

/* ---- encoding (encode.c) ---- */

typedef struct {
    uint64_t pair; /* left << 32 | right */
    uint32_t rank, made;
} Merge;

typedef struct {
    Key key; /* the number of ids stands in its four highest bits */
    uint32_t ids[4];
} Cached;

typedef struct Worker {
    Cached *cache;
    void *block; /* what was allocated for it */
    struct Worker *next;
    Ids scratch;
} Worker;

typedef struct {
    Splitter splitter;
    int is_wordpiece, whole_pieces;
    uint32_t byte_ids[256];
    Merge *merges;
    size_t merge_capacity;
    uint32_t *by_bytes; /* token ids by hash of their bytes, +1; 0 where empty */
    size_t by_bytes_capacity;
    uint8_t *blob;
    uint64_t *offsets; /* (n_tokens + 1,) */
    uint8_t *continuing; /* WordPiece: 1 where a token goes on within a piece */
    size_t n_tokens, longest;
} Vocabulary;

void vocabulary_free(Vocabulary *vocabulary);
Status vocabulary_index(Vocabulary *vocabulary);
Status vocabulary_merges(Vocabulary *vocabulary, const int32_t *pairs,
                         const int32_t *ranks, const int32_t *made, size_t n);
/* Merge a piece's ids in place, in order of rank, the leftmost first. */
Status merge_ids(const Vocabulary *vocabulary, uint32_t *ids, size_t *n);
Worker *worker_new(void);
void worker_free(Worker *worker);
Status encode_span(const Vocabulary *vocabulary, Worker *worker, Span span, Ids *out);

/* ---- work on several threads (threads.c) ---- */

typedef void (*Job)(void *context, int thread);

/* Run `job` on up to n_threads threads, this one among them; where a thread cannot be
 * started, the others do its work. */
void run_threads(int n_threads, Job job, void *context);

/* Take the next number, from 0 on; safe from several threads. */
typedef struct {
    size_t next;
} Ticket;
size_t take_ticket(Ticket *ticket);

#endif
