/* Encode pieces: look in a cache, else merge (BPE) or take the longest match
 * (WordPiece). The cache holds what short pieces became, in lines of two; it belongs to
 * one worker, and one worker to one thread at a time.
 */
#include "shared.h"

#define CACHE_LINES (1 << 17) /* of two entries: 8 MiB a worker */
#define NO_RANK UINT32_MAX
#define SMALL 64 /* symbols; below, quadratic work is faster than a heap */
#define COUNT_SHIFT 60
#define COUNT_MASK ((uint64_t)0xF << COUNT_SHIFT)

void vocabulary_free(Vocabulary *v) {
    free(v->merges);
    free(v->by_bytes);
    free(v->blob);
    free(v->offsets);
    free(v->continuing);
}

Worker *worker_new(void) {
    Worker *worker = calloc(1, sizeof *worker);
    if (!worker) return NULL;
    worker->block = table_memory((size_t)CACHE_LINES * 2 * sizeof(Cached) + 64);
    if (!worker->block) {
        free(worker);
        return NULL;
    }
    worker->cache = (Cached *)(((uintptr_t)worker->block + 63) & ~(uintptr_t)63);
    return worker;
}

void worker_free(Worker *worker) {
    table_memory_free(worker->block);
    free(worker->scratch.ids);
    free(worker);
}

/* ---- tokens by their bytes ---- */

static const uint8_t *token_bytes(const Vocabulary *v, size_t token, size_t *length) {
    *length = (size_t)(v->offsets[token + 1] - v->offsets[token]);
    return v->blob + v->offsets[token];
}

static uint64_t token_hash(const uint8_t *bytes, size_t length, int continuing) {
    return hash_bytes(bytes, length) + (uint64_t)continuing * 0x9e3779b97f4a7c15ull;
}

static uint32_t find_token(const Vocabulary *v, const uint8_t *bytes, size_t length,
                           int continuing) {
    size_t mask = v->by_bytes_capacity - 1;
    size_t slot = token_hash(bytes, length, continuing) & mask;
    for (; v->by_bytes[slot]; slot = (slot + 1) & mask) {
        size_t token = v->by_bytes[slot] - 1, found;
        const uint8_t *its = token_bytes(v, token, &found);
        if (found == length && v->continuing[token] == continuing &&
            memcmp(its, bytes, length) == 0)
            return (uint32_t)token;
    }
    return NO_RANK;
}

Status vocabulary_index(Vocabulary *v) {
    size_t capacity = 1024;
    while (capacity < 2 * v->n_tokens) capacity *= 2;
    v->by_bytes = calloc(capacity, sizeof *v->by_bytes);
    if (!v->by_bytes) return NO_MEMORY;
    v->by_bytes_capacity = capacity;
    for (size_t token = 0; token < v->n_tokens; token++) {
        size_t length;
        const uint8_t *bytes = token_bytes(v, token, &length);
        if (!length) continue;
        if (length > v->longest) v->longest = length;
        if (find_token(v, bytes, length, v->continuing[token]) != NO_RANK) continue;
        size_t slot =
            token_hash(bytes, length, v->continuing[token]) & (capacity - 1);
        while (v->by_bytes[slot]) slot = (slot + 1) & (capacity - 1);
        v->by_bytes[slot] = (uint32_t)token + 1;
    }
    return OK;
}

/* ---- merges by their pair ---- */

static uint64_t pair_of(uint32_t left, uint32_t right) {
    return (uint64_t)left << 32 | right;
}

static Merge *find_merge(const Vocabulary *v, uint64_t pair) {
    size_t mask = v->merge_capacity - 1;
    size_t slot = mix(pair ^ 0x9e3779b97f4a7c15ull, 0xa0761d6478bd642full) & mask;
    while (v->merges[slot].rank != NO_RANK && v->merges[slot].pair != pair)
        slot = (slot + 1) & mask;
    return v->merges + slot;
}

static uint32_t rank_of(const Vocabulary *v, uint32_t left, uint32_t right) {
    return find_merge(v, pair_of(left, right))->rank;
}

Status vocabulary_merges(Vocabulary *v, const int32_t *pairs, const int32_t *ranks,
                         const int32_t *made, size_t n) {
    size_t capacity = 1024;
    while (capacity < 2 * n) capacity *= 2;
    v->merges = malloc(capacity * sizeof *v->merges);
    if (!v->merges) return NO_MEMORY;
    v->merge_capacity = capacity;
    for (size_t i = 0; i < capacity; i++) v->merges[i] = (Merge){0, NO_RANK, 0};
    for (size_t i = 0; i < n; i++) {
        uint64_t pair = pair_of((uint32_t)pairs[2 * i], (uint32_t)pairs[2 * i + 1]);
        /* of one pair given twice the later counts, as in a dictionary */
        *find_merge(v, pair) = (Merge){pair, (uint32_t)ranks[i], (uint32_t)made[i]};
    }
    return OK;
}

/* ---- one piece by BPE ---- */

static size_t merge_small(const Vocabulary *v, uint32_t *ids, size_t n) {
    uint32_t ranks[SMALL];
    for (size_t i = 0; i + 1 < n; i++) ranks[i] = rank_of(v, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[best]) best = i;
        if (ranks[best] == NO_RANK) break;
        ids[best] = find_merge(v, pair_of(ids[best], ids[best + 1]))->made;
        memmove(ids + best + 1, ids + best + 2, (n - best - 2) * sizeof *ids);
        if (best + 2 < n)
            memmove(ranks + best + 1, ranks + best + 2, (n - best - 3) * sizeof *ranks);
        n--;
        if (best + 1 < n) ranks[best] = rank_of(v, ids[best], ids[best + 1]);
        if (best) ranks[best - 1] = rank_of(v, ids[best - 1], ids[best]);
    }
    return n;
}

typedef struct {
    uint32_t rank;
    size_t at;
} Waiting;

typedef struct {
    uint32_t *ids;
    size_t *next, *last; /* linked list of symbols; `last` is the one before */
    Waiting *heap;
    size_t n_heap;
} Long;

static int sooner(Waiting a, Waiting b) {
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static void wait(Long *w, uint32_t rank, size_t place) {
    if (rank == NO_RANK) return;
    Waiting item = {rank, place};
    size_t at = w->n_heap++;
    for (; at && sooner(item, w->heap[(at - 1) / 2]); at = (at - 1) / 2)
        w->heap[at] = w->heap[(at - 1) / 2];
    w->heap[at] = item;
}

static Waiting take(Long *w) {
    Waiting top = w->heap[0], item = w->heap[--w->n_heap];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= w->n_heap) break;
        if (child + 1 < w->n_heap && sooner(w->heap[child + 1], w->heap[child]))
            child++;
        if (!sooner(w->heap[child], item)) break;
        w->heap[at] = w->heap[child];
        at = child;
    }
    w->heap[at] = item;
    return top;
}

#define GONE UINT32_MAX

static void merge_waiting(const Vocabulary *v, Long *w, size_t n) {
    while (w->n_heap) {
        Waiting top = take(w);
        size_t at = top.at, right = w->next[at];
        if (w->ids[at] == GONE || right >= n) continue;
        Merge *merge = find_merge(v, pair_of(w->ids[at], w->ids[right]));
        if (merge->rank != top.rank) continue; /* one of the two merged meanwhile */
        w->ids[at] = merge->made;
        w->ids[right] = GONE;
        size_t after = w->next[at] = w->next[right];
        if (after < n) {
            w->last[after] = at;
            wait(w, rank_of(v, w->ids[at], w->ids[after]), at);
        }
        if (at) {
            size_t left = w->last[at];
            wait(w, rank_of(v, w->ids[left], w->ids[at]), left);
        }
    }
}

static Status merge_long(const Vocabulary *v, uint32_t *ids, size_t *n) {
    Long w = {.ids = ids};
    size_t kept = 0;
    w.next = malloc(*n * sizeof *w.next);
    w.last = malloc(*n * sizeof *w.last);
    w.heap = malloc(3 * *n * sizeof *w.heap); /* n at first, two more a merge */
    Status status = w.next && w.last && w.heap ? OK : NO_MEMORY;
    if (status == OK) {
        for (size_t i = 0; i < *n; i++) {
            w.next[i] = i + 1;
            w.last[i] = i - 1;
        }
        for (size_t i = 0; i + 1 < *n; i++)
            wait(&w, rank_of(v, ids[i], ids[i + 1]), i);
        merge_waiting(v, &w, *n);
        for (size_t i = 0; i < *n; i = w.next[i]) ids[kept++] = ids[i];
        *n = kept;
    }
    free(w.next);
    free(w.last);
    free(w.heap);
    return status;
}

Status merge_ids(const Vocabulary *v, uint32_t *ids, size_t *n) {
    if (*n > SMALL) return merge_long(v, ids, n);
    *n = merge_small(v, ids, *n);
    return OK;
}

static Status merge_piece(const Vocabulary *v, const uint8_t *bytes, size_t n,
                          Ids *out) {
    if (ids_reserve(out, n) != OK) return NO_MEMORY;
    uint32_t *ids = out->ids + out->used;
    for (size_t i = 0; i < n; i++) ids[i] = v->byte_ids[bytes[i]];
    Status status = merge_ids(v, ids, &n);
    out->used += status == OK ? n : 0;
    return status;
}

/* ---- one piece by the longest match ---- */

static Status match_longest(const Vocabulary *v, const uint8_t *bytes, size_t n,
                            Ids *out) {
    for (size_t at = 0; at < n;) {
        size_t length = n - at < v->longest ? n - at : v->longest;
        uint32_t token = NO_RANK;
        for (; length; length--)
            if ((token = find_token(v, bytes + at, length, at > 0)) != NO_RANK) break;
        if (token == NO_RANK) return BAD_INPUT; /* a byte without a token */
        if (ids_reserve(out, 1) != OK) return NO_MEMORY;
        out->ids[out->used++] = token;
        at += length;
    }
    return OK;
}

static Status encode_piece(const Vocabulary *v, const uint8_t *bytes, size_t n,
                           Ids *out) {
    if (v->is_wordpiece) return match_longest(v, bytes, n, out);
    if (v->whole_pieces) {
        uint32_t token = find_token(v, bytes, n, 0);
        if (token != NO_RANK) {
            if (ids_reserve(out, 1) != OK) return NO_MEMORY;
            out->ids[out->used++] = token;
            return OK;
        }
    }
    return merge_piece(v, bytes, n, out);
}

/* ---- a stretch of text ---- */

ALWAYS_INLINE int matches(const Cached *entry, Key key) {
    return entry->key.low == key.low && (entry->key.high & ~COUNT_MASK) == key.high;
}

ALWAYS_INLINE void copy_cached(const Cached *entry, Ids *out) {
    memcpy(out->ids + out->used, entry->ids, sizeof entry->ids);
    out->used += (entry->key.high & COUNT_MASK) >> COUNT_SHIFT;
}

static Status encode_missing(const Vocabulary *v, Cached *line, Key key,
                             const uint8_t *bytes, Ids *out) {
    size_t before = out->used;
    Status status = encode_piece(v, bytes, key_length(key), out);
    size_t n = out->used - before;
    if (status != OK || is_long(key) || n > 4) return status;
    line[1] = line[0];
    line[0].key = key;
    line[0].key.high |= (uint64_t)n << COUNT_SHIFT;
    memcpy(line[0].ids, out->ids + before, n * sizeof *out->ids);
    return OK;
}

Status encode_span(const Vocabulary *v, Worker *worker, Span span, Ids *out) {
    size_t ends[BLOCK], n;
    Key keys[BLOCK];
    Cached *lines[BLOCK];
    for (;;) {
        size_t begin = span.begin;
        n = split_block(&v->splitter, &span, ends);
        if (!n) return OK;
        if (ids_reserve(out, 4 * BLOCK) != OK) return NO_MEMORY;
        for (size_t i = 0, at = begin; i < n; at = ends[i++]) {
            keys[i] = make_key(span.text, at, ends[i] - at, span.end);
            lines[i] = worker->cache + 2 * (hash_key(keys[i]) & (CACHE_LINES - 1));
            PREFETCH(lines[i]);
        }
        for (size_t i = 0, at = begin; i < n; at = ends[i++]) {
            Cached *line = lines[i];
            if (LIKELY(matches(line, keys[i]))) {
                copy_cached(line, out);
            } else if (matches(line + 1, keys[i])) {
                copy_cached(line + 1, out);
            } else {
                Status status = encode_missing(v, line, keys[i], span.text + at, out);
                if (status != OK) return status;
                if (ids_reserve(out, 4 * BLOCK) != OK) return NO_MEMORY;
            }
        }
    }
}
