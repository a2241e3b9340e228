/* An exact table of pieces and their counts: open addressing, keys that are the pieces
 * themselves where these are short, an arena for the bytes of long ones.
 *
 * Few pieces make most of a text. A small table that stays in the processor's cache
 * stands in front; what it gives up waits in a queue while the memory for it comes,
 * and is then added to the large table.
 */
#include "shared.h"

uint64_t hash_bytes(const uint8_t *bytes, size_t length) {
    uint64_t hash = 0x9e3779b97f4a7c15ull ^ (uint64_t)length;
    size_t i = 0;
    for (; i + 8 <= length; i += 8)
        hash = mix(hash ^ load64(bytes + i), 0xa0761d6478bd642full);
    uint64_t tail = 0;
    for (size_t j = 0; i + j < length; j++) tail |= (uint64_t)bytes[i + j] << (8 * j);
    return mix(hash ^ tail, 0xe7037ed1a0b428dbull);
}

void table_free(Table *table) {
    table_memory_free(table->entries);
    free(table->front);
    free(table->arena);
    memset(table, 0, sizeof *table);
}

static int is_empty(const Entry *entry) { return !(entry->key.low | entry->key.high); }

static Status grow(Table *table) {
    size_t capacity = table->capacity ? 2 * table->capacity : 1 << 12;
    Entry *entries = table_memory(capacity * sizeof *entries);
    if (!entries) return NO_MEMORY;
    for (size_t i = 0; i < table->capacity; i++) {
        Entry *entry = table->entries + i;
        if (is_empty(entry)) continue;
        size_t slot = hash_key(entry->key) & (capacity - 1);
        while (!is_empty(entries + slot)) slot = (slot + 1) & (capacity - 1);
        entries[slot] = *entry;
    }
    table_memory_free(table->entries);
    table->entries = entries;
    table->capacity = capacity;
    return OK;
}

static Status keep_bytes(Table *table, Entry *entry, const uint8_t *bytes,
                         size_t length) {
    if (table->arena_size - table->arena_used < length) {
        size_t size = 2 * table->arena_size + length + 4096;
        uint8_t *arena = realloc(table->arena, size);
        if (!arena) return NO_MEMORY;
        table->arena = arena;
        table->arena_size = size;
    }
    memcpy(table->arena + table->arena_used, bytes, length);
    entry->at = table->arena_used;
    table->arena_used += length;
    return OK;
}

static Status add(Table *table, Key key, uint64_t hash, const uint8_t *bytes,
                  int64_t count) {
    size_t mask = table->capacity - 1, slot = hash & mask;
    for (;; slot = (slot + 1) & mask) {
        Entry *entry = table->entries + slot;
        if (entry->key.low == key.low && entry->key.high == key.high) {
            if (is_long(key) &&
                memcmp(table->arena + entry->at, bytes, key_length(key)) != 0)
                continue;
            if (UNLIKELY(count > INT64_MAX - entry->count)) return OVERFLOWED;
            entry->count += count;
            return OK;
        }
        if (is_empty(entry)) {
            if (is_long(key) && keep_bytes(table, entry, bytes, key_length(key)) != OK)
                return NO_MEMORY;
            entry->key = key;
            entry->count = count;
            table->used++;
            return OK;
        }
    }
}

static Status make_room(Table *table, size_t more) {
    while ((table->used + more) * 5 > table->capacity * 3)
        if (grow(table) != OK) return NO_MEMORY;
    return OK;
}

#define FRONT_BITS 13
#define FRONT_SIZE ((size_t)1 << FRONT_BITS) /* entries: 256 KiB */

/* Counts on their way from the front to the table. */
typedef struct {
    Key key;
    uint64_t hash;
    int64_t count;
} Leaving;

typedef struct {
    Leaving items[BLOCK];
    size_t n;
} Queue;

static const uint8_t no_bytes[1] = {0}; /* short pieces bring none */

static Status drain(Table *table, Queue *queue) {
    if (make_room(table, BLOCK) != OK) return NO_MEMORY;
    for (size_t i = 0; i < queue->n; i++) {
        Leaving *item = queue->items + i;
        Status status = add(table, item->key, item->hash, no_bytes, item->count);
        if (status != OK) return status;
    }
    queue->n = 0;
    return OK;
}

static Status leave(Table *table, Queue *queue, const Entry *entry) {
    if (queue->n == BLOCK) {
        Status status = drain(table, queue);
        if (status != OK) return status;
    }
    uint64_t hash = hash_key(entry->key);
    PREFETCH(table->entries + (hash & (table->capacity - 1)));
    queue->items[queue->n++] = (Leaving){entry->key, hash, entry->count};
    return OK;
}

Status table_settle(Table *table) {
    Queue queue = {.n = 0};
    Status status = OK;
    if (!table->front) return OK;
    if (make_room(table, BLOCK) != OK) return NO_MEMORY;
    for (size_t i = 0; i < FRONT_SIZE && status == OK; i++)
        if (!is_empty(table->front + i)) status = leave(table, &queue, table->front + i);
    if (status == OK) status = drain(table, &queue);
    memset(table->front, 0, FRONT_SIZE * sizeof *table->front);
    return status;
}

static Status count_long(Table *table, Key key, const uint8_t *bytes, int64_t weight) {
    if (make_room(table, 1) != OK) return NO_MEMORY;
    return add(table, key, hash_key(key), bytes, weight);
}

Status table_count(Table *table, const Splitter *splitter, Span span, int64_t weight) {
    size_t ends[BLOCK], n;
    Queue queue = {.n = 0};
    if (!table->front) table->front = calloc(FRONT_SIZE, sizeof *table->front);
    if (!table->front || make_room(table, BLOCK) != OK) return NO_MEMORY;
    for (;;) {
        size_t at = span.begin;
        n = split_block(splitter, &span, ends);
        if (!n) return drain(table, &queue);
        for (size_t i = 0; i < n; at = ends[i++]) {
            Key key = make_key(span.text, at, ends[i] - at, span.end);
            Entry *entry = table->front + (hash_key(key) >> (64 - FRONT_BITS));
            Status status = OK;
            if (LIKELY(entry->key.low == key.low && entry->key.high == key.high)) {
                if (UNLIKELY(weight > INT64_MAX - entry->count)) return OVERFLOWED;
                entry->count += weight;
                continue;
            }
            if (UNLIKELY(is_long(key))) {
                status = count_long(table, key, span.text + at, weight);
            } else {
                if (!is_empty(entry)) status = leave(table, &queue, entry);
                entry->key = key;
                entry->count = weight;
            }
            if (UNLIKELY(status != OK)) return status;
        }
    }
}

const uint8_t *entry_bytes(const Table *table, const Entry *entry, uint8_t *room) {
    if (is_long(entry->key)) return table->arena + entry->at;
    short_bytes(entry->key, room);
    return room;
}

Status table_add_table(Table *table, const Table *other) {
    uint8_t room[16];
    for (size_t i = 0; i < other->capacity; i++) {
        const Entry *entry = other->entries + i;
        if (is_empty(entry)) continue;
        if (make_room(table, 1) != OK) return NO_MEMORY;
        Status status = add(table, entry->key, hash_key(entry->key),
                            entry_bytes(other, entry, room), entry->count);
        if (status != OK) return status;
    }
    return OK;
}
