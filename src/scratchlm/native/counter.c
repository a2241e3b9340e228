/* _core.Counter: counts of pieces, one table a thread, added up when they are read. */
#include "python.h"

#define MOST_TABLES 64

typedef struct {
    PyObject_HEAD
    PyObject *class_table;
    Splitter splitter;
    Table tables[MOST_TABLES];
    int busy; /* another Python thread is inside; guarded by the interpreter's lock */
} Counter;

typedef struct {
    Counter *counter;
    Work *work;
    int64_t weight;
    Status status[MOST_TABLES];
} Count;

static void count_job(void *context, int thread) {
    Count *count = context;
    size_t i;
    while ((i = take_ticket(&count->work->ticket)) < count->work->n_spans) {
        Status status =
            table_count(&count->counter->tables[thread], &count->counter->splitter,
                        count->work->spans[i], count->weight);
        if (status != OK) count->status[thread] = status;
    }
}

static int enter(Counter *self) {
    if (self->busy) {
        PyErr_SetString(PyExc_RuntimeError,
                        "these counts are in use by another thread");
        return -1;
    }
    self->busy = 1;
    return 0;
}

static PyObject *run_count(Counter *self, Work *work, long long weight, int threads) {
    Count count = {self, work, weight, {OK}};
    size_t most = work->n_spans < MOST_TABLES ? work->n_spans : MOST_TABLES;
    if (threads < 1) threads = 1;
    if ((size_t)threads > most) threads = (int)most;
    if (enter(self) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    if (threads) run_threads(threads, count_job, &count);
    Py_END_ALLOW_THREADS
    self->busy = 0;
    for (int i = 0; i < threads; i++)
        if (count.status[i] != OK) return raise_status(count.status[i]);
    return PyLong_FromSize_t(work->n_bytes);
}

static int check_weight(long long weight) {
    if (weight >= 1) return 0;
    PyErr_SetString(PyExc_ValueError, "a weight must be at least 1");
    return -1;
}

static PyObject *counter_add(Counter *self, PyObject *args) {
    PyObject *object;
    long long weight;
    int threads, final;
    Py_buffer data;
    if (!PyArg_ParseTuple(args, "OLip", &object, &weight, &threads, &final)) return NULL;
    if (check_weight(weight) < 0) return NULL;
    if (PyObject_GetBuffer(object, &data, PyBUF_SIMPLE) < 0) return NULL;
    const uint8_t *text = data.buf;
    size_t length = (size_t)data.len;
    Work work = {0};
    size_t stop = final ? length : last_border(text, length);
    PyObject *result = NULL;
    if (work_from_text(&work, text, stop, length) == 0)
        result = run_count(self, &work, weight, threads);
    work_free(&work);
    PyBuffer_Release(&data);
    return result;
}

static PyObject *counter_add_texts(Counter *self, PyObject *args) {
    PyObject *texts, *result = NULL;
    long long weight;
    int threads;
    if (!PyArg_ParseTuple(args, "OLi", &texts, &weight, &threads)) return NULL;
    if (check_weight(weight) < 0) return NULL;
    Work work = {0};
    if (work_from_list(&work, texts) == 0)
        result = run_count(self, &work, weight, threads);
    work_free(&work);
    return result;
}

/* Add all tables to the first. */
static Status gather(Counter *self) {
    Status status = table_settle(&self->tables[0]);
    for (int i = 1; i < MOST_TABLES && status == OK; i++) {
        status = table_settle(&self->tables[i]);
        if (status != OK || !self->tables[i].used) continue;
        status = table_add_table(&self->tables[0], &self->tables[i]);
        if (status != OK) return status;
        table_free(&self->tables[i]);
    }
    return status;
}

/* Entries with their first eight bytes as a number that sorts as the bytes do. */
typedef struct {
    uint64_t head;
    const Entry *entry;
    const Table *table;
} Sorted;

static uint64_t head_of(const uint8_t *bytes, size_t length) {
    uint64_t head = 0;
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (i < length ? bytes[i] : (uint8_t)0);
    return head;
}

static int compare(const void *left, const void *right) {
    const Sorted *a = left, *b = right;
    if (a->head != b->head) return a->head < b->head ? -1 : 1;
    uint8_t room_a[16], room_b[16];
    const uint8_t *bytes_a = entry_bytes(a->table, a->entry, room_a);
    const uint8_t *bytes_b = entry_bytes(b->table, b->entry, room_b);
    size_t n_a = key_length(a->entry->key), n_b = key_length(b->entry->key);
    int order = memcmp(bytes_a, bytes_b, n_a < n_b ? n_a : n_b);
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

static Sorted *list_entries(const Table *table, int sorted, size_t *n_bytes) {
    Sorted *list = malloc((table->used + 1) * sizeof *list);
    size_t n = 0;
    uint8_t room[16];
    *n_bytes = 0;
    for (size_t i = 0; list && i < table->capacity; i++) {
        const Entry *entry = table->entries + i;
        size_t length = key_length(entry->key);
        if (!length) continue;
        uint64_t head = sorted ? head_of(entry_bytes(table, entry, room), length) : 0;
        list[n++] = (Sorted){head, entry, table};
        *n_bytes += length;
    }
    if (list && sorted) qsort(list, n, sizeof *list, compare);
    return list;
}

static PyObject *pack(const Table *table, const Sorted *list, size_t n_bytes) {
    size_t n = table->used;
    PyObject *blob = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n_bytes);
    PyObject *lengths = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(4 * n));
    PyObject *counts = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(8 * n));
    PyObject *result = NULL;
    if (blob && lengths && counts) {
        char *to = PyBytes_AsString(blob), *length_to = PyBytes_AsString(lengths);
        char *count_to = PyBytes_AsString(counts);
        uint8_t room[16];
        for (size_t i = 0; i < n; i++) {
            uint32_t length = (uint32_t)key_length(list[i].entry->key);
            memcpy(to, entry_bytes(table, list[i].entry, room), length);
            memcpy(length_to + 4 * i, &length, 4);
            memcpy(count_to + 8 * i, &list[i].entry->count, 8);
            to += length;
        }
        result = PyTuple_Pack(3, blob, lengths, counts);
    }
    Py_XDECREF(blob);
    Py_XDECREF(lengths);
    Py_XDECREF(counts);
    return result;
}

static PyObject *counter_export(Counter *self, PyObject *args) {
    int sorted = 1;
    if (!PyArg_ParseTuple(args, "|p", &sorted)) return NULL;
    if (enter(self) < 0) return NULL;
    Status status;
    Sorted *list = NULL;
    size_t n_bytes = 0;
    Py_BEGIN_ALLOW_THREADS
    status = gather(self);
    if (status == OK) {
        list = list_entries(&self->tables[0], sorted, &n_bytes);
        if (!list) status = NO_MEMORY;
    }
    Py_END_ALLOW_THREADS
    PyObject *result =
        status == OK ? pack(&self->tables[0], list, n_bytes) : raise_status(status);
    free(list);
    self->busy = 0;
    return result;
}

static PyObject *counter_clear(Counter *self, PyObject *unused) {
    (void)unused;
    if (enter(self) < 0) return NULL;
    for (int i = 0; i < MOST_TABLES; i++) table_free(&self->tables[i]);
    self->busy = 0;
    Py_RETURN_NONE;
}

static PyObject *counter_n_pieces(Counter *self, void *unused) {
    (void)unused;
    if (enter(self) < 0) return NULL;
    Status status;
    Py_BEGIN_ALLOW_THREADS
    status = gather(self);
    Py_END_ALLOW_THREADS
    self->busy = 0;
    return status == OK ? PyLong_FromSize_t(self->tables[0].used)
                        : raise_status(status);
}

static PyObject *counter_memory(Counter *self, void *unused) {
    (void)unused;
    size_t total = 0;
    for (int i = 0; i < MOST_TABLES; i++)
        total += self->tables[i].capacity * sizeof(Entry) + self->tables[i].arena_size;
    return PyLong_FromSize_t(total);
}

static PyObject *counter_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    (void)keywords;
    PyObject *table;
    int pattern;
    Splitter splitter;
    if (!PyArg_ParseTuple(args, "iO", &pattern, &table)) return NULL;
    if (check_splitter(&splitter, table, pattern) < 0) return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Counter *self = (Counter *)allocate(type, 0);
    if (!self) return NULL;
    Py_INCREF(table);
    self->class_table = table;
    self->splitter = splitter;
    return (PyObject *)self;
}

static void counter_dealloc(Counter *self) {
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    for (int i = 0; i < MOST_TABLES; i++) table_free(&self->tables[i]);
    Py_XDECREF(self->class_table);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"add", (PyCFunction)counter_add, METH_VARARGS,
     "add(data, weight, threads, final) -> bytes counted: up to the last border "
     "that is safe whatever follows, or to the end"},
    {"add_texts", (PyCFunction)counter_add_texts, METH_VARARGS,
     "add_texts(texts, weight, threads) -> bytes counted"},
    {"export", (PyCFunction)counter_export, METH_VARARGS,
     "export(sorted=True) -> pieces, lengths (uint32), counts (int64), as bytes"},
    {"clear", (PyCFunction)counter_clear, METH_NOARGS, "forget everything"},
    {0},
};

static PyGetSetDef properties[] = {
    {"n_pieces", (getter)counter_n_pieces, NULL, "distinct pieces", NULL},
    {"memory_bytes", (getter)counter_memory, NULL, "bytes that the tables take", NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Counter(pattern, class_table): how often each piece occurs"},
    {Py_tp_new, counter_new},
    {Py_tp_dealloc, counter_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec counter_spec = {"scratchlm.native._core.Counter", sizeof(Counter), 0,
                            Py_TPFLAGS_DEFAULT, slots};
