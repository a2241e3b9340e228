/* Near duplicates as Python calls them: texts to keys, to sets of shingles, to pairs. */
#include "python.h"
#include "shingle.h"

#define MOST_THREADS 64
#define AT_ONCE 8 /* texts a ticket stands for */

/* Texts: a list of str or bytes, or (bytes, int64 offsets) as columns hold them. */
typedef struct {
    PyObject *owner;
    Py_buffer data, offsets;
    const uint8_t **text;
    size_t *length, n;
} Texts;

static void texts_free(Texts *texts) {
    if (texts->data.obj) PyBuffer_Release(&texts->data);
    if (texts->offsets.obj) PyBuffer_Release(&texts->offsets);
    Py_XDECREF(texts->owner);
    free(texts->text);
    free(texts->length);
}

static int texts_room(Texts *texts, size_t n) {
    texts->n = n;
    texts->text = malloc((n + 1) * sizeof *texts->text);
    texts->length = malloc((n + 1) * sizeof *texts->length);
    if (texts->text && texts->length) return 0;
    PyErr_NoMemory();
    return -1;
}

static int texts_from_column(Texts *texts, PyObject *pair) {
    if (PyObject_GetBuffer(PyTuple_GetItem(pair, 0), &texts->data, PyBUF_SIMPLE) < 0 ||
        PyObject_GetBuffer(PyTuple_GetItem(pair, 1), &texts->offsets, PyBUF_SIMPLE) < 0)
        return -1;
    const int64_t *at = texts->offsets.buf;
    size_t n = (size_t)texts->offsets.len / 8;
    if (texts_room(texts, n ? n - 1 : 0) < 0) return -1;
    for (size_t i = 0; i < texts->n; i++) {
        if (at[i] < 0 || at[i] > at[i + 1] || at[i + 1] > texts->data.len) {
            raise_status(BAD_INPUT);
            return -1;
        }
        texts->text[i] = (const uint8_t *)texts->data.buf + at[i];
        texts->length[i] = (size_t)(at[i + 1] - at[i]);
    }
    return 0;
}

static int texts_from(Texts *texts, PyObject *object) {
    if (PyTuple_Check(object) && PyTuple_Size(object) == 2)
        return texts_from_column(texts, object);
    texts->owner = PySequence_Tuple(object);
    if (!texts->owner) return -1;
    if (texts_room(texts, (size_t)PyTuple_Size(texts->owner)) < 0) return -1;
    for (size_t i = 0; i < texts->n; i++)
        if (text_of_object(PyTuple_GetItem(texts->owner, (Py_ssize_t)i),
                           &texts->text[i], &texts->length[i]) < 0)
            return -1;
    return 0;
}

typedef struct {
    const Texts *texts;
    Ticket ticket;
    size_t bands, rows;
    uint64_t *keys, **sets;
    int64_t *counts;
    Status status[MOST_THREADS];
} Task;

static Status key_text(Task *job, Shingler *shingler, uint32_t *table, size_t i) {
    Status status =
        shingle_text(shingler, job->texts->text[i], job->texts->length[i]);
    if (status != OK) return status;
    job->counts[i] = (int64_t)shingler->used;
    band_keys(shingler->hashes, shingler->used, job->bands, job->rows, table,
              job->keys + i * job->bands);
    return OK;
}

static Status set_text(Task *job, Shingler *shingler, size_t i) {
    Status status =
        shingle_text(shingler, job->texts->text[i], job->texts->length[i]);
    if (status != OK || !shingler->used) return status;
    size_t n = shingler->used;
    uint64_t *room = malloc(n * sizeof *room);
    if (!room) return NO_MEMORY;
    n = unique_hashes(shingler->hashes, n, room);
    memcpy(room, shingler->hashes, n * sizeof *room);
    job->sets[i] = room;
    job->counts[i] = (int64_t)n;
    return OK;
}

static void run_job(void *context, int thread) {
    Task *job = context;
    Shingler shingler = {0};
    uint32_t *table = NULL;
    Status status = OK;
    if (job->keys) {
        table = malloc(job->bands * job->rows * sizeof *table);
        if (!table) status = NO_MEMORY;
    }
    while (status == OK) {
        size_t first = take_ticket(&job->ticket) * AT_ONCE;
        if (first >= job->texts->n) break;
        for (size_t i = first; i < first + AT_ONCE && i < job->texts->n; i++) {
            Status now = job->keys ? key_text(job, &shingler, table, i)
                                   : set_text(job, &shingler, i);
            if (now != OK) status = now;
        }
    }
    free(table);
    shingler_free(&shingler);
    job->status[thread] = status;
}

static Status run_texts(Task *job, int threads) {
    size_t most = (job->texts->n + AT_ONCE - 1) / AT_ONCE;
    if (threads < 1) threads = 1;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    if ((size_t)threads > most) threads = (int)most;
    if (!threads) return OK;
    run_threads(threads, run_job, job);
    for (int i = 0; i < threads; i++)
        if (job->status[i] != OK) return job->status[i];
    return OK;
}

static PyObject *keys_of(const Texts *texts, size_t bands, size_t rows, int threads) {
    Task job = {.texts = texts, .bands = bands, .rows = rows};
    PyObject *result = NULL;
    PyObject *keys = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(texts->n * bands * 8));
    PyObject *counts = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(texts->n * 8));
    if (keys && counts) {
        Status status;
        job.keys = (uint64_t *)PyBytes_AsString(keys);
        job.counts = (int64_t *)PyBytes_AsString(counts);
        Py_BEGIN_ALLOW_THREADS
        status = run_texts(&job, threads);
        Py_END_ALLOW_THREADS
        result = status == OK ? PyTuple_Pack(2, keys, counts) : raise_status(status);
    }
    Py_XDECREF(keys);
    Py_XDECREF(counts);
    return result;
}

PyObject *py_band_keys(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *object, *result = NULL;
    Py_ssize_t bands, rows;
    int threads;
    Texts texts = {0};
    if (!PyArg_ParseTuple(args, "Onni", &object, &bands, &rows, &threads)) return NULL;
    if (bands < 1 || rows < 1 || bands > 1024 || rows > 1024)
        return raise_status(BAD_INPUT);
    if (texts_from(&texts, object) == 0)
        result = keys_of(&texts, (size_t)bands, (size_t)rows, threads);
    texts_free(&texts);
    return result;
}

static PyObject *join_sets(const Task *job) {
    size_t n = job->texts->n, total = 0;
    for (size_t i = 0; i < n; i++) total += (size_t)job->counts[i];
    PyObject *result = NULL;
    PyObject *hashes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(8 * total));
    PyObject *counts =
        PyBytes_FromStringAndSize((const char *)job->counts, (Py_ssize_t)(8 * n));
    if (hashes && counts) {
        char *to = PyBytes_AsString(hashes);
        for (size_t i = 0; i < n; i++) {
            size_t size = 8 * (size_t)job->counts[i];
            if (size) memcpy(to, job->sets[i], size);
            to += size;
        }
        result = PyTuple_Pack(2, hashes, counts);
    }
    Py_XDECREF(hashes);
    Py_XDECREF(counts);
    return result;
}

static PyObject *sets_of(const Texts *texts, int threads) {
    Task job = {.texts = texts};
    Status status = NO_MEMORY;
    job.sets = calloc(texts->n + 1, sizeof *job.sets);
    job.counts = calloc(texts->n + 1, sizeof *job.counts);
    if (job.sets && job.counts) {
        Py_BEGIN_ALLOW_THREADS
        status = run_texts(&job, threads);
        Py_END_ALLOW_THREADS
    }
    PyObject *result = status == OK ? join_sets(&job) : raise_status(status);
    for (size_t i = 0; job.sets && i < texts->n; i++) free(job.sets[i]);
    free(job.sets);
    free(job.counts);
    return result;
}

PyObject *py_shingle_sets(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *object, *result = NULL;
    int threads;
    Texts texts = {0};
    if (!PyArg_ParseTuple(args, "Oi", &object, &threads)) return NULL;
    if (texts_from(&texts, object) == 0) result = sets_of(&texts, threads);
    texts_free(&texts);
    return result;
}

/* Offsets ascend from 0 to what there is. */
static int ascends(const int64_t *at, size_t n, Py_ssize_t bytes) {
    if (at[0] != 0 || at[n] != (int64_t)(bytes / 8)) return 0;
    for (size_t i = 0; i < n; i++)
        if (at[i] > at[i + 1]) return 0;
    return 1;
}

static int fits(const NearInput *in, const Py_buffer *buffers) {
    size_t offsets = 8 * (in->n + 1);
    if ((size_t)buffers[1].len != offsets || (size_t)buffers[3].len != offsets) return 0;
    if (!ascends(in->bucket_at, in->n, buffers[0].len)) return 0;
    if (!ascends(in->set_at, in->n, buffers[2].len)) return 0;
    for (size_t i = 0; i < in->n_entries; i++)
        if (in->buckets[i] < 0 || (size_t)in->buckets[i] >= in->n_buckets) return 0;
    return 1;
}

static PyObject *found_near(const NearInput *in) {
    NearPairs found = {0};
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = find_near(in, &found);
    Py_END_ALLOW_THREADS
    PyObject *result =
        status == OK ? PyBytes_FromStringAndSize(
                           (const char *)found.pairs,
                           (Py_ssize_t)(found.used * sizeof *found.pairs))
                     : raise_status(status);
    free(found.pairs);
    return result;
}

PyObject *py_find_near(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer b[5];
    NearInput in = {0};
    Py_ssize_t n_buckets, leaders, compared;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*nddpnn", &b[0], &b[1], &b[2], &b[3], &b[4],
                          &n_buckets, &in.threshold, &in.containment, &in.link, &leaders,
                          &compared))
        return NULL;
    in.buckets = b[0].buf;
    in.bucket_at = b[1].buf;
    in.hashes = b[2].buf;
    in.set_at = b[3].buf;
    in.lengths = b[4].buf;
    in.n = (size_t)b[4].len / 8;
    in.n_entries = (size_t)b[0].len / 8;
    in.n_buckets = n_buckets > 0 ? (size_t)n_buckets : 0;
    in.most_leaders = leaders > 0 ? (size_t)leaders : 0;
    in.most_compared = compared > 0 ? (size_t)compared : 0;
    PyObject *result = fits(&in, b) ? found_near(&in) : raise_status(BAD_INPUT);
    for (int i = 0; i < 5; i++) PyBuffer_Release(&b[i]);
    return result;
}
