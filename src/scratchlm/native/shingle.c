/* Five-word shingles as 64-bit hashes, and MinHash signatures of them.
 *
 * A word is a run of bytes that folding keeps; its edges are found 64 bytes at a time
 * as bits of a mask, its hash eight bytes at a time. Texts are any bytes: a character
 * cut short at the end of a text is as long as the text.
 */
#include "shingle.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define WORDS 5
#define LONGEST_WORD 64
#define PADDING 80 /* zero bytes after a folded text: no load leaves it */
#define EMPTY 0xFFFFFFFFu

/* splitmix64 of seeds 1, 2 and 3, made odd: see _constants in the reference */
static const uint64_t WORD[3] = {
    0x910A2DEC89025CC1ull,
    0xBEEB8DA1658EEC67ull,
    0xF893A2EEFB32555Full,
};
static const uint64_t PLACE[WORDS + 1] = {
    0x975835DE1C9756CFull,
    0xBFC846100BFC1E43ull,
    0x987BBCBFDD7E532Full,
    0xC3F2827AFFE7F665ull,
    0x4FC446B53F17FB29ull,
    0x58BC3CB37BC7B2B3ull,
};
static const uint64_t MIX[2] = {0x1D0B14E4DB018FEDull, 0xB3466F8A7B81A989ull};

ALWAYS_INLINE uint64_t spread(uint64_t hash) {
    hash = (hash ^ (hash >> 32)) * MIX[0];
    hash = (hash ^ (hash >> 32)) * MIX[1];
    return hash ^ (hash >> 29);
}

ALWAYS_INLINE uint64_t load_little(const uint8_t *at) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return load64(at);
#else
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value |= (uint64_t)at[i] << (8 * i);
    return value;
#endif
}

ALWAYS_INLINE int lowest_bit(uint64_t bits) {
#if defined(__GNUC__)
    return __builtin_ctzll(bits);
#else
    int n = 0;
    while (!(bits & 1)) bits >>= 1, n++;
    return n;
#endif
}

/* Letters lower, digits and bytes of other characters as they are, the rest zero.
 * Without a branch, so that a compiler can do many bytes at once. */
static int fold(uint8_t *restrict to, const uint8_t *restrict from, size_t n) {
    uint8_t high = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = from[i], lower = byte | 0x20;
        uint8_t letter = (uint8_t)(lower - 'a') < 26 ? 0xFF : 0;
        uint8_t digit = (uint8_t)(byte - '0') < 10 ? 0xFF : 0;
        uint8_t other = byte >= 0x80 ? 0xFF : 0;
        to[i] = (uint8_t)((lower & letter) | (byte & (digit | other)));
        high |= byte;
    }
    return high >= 0x80;
}

/* A character of a script without blanks (of three bytes): a word of its own. */
ALWAYS_INLINE int is_unspaced(const uint8_t *at) {
    if (LIKELY(at[0] < 0xE0 || at[0] > 0xED)) return 0;
    return at[0] >= 0xE3 || (at[0] == 0xE0 && at[1] >= 0xB8) ||
           (at[0] == 0xE1 && (at[1] <= 0x82 || (at[1] | 1) == 0x9F));
}

/* Blank U+0080 to U+00BF and U+2000 to U+207F; is there a script without blanks? */
static int blank_marks(uint8_t *folded, size_t n) {
    int unspaced = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(load64(folded + i) & 0x8080808080808080ull)) i += 7;
        if (LIKELY(folded[i] < 0xC2)) continue;
        if (folded[i] == 0xC2)
            folded[i] = folded[i + 1] = 0;
        else if (folded[i] == 0xE2 && (folded[i + 1] | 1) == 0x81)
            folded[i] = folded[i + 1] = folded[i + 2] = 0;
        else
            unspaced |= is_unspaced(folded + i);
    }
    return unspaced;
}

static uint64_t hash_long(const uint8_t *word, size_t length) {
    uint64_t hash = load_little(word) * WORD[0] + length * WORD[1];
    for (size_t done = 8; done < length; done += 8) {
        uint64_t part = load_little(word + done);
        if (length - done < 8) part &= ~(uint64_t)0 >> (64 - 8 * (length - done));
        hash = spread(hash) + part * WORD[2];
    }
    return spread(hash);
}

ALWAYS_INLINE uint64_t hash_word(const uint8_t *word, size_t length) {
    if (UNLIKELY(length > 8)) return hash_long(word, length);
    uint64_t part = load_little(word) & (~(uint64_t)0 >> (64 - 8 * length));
    return spread(part * WORD[0] + length * WORD[1]);
}

static size_t add_run(uint64_t *words, size_t n, const uint8_t *run, size_t length) {
    for (; length > LONGEST_WORD; run += LONGEST_WORD, length -= LONGEST_WORD)
        words[n++] = hash_word(run, LONGEST_WORD);
    words[n++] = hash_word(run, length);
    return n;
}

/* Which of 64 bytes are not zero, the first one lowest. */
ALWAYS_INLINE uint64_t mask_words(const uint8_t *at) {
    uint64_t mask = 0;
#if defined(__SSE2__)
    for (int i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
        part = _mm_cmpeq_epi8(part, _mm_setzero_si128());
        mask |= (uint64_t)(uint16_t)~_mm_movemask_epi8(part) << (16 * i);
    }
#else
    const uint64_t low = 0x7F7F7F7F7F7F7F7Full;
    for (int i = 0; i < 8; i++) {
        uint64_t part = load_little(at + 8 * i);
        part = (((part & low) + low) | part) >> 7 & 0x0101010101010101ull;
        mask |= (part * 0x0102040810204080ull) >> 56 << (8 * i);
    }
#endif
    return mask;
}

static size_t find_words(const uint8_t *folded, size_t length, uint64_t *words) {
    size_t n = 0, n_edges = 0, edges[66];
    uint64_t inside = 0;
    for (size_t block = 0; block <= length; block += 64) { /* one zero past the end */
        uint64_t mask = mask_words(folded + block);
        uint64_t change = mask ^ (mask << 1 | inside);
        inside = mask >> 63;
        for (; change; change &= change - 1)
            edges[n_edges++] = block + (size_t)lowest_bit(change);
        size_t i = 0;
        for (; i + 1 < n_edges; i += 2) {
            size_t size = edges[i + 1] - edges[i];
            if (LIKELY(size <= LONGEST_WORD))
                words[n++] = hash_word(folded + edges[i], size);
            else
                n = add_run(words, n, folded + edges[i], size);
        }
        if (i < n_edges) edges[0] = edges[i];
        n_edges -= i;
    }
    return n;
}

static size_t find_unspaced(const uint8_t *folded, size_t length, uint64_t *words) {
    size_t n = 0;
    for (size_t i = 0; i < length;) {
        size_t begin = i;
        if (!folded[i]) {
            i++;
            continue;
        }
        if (is_unspaced(folded + i)) {
            i += 3;
            if (i > length) i = length;
        } else {
            while (folded[i] && !is_unspaced(folded + i)) i++;
        }
        n = add_run(words, n, folded + begin, i - begin);
    }
    return n;
}

static size_t join_words(uint64_t *words, size_t n) {
    if (n < WORDS) {
        uint64_t total = n * PLACE[WORDS];
        for (size_t i = 0; i < n; i++) total += words[i] * PLACE[i];
        if (n) words[0] = spread(total);
        return n > 0;
    }
    for (size_t i = 0; i + WORDS <= n; i++)
        words[i] = spread(words[i] * PLACE[0] + words[i + 1] * PLACE[1] +
                          words[i + 2] * PLACE[2] + words[i + 3] * PLACE[3] +
                          words[i + 4] * PLACE[4]);
    return n - (WORDS - 1);
}

static Status reserve(Shingler *shingler, size_t length) {
    if (shingler->folded_size < length + PADDING) {
        size_t size = length + length / 4 + PADDING;
        free(shingler->folded);
        shingler->folded = malloc(size);
        shingler->folded_size = shingler->folded ? size : 0;
    }
    return shingler->folded ? OK : NO_MEMORY;
}

/* Words begin where a zero was before, or at a character of three bytes or after it,
 * or after 64 bytes: their number is bounded by a count of the first. */
static Status reserve_words(Shingler *shingler, size_t length, int unspaced) {
    size_t most = length / 2 + length / LONGEST_WORD + (unspaced ? length / 2 : 0) + 2;
    if (shingler->size < most) {
        free(shingler->hashes);
        shingler->hashes = malloc(most * sizeof *shingler->hashes);
        shingler->size = shingler->hashes ? most : 0;
    }
    return shingler->hashes ? OK : NO_MEMORY;
}

Status shingle_text(Shingler *shingler, const uint8_t *text, size_t length) {
    shingler->used = 0;
    if (reserve(shingler, length) != OK) return NO_MEMORY;
    uint8_t *folded = shingler->folded;
    memset(folded + length, 0, PADDING);
    int unspaced = fold(folded, text, length) && blank_marks(folded, length);
    if (reserve_words(shingler, length, unspaced) != OK) return NO_MEMORY;
    size_t n = unspaced ? find_unspaced(folded, length, shingler->hashes)
                        : find_words(folded, length, shingler->hashes);
    shingler->used = join_words(shingler->hashes, n);
    return OK;
}

void shingler_free(Shingler *shingler) {
    free(shingler->folded);
    free(shingler->hashes);
}

/* ---- sets ---- */

#define FEW 24 /* hashes that are sorted by insertion */

/* From the highest bits down, as many at a time as make bins of two or three: hashes
 * are spread evenly. Bins that are still large go on with the next bits, so that many
 * equal hashes cost no more; those of a few are left for one pass over everything. */
static void sort_bins(uint64_t *hashes, size_t n, uint64_t *room, int left) {
    uint32_t ends[257] = {0};
    int bits = 3;
    while (bits < 8 && ((size_t)3 << bits) < n) bits++;
    if (bits > left) bits = left;
    left -= bits;
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (size_t i = 0; i < n; i++) ends[(hashes[i] >> left & mask) + 1]++;
    for (size_t i = 1; i <= mask; i++) ends[i] += ends[i - 1];
    for (size_t i = 0; i < n; i++) room[ends[hashes[i] >> left & mask]++] = hashes[i];
    memcpy(hashes, room, n * sizeof *hashes);
    for (size_t i = 0, begin = 0; left && i <= mask; begin = ends[i++])
        if (ends[i] - begin > FEW)
            sort_bins(hashes + begin, ends[i] - begin, room + begin, left);
}

static void sort_hashes(uint64_t *hashes, size_t n, uint64_t *room) {
    if (n > FEW) sort_bins(hashes, n, room, 64);
    for (size_t i = 1; i < n; i++) {
        uint64_t hash = hashes[i];
        size_t j = i;
        for (; j && hashes[j - 1] > hash; j--) hashes[j] = hashes[j - 1];
        hashes[j] = hash;
    }
}

size_t unique_hashes(uint64_t *hashes, size_t n, uint64_t *room) {
    size_t left = 0;
    sort_hashes(hashes, n, room);
    for (size_t i = 0; i < n; i++)
        if (!i || hashes[i] != hashes[i - 1]) hashes[left++] = hashes[i];
    return left;
}

/* ---- signatures ---- */

static void borrow(uint32_t *table, size_t places) {
    size_t first = 0;
    while (table[first] == EMPTY) first++;
    size_t next = first + places; /* the full place at or after the one looked at */
    uint32_t value = table[first];
    for (size_t i = places; i-- > 0;) {
        if (table[i] == EMPTY) {
            table[i] = value + (uint32_t)(next - i) * 0x9E3779B1u;
        } else {
            next = i;
            value = table[i];
        }
    }
}

void band_keys(const uint64_t *hashes, size_t n, size_t bands, size_t rows,
               uint32_t *table, uint64_t *keys) {
    size_t places = bands * rows, empty = 0;
    memset(table, 0xFF, places * sizeof *table);
    memset(keys, 0, bands * sizeof *keys);
    if (!n) return;
    for (size_t i = 0; i < n; i++) {
        size_t place = (size_t)(((hashes[i] >> 32) * places) >> 32);
        uint32_t value = (uint32_t)hashes[i];
        if (value == EMPTY) value--;
        table[place] = value < table[place] ? value : table[place];
    }
    for (size_t i = 0; i < places; i++) empty += table[i] == EMPTY;
    if (empty) borrow(table, places);
    for (size_t band = 0; band < bands; band++) {
        uint64_t key = band;
        for (size_t row = 0; row < rows; row++) key = spread(key + *table++);
        keys[band] = key;
    }
}
