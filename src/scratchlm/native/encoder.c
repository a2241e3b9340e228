/* _core.Encoder: text to ids and back.
 *
 * Workers (caches) lie in a list that the interpreter's lock guards: a call takes what
 * it needs, lets the lock go, and gives them back. No two calls share one.
 */
#include "encoder.h"

#define RELEASE_BYTES (1 << 14) /* a shorter text is encoded under the lock */
#define MOST_THREADS 64

/* ---- workers ---- */

static Worker *take_worker(Encoder *self) {
    Worker *worker = self->idle;
    if (!worker) return worker_new();
    self->idle = worker->next;
    return worker;
}

static void give_worker(Encoder *self, Worker *worker) {
    worker->next = self->idle;
    self->idle = worker;
}

/* ---- ids to Python ---- */

static PyObject *make_list(Encoder *self, const uint32_t *ids, size_t n) {
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        PyObject *number = self->numbers[ids[i]];
        if (!number) {
            number = PyLong_FromUnsignedLong(ids[i]);
            if (!number) {
                Py_DECREF(list);
                return NULL;
            }
            self->numbers[ids[i]] = number;
        }
        Py_INCREF(number);
        PyList_SetItem(list, (Py_ssize_t)i, number);
    }
    return list;
}

static void copy_ids(char *to, const uint32_t *ids, size_t n, int item_size) {
    if (item_size == 4) {
        memcpy(to, ids, 4 * n);
        return;
    }
    uint16_t *narrow = (uint16_t *)(void *)to;
    for (size_t i = 0; i < n; i++) narrow[i] = (uint16_t)ids[i];
}

/* ---- one text, one thread ---- */

static Status encode_text(Encoder *self, Worker *worker, const uint8_t *text,
                          size_t length) {
    Status status;
    Span span = {text, 0, length, length};
    worker->scratch.used = 0;
    if (length < RELEASE_BYTES)
        return encode_span(&self->vocabulary, worker, span, &worker->scratch);
    Py_BEGIN_ALLOW_THREADS
    status = encode_span(&self->vocabulary, worker, span, &worker->scratch);
    Py_END_ALLOW_THREADS
    return status;
}

/* Encode, then make something of the ids; the worker is given back in any case. */
static PyObject *with_ids(Encoder *self, PyObject *object,
                          PyObject *(*finish)(Encoder *, const Ids *)) {
    const uint8_t *text;
    size_t length;
    if (text_of_object(object, &text, &length) < 0) return NULL;
    Worker *worker = take_worker(self);
    if (!worker) return PyErr_NoMemory();
    Status status = encode_text(self, worker, text, length);
    PyObject *result =
        status == OK ? finish(self, &worker->scratch) : raise_status(status);
    give_worker(self, worker);
    return result;
}

static PyObject *finish_list(Encoder *self, const Ids *ids) {
    return make_list(self, ids->ids, ids->used);
}

static PyObject *finish_count(Encoder *self, const Ids *ids) {
    (void)self;
    return PyLong_FromSize_t(ids->used);
}

/* The call of `otherwise` with the same arguments. */
static PyObject *call_otherwise(Encoder *self, PyObject *const *args, Py_ssize_t n,
                                PyObject *names) {
    if (!self->otherwise) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "encode takes one text and nothing else");
        return NULL;
    }
    PyErr_Clear();
    PyObject *given = PyTuple_New(n), *named = PyDict_New(), *result = NULL;
    for (Py_ssize_t i = 0; given && i < n; i++) {
        Py_INCREF(args[i]);
        PyTuple_SetItem(given, i, args[i]);
    }
    int failed = !given || !named;
    for (Py_ssize_t i = 0; !failed && names && i < PyTuple_Size(names); i++)
        failed = PyDict_SetItem(named, PyTuple_GetItem(names, i), args[n + i]) < 0;
    if (!failed) result = PyObject_Call(self->otherwise, given, named);
    Py_XDECREF(given);
    Py_XDECREF(named);
    return result;
}

static PyObject *encoder_encode(Encoder *self, PyObject *text) {
    return with_ids(self, text, finish_list);
}

/* One text and nothing else is encoded here; the rest is left to `otherwise`: control
 * tokens to honour, lone surrogates. */
static PyObject *encoder_encode_or_else(Encoder *self, PyObject *const *args,
                                        Py_ssize_t n, PyObject *names) {
    if (n == 1 && !names) {
        PyObject *ids = with_ids(self, args[0], finish_list);
        if (LIKELY(ids != NULL)) return ids;
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return NULL;
    }
    return call_otherwise(self, args, n, names);
}

static PyObject *encoder_set_otherwise(Encoder *self, PyObject *callable) {
    Py_INCREF(callable);
    Py_XDECREF(self->otherwise);
    self->otherwise = callable;
    Py_RETURN_NONE;
}

static PyObject *encoder_count(Encoder *self, PyObject *text) {
    return with_ids(self, text, finish_count);
}

/* ---- many texts, many threads ---- */

typedef struct {
    size_t start, n;
    int thread;
} Done;

typedef struct {
    const Vocabulary *vocabulary;
    Work *work;
    Worker *workers[MOST_THREADS];
    Done *done; /* one a stretch */
    Status status[MOST_THREADS];
    int n_workers;
} Batch;

static void encode_job(void *context, int thread) {
    Batch *batch = context;
    Worker *worker = batch->workers[thread];
    size_t i;
    while ((i = take_ticket(&batch->work->ticket)) < batch->work->n_spans) {
        Done *done = batch->done + i;
        done->thread = thread;
        done->start = worker->scratch.used;
        Status status = encode_span(batch->vocabulary, worker, batch->work->spans[i],
                                    &worker->scratch);
        done->n = worker->scratch.used - done->start;
        if (status != OK) batch->status[thread] = status;
    }
}

/* A large buffer is not kept for the next call. */
static void shrink(Ids *list) {
    if (list->size <= 1 << 20) return;
    free(list->ids);
    *list = (Ids){0};
}

static void batch_free(Encoder *self, Batch *batch) {
    for (int i = 0; i < batch->n_workers; i++) {
        shrink(&batch->workers[i]->scratch);
        give_worker(self, batch->workers[i]);
    }
    free(batch->done);
}

static int batch_run(Encoder *self, Batch *batch, Work *work, int threads) {
    size_t most = work->n_spans < MOST_THREADS ? work->n_spans : MOST_THREADS;
    if (threads < 1) threads = 1;
    if ((size_t)threads > most) threads = (int)most;
    batch->vocabulary = &self->vocabulary;
    batch->work = work;
    batch->done = calloc(work->n_spans + 1, sizeof *batch->done);
    for (int i = 0; batch->done && i < threads; i++) {
        batch->workers[i] = take_worker(self);
        if (!batch->workers[i]) break;
        batch->workers[i]->scratch.used = 0;
        batch->n_workers++;
    }
    if (batch->n_workers < threads || !batch->done) {
        PyErr_NoMemory();
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS
    if (threads) run_threads(threads, encode_job, batch);
    Py_END_ALLOW_THREADS
    for (int i = 0; i < threads; i++)
        if (batch->status[i] != OK) {
            raise_status(batch->status[i]);
            return -1;
        }
    return 0;
}

static const uint32_t *ids_of(const Batch *batch, size_t i) {
    return batch->workers[batch->done[i].thread]->scratch.ids + batch->done[i].start;
}

/* All ids one after another, in the order of the texts. */
static PyObject *join(const Batch *batch, int item_size) {
    size_t total = 0;
    for (size_t i = 0; i < batch->work->n_spans; i++) total += batch->done[i].n;
    PyObject *joined =
        PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(total * (size_t)item_size));
    if (!joined) return NULL;
    char *to = PyByteArray_AsString(joined);
    for (size_t i = 0; i < batch->work->n_spans; i++) {
        size_t n = batch->done[i].n;
        if (n) copy_ids(to, ids_of(batch, i), n, item_size);
        to += n * (size_t)item_size;
    }
    return joined;
}

static PyObject *text_offsets(const Batch *batch) {
    size_t n = batch->work->n_texts;
    PyObject *offsets = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(8 * (n + 1)));
    if (!offsets) return NULL;
    int64_t *to = (int64_t *)(void *)PyByteArray_AsString(offsets);
    memset(to, 0, 8 * (n + 1));
    for (size_t i = 0; i < batch->work->n_spans; i++)
        to[batch->work->text_of[i] + 1] += (int64_t)batch->done[i].n;
    for (size_t i = 0; i < n; i++) to[i + 1] += to[i];
    return offsets;
}

static PyObject *encoder_encode_array(Encoder *self, PyObject *args) {
    PyObject *object, *result = NULL;
    int item_size, threads;
    const uint8_t *text;
    size_t length;
    if (!PyArg_ParseTuple(args, "Oii", &object, &item_size, &threads)) return NULL;
    if (text_of_object(object, &text, &length) < 0) return NULL;
    Work work = {0};
    Batch batch = {0};
    if (work_from_text(&work, text, length, length) == 0 &&
        batch_run(self, &batch, &work, threads) == 0)
        result = join(&batch, item_size);
    batch_free(self, &batch);
    work_free(&work);
    return result;
}

static PyObject *encoder_encode_batch_array(Encoder *self, PyObject *args) {
    PyObject *texts, *result = NULL;
    int item_size, threads;
    if (!PyArg_ParseTuple(args, "Oii", &texts, &item_size, &threads)) return NULL;
    Work work = {0};
    Batch batch = {0};
    if (work_from_list(&work, texts) == 0 &&
        batch_run(self, &batch, &work, threads) == 0) {
        PyObject *ids = join(&batch, item_size), *offsets = text_offsets(&batch);
        if (ids && offsets) result = PyTuple_Pack(2, ids, offsets);
        Py_XDECREF(ids);
        Py_XDECREF(offsets);
    }
    batch_free(self, &batch);
    work_free(&work);
    return result;
}

/* The list of one text, whose stretches begin at *i; moves *i behind them. */
static PyObject *list_of_text(Encoder *self, const Batch *batch, size_t text,
                              size_t *i) {
    const Work *work = batch->work;
    size_t first = *i, total = 0;
    for (; *i < work->n_spans && work->text_of[*i] == text; ++*i)
        total += batch->done[*i].n;
    if (*i - first == 1) return make_list(self, ids_of(batch, first), total);
    uint32_t *ids = malloc((total + 1) * sizeof *ids), *to = ids;
    if (!ids) return PyErr_NoMemory();
    for (size_t j = first; j < *i; j++) {
        if (batch->done[j].n) memcpy(to, ids_of(batch, j), 4 * batch->done[j].n);
        to += batch->done[j].n;
    }
    PyObject *list = make_list(self, ids, total);
    free(ids);
    return list;
}

static PyObject *encoder_encode_batch(Encoder *self, PyObject *args) {
    PyObject *texts, *result = NULL;
    int threads;
    if (!PyArg_ParseTuple(args, "Oi", &texts, &threads)) return NULL;
    Work work = {0};
    Batch batch = {0};
    if (work_from_list(&work, texts) == 0 &&
        batch_run(self, &batch, &work, threads) == 0) {
        size_t i = 0;
        result = PyList_New((Py_ssize_t)work.n_texts);
        for (size_t text = 0; result && text < work.n_texts; text++) {
            PyObject *list = list_of_text(self, &batch, text, &i);
            if (!list) {
                Py_CLEAR(result);
            } else {
                PyList_SetItem(result, (Py_ssize_t)text, list);
            }
        }
    }
    batch_free(self, &batch);
    work_free(&work);
    return result;
}

/* ---- building ---- */

static int encoder_traverse(Encoder *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE((PyObject *)self));
    Py_VISIT(self->otherwise);
    return 0;
}

static int encoder_clear(Encoder *self) {
    Py_CLEAR(self->otherwise);
    return 0;
}

static void encoder_dealloc(Encoder *self) {
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->otherwise);
    table_memory_free(self->slots);
    while (self->idle) {
        Worker *worker = self->idle;
        self->idle = worker->next;
        worker_free(worker);
    }
    for (size_t i = 0; self->numbers && i < self->vocab_size; i++)
        Py_XDECREF(self->numbers[i]);
    free(self->numbers);
    vocabulary_free(&self->vocabulary);
    Py_XDECREF(self->class_table);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static int all_below(const Py_buffer *numbers, size_t limit) {
    const int32_t *values = numbers->buf;
    for (size_t i = 0; i < (size_t)numbers->len / 4; i++)
        if (values[i] < 0 || (size_t)values[i] >= limit) return 0;
    return 1;
}

/* Copy the tokens: their bytes, where each begins, which go on within a piece. */
static Status take_tokens(Encoder *self, const Py_buffer *blob,
                          const Py_buffer *offsets, const Py_buffer *continuing) {
    Vocabulary *v = &self->vocabulary;
    size_t n = (size_t)continuing->len;
    const int64_t *given = offsets->buf;
    if ((size_t)offsets->len != 8 * (n + 1) || given[0] != 0 ||
        given[n] != (int64_t)blob->len || n > self->vocab_size)
        return BAD_INPUT;
    for (size_t i = 0; i < n; i++)
        if (given[i] > given[i + 1]) return BAD_INPUT;
    v->n_tokens = n;
    v->blob = malloc((size_t)blob->len + 1);
    v->offsets = malloc((size_t)offsets->len);
    v->continuing = malloc(n + 1);
    if (!v->blob || !v->offsets || !v->continuing) return NO_MEMORY;
    memcpy(v->blob, blob->buf, (size_t)blob->len);
    memcpy(v->offsets, offsets->buf, (size_t)offsets->len);
    memcpy(v->continuing, continuing->buf, n);
    return vocabulary_index(v);
}

/* Slots of all ids; control tokens and unused ones stand for nothing. */
static Status fill_slots(Encoder *self) {
    const Vocabulary *v = &self->vocabulary;
    self->slots = table_memory(self->vocab_size * sizeof *self->slots);
    if (!self->slots) return NO_MEMORY;
    for (size_t id = 0; id < v->n_tokens; id++) {
        size_t length = (size_t)(v->offsets[id + 1] - v->offsets[id]);
        Slot *slot = self->slots + id;
        slot->length = length > sizeof slot->bytes ? LONG_TOKEN : (uint8_t)length;
        if (slot->length != LONG_TOKEN)
            memcpy(slot->bytes, v->blob + v->offsets[id], length);
    }
    return OK;
}

static Status take_merges(Encoder *self, const Py_buffer *byte_ids,
                          const Py_buffer *pairs, const Py_buffer *ranks,
                          const Py_buffer *made) {
    Vocabulary *v = &self->vocabulary;
    size_t n = (size_t)ranks->len / 4;
    if (!v->is_wordpiece && byte_ids->len != sizeof v->byte_ids) return BAD_INPUT;
    if ((size_t)pairs->len != 8 * n || (size_t)made->len != 4 * n) return BAD_INPUT;
    if (!all_below(byte_ids, v->n_tokens) || !all_below(pairs, v->n_tokens) ||
        !all_below(made, v->n_tokens) || !all_below(ranks, INT32_MAX))
        return BAD_INPUT;
    memcpy(v->byte_ids, byte_ids->buf, (size_t)byte_ids->len);
    return vocabulary_merges(v, pairs->buf, ranks->buf, made->buf, n);
}

static PyObject *encoder_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    (void)keywords;
    PyObject *table;
    int pattern, is_wordpiece, whole_pieces;
    Py_ssize_t vocab_size;
    Py_buffer b[7];
    Splitter splitter;
    if (!PyArg_ParseTuple(args, "iOppny*y*y*y*y*y*y*", &pattern, &table, &is_wordpiece,
                          &whole_pieces, &vocab_size, &b[0], &b[1], &b[2], &b[3], &b[4],
                          &b[5], &b[6]))
        return NULL;
    Encoder *self = NULL;
    if (check_splitter(&splitter, table, pattern) == 0 && vocab_size > 0)
        self = (Encoder *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (self) {
        Py_INCREF(table);
        self->class_table = table;
        self->vocabulary.splitter = splitter;
        self->vocabulary.is_wordpiece = is_wordpiece;
        self->vocabulary.whole_pieces = whole_pieces;
        self->vocab_size = (size_t)vocab_size;
        self->numbers = calloc(self->vocab_size, sizeof *self->numbers);
        Status status = self->numbers ? take_tokens(self, &b[0], &b[1], &b[2])
                                      : NO_MEMORY;
        if (status == OK) status = take_merges(self, &b[3], &b[4], &b[5], &b[6]);
        if (status == OK) status = fill_slots(self);
        if (status != OK) {
            raise_status(status);
            Py_CLEAR(self);
        }
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "the vocabulary is empty");
    }
    for (int i = 0; i < 7; i++) PyBuffer_Release(&b[i]);
    return (PyObject *)self;
}

static PyMethodDef methods[] = {
    {"encode", (PyCFunction)encoder_encode, METH_O, "encode(text) -> list of ids"},
    {"encode_or_else", (PyCFunction)(void (*)(void))encoder_encode_or_else,
     METH_FASTCALL | METH_KEYWORDS,
     "encode(text, *, allowed_special=()) -> list of ids"},
    {"set_otherwise", (PyCFunction)encoder_set_otherwise, METH_O,
     "set_otherwise(callable): what `encode_or_else` calls for all but one plain text"},
    {"count", (PyCFunction)encoder_count, METH_O, "count(text) -> number of ids"},
    {"encode_array", (PyCFunction)encoder_encode_array, METH_VARARGS,
     "encode_array(text, item_size, threads) -> bytearray of ids"},
    {"encode_batch", (PyCFunction)encoder_encode_batch, METH_VARARGS,
     "encode_batch(texts, threads) -> list of lists of ids"},
    {"encode_batch_array", (PyCFunction)encoder_encode_batch_array, METH_VARARGS,
     "encode_batch_array(texts, item_size, threads) -> ids, offsets (int64)"},
    {"decode", (PyCFunction)encoder_decode, METH_O,
     "decode(list or array of ids) -> bytes"},
    {"decode_text", (PyCFunction)encoder_decode_text, METH_O,
     "decode_text(list or array of ids) -> str; invalid UTF-8 becomes U+FFFD"},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Encoder(pattern, class_table, is_wordpiece, whole_pieces, vocab_size, blob, "
     "offsets, continuing, byte_ids, pairs, ranks, made)"},
    {Py_tp_new, encoder_new},
    {Py_tp_dealloc, encoder_dealloc},
    {Py_tp_traverse, encoder_traverse},
    {Py_tp_clear, encoder_clear},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec encoder_spec = {"scratchlm.native._core.Encoder", sizeof(Encoder), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
