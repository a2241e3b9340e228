/* Which documents resemble one that stays: candidates from shared buckets, decided by
 * exact comparison of their shingles, in order of rank. */
#include "shingle.h"

#define NONE 0xFFFFFFFFu
#define MOST_COMPARED 64

typedef struct {
    const NearInput *in;
    uint32_t *head, *held; /* of each bucket: the last leader's entry, how many */
    uint32_t *next, *owner; /* of each entry: the leader before, its document */
    uint32_t *times, *met;  /* of each document: shared buckets; those with any */
    uint32_t *group;        /* of each document: what it was joined with */
} Search;

static void search_free(Search *search) {
    free(search->head);
    free(search->held);
    free(search->next);
    free(search->owner);
    free(search->times);
    free(search->met);
    free(search->group);
}

static Status search_new(Search *search, const NearInput *in) {
    *search = (Search){.in = in};
    if (in->n_entries >= NONE || in->n >= NONE) return OVERFLOWED;
    search->head = malloc((in->n_buckets + 1) * sizeof(uint32_t));
    search->held = calloc(in->n_buckets + 1, sizeof(uint32_t));
    search->next = malloc((in->n_entries + 1) * sizeof(uint32_t));
    search->owner = malloc((in->n_entries + 1) * sizeof(uint32_t));
    search->times = calloc(in->n + 1, sizeof(uint32_t));
    search->met = malloc((in->n + 1) * sizeof(uint32_t));
    search->group = malloc((in->n + 1) * sizeof(uint32_t));
    if (!search->head || !search->held || !search->next || !search->owner ||
        !search->times || !search->met || !search->group)
        return NO_MEMORY;
    memset(search->head, 0xFF, (in->n_buckets + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < in->n; i++) search->group[i] = (uint32_t)i;
    return OK;
}

static uint32_t group_of(uint32_t *group, uint32_t document) {
    while (group[document] != document)
        document = group[document] = group[group[document]];
    return document;
}

/* The leaders met in most buckets, the first by rank among equals. */
static size_t choose_rivals(Search *search, uint32_t document, uint32_t *rivals) {
    const NearInput *in = search->in;
    size_t n_met = 0, n = 0;
    int64_t end = in->bucket_at[document + 1];
    for (int64_t i = in->bucket_at[document]; i < end; i++) {
        uint32_t entry = search->head[in->buckets[i]];
        for (; entry != NONE; entry = search->next[entry]) {
            uint32_t leader = search->owner[entry];
            if (!search->times[leader]++) search->met[n_met++] = leader;
        }
    }
    for (size_t i = 0; i < n_met; i++) {
        uint32_t rival = search->met[i], times = search->times[rival];
        size_t j = n;
        for (; j; j--) {
            uint32_t other = search->times[rivals[j - 1]];
            if (other > times || (other == times && rivals[j - 1] < rival)) break;
            if (j < in->most_compared) rivals[j] = rivals[j - 1];
        }
        if (j < in->most_compared) rivals[j] = rival;
        if (n < in->most_compared) n++;
    }
    for (size_t i = 0; i < n_met; i++) search->times[search->met[i]] = 0;
    return n;
}

/* The first place in a sorted array that is not below a value. */
static size_t lower_bound(const uint64_t *hashes, size_t n, uint64_t value) {
    size_t begin = 0;
    while (n) {
        size_t half = n / 2;
        if (hashes[begin + half] < value) {
            begin += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return begin;
}

static size_t count_common(const uint64_t *a, size_t n, const uint64_t *b, size_t m) {
    size_t i = 0, j = 0, common = 0;
    if (n > m) return count_common(b, m, a, n);
    if (m / 32 > n) {
        for (; i < n && j < m; i++) {
            j += lower_bound(b + j, m - j, a[i]);
            common += j < m && b[j] == a[i];
        }
        return common;
    }
    while (i < n && j < m) {
        uint64_t x = a[i], y = b[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    return common;
}

static size_t compare(const NearInput *in, uint32_t later, uint32_t earlier) {
    const int64_t *at = in->set_at;
    return count_common(in->hashes + at[later], (size_t)(at[later + 1] - at[later]),
                        in->hashes + at[earlier],
                        (size_t)(at[earlier + 1] - at[earlier]));
}

/* Alike enough; or contained in one that is not shorter (linking: either way). */
static int is_near(const NearInput *in, uint32_t later, uint32_t earlier,
                   size_t common) {
    double a = (double)(in->set_at[later + 1] - in->set_at[later]);
    double b = (double)(in->set_at[earlier + 1] - in->set_at[earlier]);
    double both = (double)common;
    if (!common) return 0;
    if (both >= in->threshold * (a + b - both)) return 1;
    if (in->lengths[later] <= in->lengths[earlier] && both >= in->containment * a)
        return 1;
    return in->link && in->lengths[later] >= in->lengths[earlier] &&
           both >= in->containment * b;
}

static Status add_pair(NearPairs *found, NearPair pair) {
    if (found->used == found->size) {
        size_t size = 2 * found->size + 256;
        NearPair *pairs = realloc(found->pairs, size * sizeof *pairs);
        if (!pairs) return NO_MEMORY;
        found->pairs = pairs;
        found->size = size;
    }
    found->pairs[found->used++] = pair;
    return OK;
}

static void lead(Search *search, uint32_t document) {
    const NearInput *in = search->in;
    int64_t end = in->bucket_at[document + 1];
    for (int64_t i = in->bucket_at[document]; i < end; i++) {
        int64_t bucket = in->buckets[i];
        if (search->held[bucket] >= in->most_leaders) continue;
        search->held[bucket]++;
        search->owner[i] = document;
        search->next[i] = search->head[bucket];
        search->head[bucket] = (uint32_t)i;
    }
}

/* Compare a document with its rivals; does it stay? */
static Status judge(Search *search, uint32_t document, NearPairs *found, int *stays) {
    const NearInput *in = search->in;
    uint32_t rivals[MOST_COMPARED];
    size_t n = choose_rivals(search, document, rivals);
    *stays = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t mine = group_of(search->group, document);
        uint32_t theirs = group_of(search->group, rivals[i]);
        if (mine == theirs) continue;
        size_t common = compare(in, document, rivals[i]);
        if (!is_near(in, document, rivals[i], common)) continue;
        if (add_pair(found, (NearPair){document, rivals[i], (int64_t)common}) != OK)
            return NO_MEMORY;
        if (!in->link) {
            *stays = 0;
            return OK;
        }
        search->group[mine > theirs ? mine : theirs] = mine > theirs ? theirs : mine;
    }
    return OK;
}

Status find_near(const NearInput *input, NearPairs *found) {
    Search search;
    Status status = search_new(&search, input);
    if (input->most_compared > MOST_COMPARED) status = BAD_INPUT;
    for (size_t i = 0; i < input->n && status == OK; i++) {
        int stays;
        status = judge(&search, (uint32_t)i, found, &stays);
        if (status == OK && stays) lead(&search, (uint32_t)i);
    }
    search_free(&search);
    return status;
}
