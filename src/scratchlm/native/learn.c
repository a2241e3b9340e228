/* Learn merges from counted pieces.
 *
 * All pieces lie in one array of cells; a symbol stands in the first and in the last
 * cell of its stretch, so that the neighbours of a symbol are one step away. All
 * places of a pair are found in the one pass that makes the later of its two symbols,
 * so each pair has one list of places, made once; a place that a later merge took is
 * recognised by its cells. The changes of counts of one merge are summed by neighbour
 * before the table of pairs is touched.
 *
 * Only pairs that occur at least `threshold` times are kept. A pair's count only falls
 * after its list is made, so no pair outside the table can be the most frequent while
 * one inside reaches the threshold; when none does, the threshold is lowered and the
 * table is made anew from the cells.
 */
#include "shared.h"

#define BORDER (-1)
#define INSIDE (-2)

typedef struct {
    uint64_t key; /* left << 32 | right; all ones where empty */
    int64_t count;
    size_t at;      /* its places in `places` */
    size_t n;       /* how many */
} Pair;

#define NO_PAIR (~(uint64_t)0)

typedef struct {
    int32_t symbol; /* or BORDER, between pieces, or INSIDE a stretch */
    uint32_t piece;
} Cell;

typedef struct {
    int64_t count;
    uint64_t key;
} Candidate;

/* What one merge changes for one neighbour symbol. */
typedef struct {
    int64_t left, right;         /* counts of (neighbour, made) and (made, neighbour) */
    int64_t left_lost, right_lost; /* of (neighbour, a) and (b, neighbour) */
    size_t n_left, n_right;      /* places found */
    size_t at_left, at_right;
    int touched;
} Change;

typedef struct {
    int32_t neighbour;
    int32_t is_left;
    uint32_t place;
} Found;

typedef struct {
    const LearnInput *input;
    Cell *cells;
    size_t n_cells;
    size_t *spans;    /* cells of a symbol */
    int64_t *lengths; /* in the unit of max_length */
    size_t n_symbols;
    Pair *pairs;
    size_t capacity, used;
    uint32_t *places;
    size_t n_places, places_size;
    Candidate *heap;
    size_t n_heap, heap_size;
    int64_t threshold;
    Change *changes;
    int32_t *touched;
    size_t n_touched;
    Found *found;
    size_t n_found, found_size;
} Learner;

static uint64_t pair_key(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* ---- the heap: the largest count first, of equal ones the smallest key ---- */

static int before(Candidate a, Candidate b) {
    return a.count != b.count ? a.count > b.count : a.key < b.key;
}

static Status push(Learner *l, int64_t count, uint64_t key) {
    if (l->n_heap == l->heap_size) {
        size_t size = 2 * l->heap_size + 1024;
        Candidate *heap = realloc(l->heap, size * sizeof *heap);
        if (!heap) return NO_MEMORY;
        l->heap = heap;
        l->heap_size = size;
    }
    Candidate item = {count, key};
    size_t at = l->n_heap++;
    for (; at && before(item, l->heap[(at - 1) / 2]); at = (at - 1) / 2)
        l->heap[at] = l->heap[(at - 1) / 2];
    l->heap[at] = item;
    return OK;
}

static Candidate pop(Learner *l) {
    Candidate top = l->heap[0], item = l->heap[--l->n_heap];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= l->n_heap) break;
        if (child + 1 < l->n_heap && before(l->heap[child + 1], l->heap[child]))
            child++;
        if (!before(l->heap[child], item)) break;
        l->heap[at] = l->heap[child];
        at = child;
    }
    l->heap[at] = item;
    return top;
}

/* ---- the table of pairs ---- */

static Pair *find(const Learner *l, uint64_t key) {
    size_t mask = l->capacity - 1;
    size_t slot = mix(key ^ 0x9e3779b97f4a7c15ull, 0xa0761d6478bd642full) & mask;
    while (l->pairs[slot].key != key && l->pairs[slot].key != NO_PAIR)
        slot = (slot + 1) & mask;
    return l->pairs + slot;
}

static Status set_capacity(Learner *l, size_t capacity) {
    Pair *old = l->pairs;
    size_t old_capacity = l->capacity;
    Pair *pairs = malloc(capacity * sizeof *pairs);
    if (!pairs) return NO_MEMORY;
    for (size_t i = 0; i < capacity; i++) pairs[i].key = NO_PAIR;
    l->pairs = pairs;
    l->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].key != NO_PAIR) *find(l, old[i].key) = old[i];
    free(old);
    return OK;
}

/* The entry of a pair, made with count 0 where there is none. */
static Pair *find_or_make(Learner *l, uint64_t key) {
    if (l->used * 2 >= l->capacity && set_capacity(l, 2 * l->capacity) != OK)
        return NULL;
    Pair *pair = find(l, key);
    if (pair->key == NO_PAIR) {
        *pair = (Pair){key, 0, 0, 0};
        l->used++;
    }
    return pair;
}

static Status reserve_places(Learner *l, size_t more) {
    if (l->places_size - l->n_places >= more) return OK;
    size_t size = l->places_size + l->places_size / 2 + more + 1024;
    uint32_t *places = realloc(l->places, size * sizeof *places);
    if (!places) return NO_MEMORY;
    l->places = places;
    l->places_size = size;
    return OK;
}

/* ---- cells ---- */

static size_t span_of(const Learner *l, int32_t symbol) { return l->spans[symbol]; }

static int64_t weight_at(const Learner *l, size_t place) {
    return l->input->counts[l->cells[place].piece];
}

/* Call for each pair of neighbours; `next` moves over one symbol. */
static int pair_at(const Learner *l, size_t place, size_t *next, uint64_t *key) {
    int32_t left = l->cells[place].symbol;
    if (left == BORDER) {
        *next = place + 1;
        return 0;
    }
    *next = place + span_of(l, left);
    int32_t right = l->cells[*next].symbol;
    if (right == BORDER) return 0;
    *key = pair_key(left, right);
    return 1;
}

/* Make the table, the lists and the heap anew from the cells, as they stand. */
static Status scan(Learner *l) {
    uint64_t key;
    size_t next;
    free(l->pairs);
    l->pairs = NULL;
    l->capacity = l->used = l->n_places = l->n_heap = 0;
    if (set_capacity(l, 1 << 14) != OK) return NO_MEMORY;
    for (size_t place = 1; place < l->n_cells; place = next) {
        if (!pair_at(l, place, &next, &key)) continue;
        Pair *pair = find_or_make(l, key);
        if (!pair) return NO_MEMORY;
        int64_t weight = weight_at(l, place);
        if (weight > INT64_MAX - pair->count) return OVERFLOWED;
        pair->count += weight;
        pair->n++;
    }
    Pair *all = l->pairs; /* keep the frequent ones only */
    size_t n_all = l->capacity;
    l->pairs = NULL;
    l->capacity = l->used = 0;
    Status status = set_capacity(l, 1 << 14);
    for (size_t i = 0; i < n_all && status == OK; i++) {
        if (all[i].key == NO_PAIR || all[i].count < l->threshold) continue;
        Pair *pair = find_or_make(l, all[i].key);
        if (!pair || reserve_places(l, all[i].n) != OK) {
            status = NO_MEMORY;
            break;
        }
        pair->count = all[i].count;
        pair->at = l->n_places;
        l->n_places += all[i].n;
        status = push(l, pair->count, pair->key);
    }
    free(all);
    if (status != OK) return status;
    for (size_t place = 1; place < l->n_cells; place = next) {
        if (!pair_at(l, place, &next, &key)) continue;
        Pair *pair = find(l, key);
        if (pair->key != NO_PAIR) l->places[pair->at + pair->n++] = (uint32_t)place;
    }
    return OK;
}

/* ---- one merge ---- */

static Change *change_of(Learner *l, int32_t symbol) {
    Change *change = l->changes + symbol;
    if (!change->touched) {
        memset(change, 0, sizeof *change);
        change->touched = 1;
        l->touched[l->n_touched++] = symbol;
    }
    return change;
}

static Status note_place(Learner *l, int32_t neighbour, int is_left, size_t place) {
    if (l->n_found == l->found_size) {
        size_t size = 2 * l->found_size + 1024;
        Found *found = realloc(l->found, size * sizeof *found);
        if (!found) return NO_MEMORY;
        l->found = found;
        l->found_size = size;
    }
    l->found[l->n_found++] = (Found){neighbour, is_left, (uint32_t)place};
    return OK;
}

/* Put one symbol in the place of two: from `place` to `second` to `end`. */
static void fill(Learner *l, size_t place, size_t second, size_t end, int32_t made) {
    l->cells[second - 1].symbol = l->cells[second].symbol = INSIDE;
    l->cells[place].symbol = l->cells[end - 1].symbol = made;
}

static Status merge_at(Learner *l, size_t place, int32_t a, int32_t b, int32_t made) {
    size_t second = place + span_of(l, a), end = second + span_of(l, b);
    int64_t weight = weight_at(l, place);
    int32_t left = l->cells[place - 1].symbol, right = l->cells[end].symbol;
    fill(l, place, second, end, made);
    if (left != BORDER) {
        Change *change = change_of(l, left);
        if (left == made) /* its right neighbour was `a` a moment ago */
            change_of(l, a)->right -= weight;
        else
            change->left_lost += weight;
        change->left += weight;
        change->n_left++;
        if (note_place(l, left, 1, place - span_of(l, left)) != OK) return NO_MEMORY;
    }
    if (right != BORDER) {
        Change *change = change_of(l, right);
        change->right_lost += weight;
        change->right += weight;
        change->n_right++;
        if (note_place(l, right, 0, place) != OK) return NO_MEMORY;
    }
    return OK;
}

static void lower(Learner *l, uint64_t key, int64_t by) {
    Pair *pair = find(l, key);
    if (by && pair->key != NO_PAIR) pair->count -= by;
}

/* A pair that this merge made: keep it if it is frequent. */
static Status raise_pair(Learner *l, uint64_t key, int64_t count, size_t n,
                         size_t *at) {
    *at = SIZE_MAX;
    if (count < l->threshold) return OK;
    if (reserve_places(l, n) != OK) return NO_MEMORY;
    Pair *pair = find_or_make(l, key);
    if (!pair) return NO_MEMORY;
    pair->count = count;
    pair->at = *at = l->n_places;
    pair->n = n;
    l->n_places += n;
    return push(l, count, key);
}

static Status apply_changes(Learner *l, int32_t a, int32_t b, int32_t made) {
    for (size_t i = 0; i < l->n_touched; i++) {
        int32_t symbol = l->touched[i];
        Change *change = l->changes + symbol;
        lower(l, pair_key(symbol, a), change->left_lost);
        lower(l, pair_key(b, symbol), change->right_lost);
        Status status = raise_pair(l, pair_key(symbol, made), change->left,
                                   change->n_left, &change->at_left);
        if (status == OK && symbol != made)
            status = raise_pair(l, pair_key(made, symbol), change->right,
                                change->n_right, &change->at_right);
        else
            change->at_right = SIZE_MAX;
        if (status != OK) return status;
    }
    for (size_t i = 0; i < l->n_found; i++) {
        Found *found = l->found + i;
        Change *change = l->changes + found->neighbour;
        size_t *at = found->is_left ? &change->at_left : &change->at_right;
        if (*at != SIZE_MAX) l->places[(*at)++] = found->place;
    }
    for (size_t i = 0; i < l->n_touched; i++) l->changes[l->touched[i]].touched = 0;
    l->n_touched = l->n_found = 0;
    return OK;
}

static void add_symbol(Learner *l, int32_t a, int32_t b) {
    l->spans[l->n_symbols] = l->spans[a] + l->spans[b];
    l->lengths[l->n_symbols] = l->lengths[a] + l->lengths[b];
    l->n_symbols++;
}

static Status merge_places(Learner *l, size_t at, size_t n, uint64_t key) {
    int32_t a = (int32_t)(key >> 32), b = (int32_t)(uint32_t)key;
    int32_t made = (int32_t)l->n_symbols;
    add_symbol(l, a, b);
    for (size_t i = 0; i < n; i++) {
        size_t place = l->places[at + i];
        if (i + 8 < n) PREFETCH(l->cells + l->places[at + i + 8]);
        if (l->cells[place].symbol != a ||
            l->cells[place + span_of(l, a)].symbol != b)
            continue;
        Status status = merge_at(l, place, a, b, made);
        if (status != OK) return status;
    }
    return apply_changes(l, a, b, made);
}

/* ---- everything ---- */

/* The cells of one piece: each symbol in the first and the last cell of its stretch. */
static size_t lay_piece(Learner *l, size_t at, const uint32_t *ids, size_t n,
                        uint32_t piece) {
    for (size_t i = 0; i < n; i++) {
        size_t end = at + l->spans[ids[i]];
        for (size_t j = at; j < end; j++) l->cells[j] = (Cell){INSIDE, piece};
        l->cells[at].symbol = l->cells[end - 1].symbol = (int32_t)ids[i];
        at = end;
    }
    l->cells[at] = (Cell){BORDER, piece};
    return at + 1;
}

static Status fill_cells(Learner *l, const Vocabulary *initial) {
    const LearnInput *in = l->input;
    size_t total = (size_t)in->offsets[in->n_pieces], at = 1;
    l->n_cells = total + in->n_pieces + 1;
    if (l->n_cells > UINT32_MAX) return OVERFLOWED; /* 32 gigabytes of cells */
    l->cells = table_memory(l->n_cells * sizeof *l->cells);
    if (!l->cells) return NO_MEMORY;
    l->cells[0] = (Cell){BORDER, 0};
    Ids ids = {0};
    Status status = OK;
    for (size_t i = 0; i < in->n_pieces && status == OK; i++) {
        size_t n = (size_t)(in->offsets[i + 1] - in->offsets[i]);
        ids.used = 0;
        status = ids_reserve(&ids, n);
        for (size_t j = 0; status == OK && j < n; j++) {
            int32_t symbol = in->symbols[in->offsets[i] + (int64_t)j];
            if (symbol < 0 || (size_t)symbol >= in->n_first) status = BAD_INPUT;
            ids.ids[j] = (uint32_t)symbol;
        }
        if (status == OK && in->n_initial) status = merge_ids(initial, ids.ids, &n);
        if (status == OK) at = lay_piece(l, at, ids.ids, n, (uint32_t)i);
    }
    free(ids.ids);
    return status;
}

/* The merges that come first, whatever their counts, as symbols and as a table. */
static Status take_initial(Learner *l, int32_t *merges, int64_t *counts, size_t *n,
                           Vocabulary *initial) {
    const LearnInput *in = l->input;
    size_t n_taken = in->n_initial < in->n_merges ? in->n_initial : in->n_merges;
    int32_t *made = malloc((n_taken + 1) * sizeof *made);
    if (!made) return NO_MEMORY;
    Status status = OK;
    for (; *n < n_taken && status == OK; ++*n) {
        int32_t a = in->initial[2 * *n], b = in->initial[2 * *n + 1];
        if (a < 0 || b < 0 || (size_t)a >= l->n_symbols || (size_t)b >= l->n_symbols) {
            status = BAD_INPUT;
            break;
        }
        made[*n] = (int32_t)l->n_symbols;
        add_symbol(l, a, b);
        merges[2 * *n] = a;
        merges[2 * *n + 1] = b;
        counts[*n] = 0;
    }
    if (status == OK) status = vocabulary_merges(initial, in->initial, made, made, *n);
    free(made);
    return status;
}

static Status prepare(Learner *l) {
    const LearnInput *in = l->input;
    size_t room = in->n_first + in->n_merges + in->n_initial + 1;
    l->spans = malloc(room * sizeof *l->spans);
    l->lengths = malloc(room * sizeof *l->lengths);
    l->changes = calloc(room, sizeof *l->changes);
    l->touched = malloc(room * sizeof *l->touched);
    if (!l->spans || !l->lengths || !l->changes || !l->touched) return NO_MEMORY;
    for (size_t i = 0; i < in->n_first; i++) {
        l->spans[i] = 1;
        l->lengths[i] = in->lengths[i];
    }
    l->n_symbols = in->n_first;
    return OK;
}

static int64_t first_threshold(const Learner *l) {
    const LearnInput *in = l->input;
    long double total = 0;
    for (size_t i = 0; i < in->n_pieces; i++)
        total += (long double)in->counts[i] *
                 (long double)(in->offsets[i + 1] - in->offsets[i]);
    long double wanted = total / (100.0L * ((long double)in->n_merges + 1));
    if (wanted < (long double)in->min_frequency) return in->min_frequency;
    return wanted > 1e15L ? (int64_t)1e15 : (int64_t)wanted;
}

static Status learn_all(Learner *l, int32_t *merges, int64_t *counts, size_t *n) {
    const LearnInput *in = l->input;
    Vocabulary initial = {0};
    Status status = prepare(l);
    if (status == OK) status = take_initial(l, merges, counts, n, &initial);
    if (status == OK) status = fill_cells(l, &initial);
    vocabulary_free(&initial);
    l->threshold = first_threshold(l);
    if (status == OK) status = scan(l);
    while (status == OK && *n < in->n_merges) {
        if (!l->n_heap) {
            if (l->threshold <= in->min_frequency) break;
            l->threshold = l->threshold / 16 > in->min_frequency ? l->threshold / 16
                                                                  : in->min_frequency;
            status = scan(l);
            continue;
        }
        Candidate top = pop(l);
        Pair *pair = find(l, top.key);
        if (pair->key == NO_PAIR) continue;
        if (pair->count != top.count) { /* out of date: it can only have fallen */
            if (pair->count >= l->threshold) status = push(l, pair->count, top.key);
            continue;
        }
        int32_t a = (int32_t)(top.key >> 32), b = (int32_t)(uint32_t)top.key;
        if (in->max_length && l->lengths[a] + l->lengths[b] > in->max_length) {
            pair->count = 0;
            continue;
        }
        size_t at = pair->at, n_places = pair->n;
        pair->count = 0;
        merges[2 * *n] = a;
        merges[2 * *n + 1] = b;
        counts[(*n)++] = top.count;
        status = merge_places(l, at, n_places, top.key);
    }
    return status;
}

Status learn(const LearnInput *input, int32_t *merges, int64_t *counts,
             size_t *n_learned) {
    Learner l = {0};
    l.input = input;
    *n_learned = 0;
    Status status = learn_all(&l, merges, counts, n_learned);
    table_memory_free(l.cells);
    free(l.spans);
    free(l.lengths);
    free(l.pairs);
    free(l.places);
    free(l.heap);
    free(l.changes);
    free(l.touched);
    free(l.found);
    return status;
}
