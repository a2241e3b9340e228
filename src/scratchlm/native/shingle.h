/* Near duplicates: shingles of words, signatures, verified pairs. */
#ifndef SCRATCHLM_SHINGLE_H
#define SCRATCHLM_SHINGLE_H

#include "shared.h"

/* Room for one text after the other; all zero at first. */
typedef struct {
    uint8_t *folded;
    size_t folded_size;
    uint64_t *hashes; /* shingles of the last text, in their order */
    size_t used, size;
} Shingler;

/* Set hashes and used; corpus/dedup/shingles.py is the reference. */
Status shingle_text(Shingler *shingler, const uint8_t *text, size_t length);
void shingler_free(Shingler *shingler);

/* Sort hashes, each once; returns how many are left. `room` holds as many. */
size_t unique_hashes(uint64_t *hashes, size_t n, uint64_t *room);

/* Keys of the bands of a signature of bands * rows values by one permutation; `table`
 * has room for them. corpus/dedup/minhash.py is the reference. */
void band_keys(const uint64_t *hashes, size_t n, size_t bands, size_t rows,
               uint32_t *table, uint64_t *keys);

/* Documents in order of rank, the one that stays before those that go. Document d
 * stands in the buckets buckets[bucket_at[d]] .. ; its sorted shingles are
 * hashes[set_at[d]] .. */
typedef struct {
    size_t n, n_buckets, n_entries;
    const int64_t *buckets, *bucket_at, *set_at, *lengths;
    const uint64_t *hashes;
    double threshold, containment;
    int link; /* join all that are alike, rather than remove */
    size_t most_leaders, most_compared;
} NearInput;

typedef struct {
    int64_t later, earlier, common; /* by rank; shingles in both */
} NearPair;

typedef struct {
    NearPair *pairs;
    size_t used, size;
} NearPairs;

/* corpus/dedup/near_verify.py is the reference. */
Status find_near(const NearInput *input, NearPairs *found);

#endif
