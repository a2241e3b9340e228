/* The extension module scratchlm.native._core. */
#include "python.h"

static PyObject *split(PyObject *module, PyObject *args) {
    (void)module;
    int pattern;
    PyObject *table, *object;
    Splitter splitter;
    const uint8_t *text;
    size_t length, ends[BLOCK], n, used = 0, size = 1024;
    if (!PyArg_ParseTuple(args, "iOO", &pattern, &table, &object)) return NULL;
    if (check_splitter(&splitter, table, pattern) < 0) return NULL;
    if (text_of_object(object, &text, &length) < 0) return NULL;
    Span span = {text, 0, length, length};
    int64_t *all = malloc(size * sizeof *all);
    while (all && (n = split_block(&splitter, &span, ends))) {
        if (used + n > size) {
            int64_t *larger = realloc(all, 2 * size * sizeof *all);
            if (!larger) free(all);
            all = larger;
            size *= 2;
        }
        for (size_t i = 0; all && i < n; i++) all[used++] = (int64_t)ends[i];
    }
    if (!all) return PyErr_NoMemory();
    PyObject *result =
        PyBytes_FromStringAndSize((const char *)all, (Py_ssize_t)(used * sizeof *all));
    free(all);
    return result;
}

static PyObject *learned(const LearnInput *input) {
    size_t room = input->n_merges + 1, n = 0;
    int32_t *merges = malloc(2 * room * sizeof *merges);
    int64_t *counts = malloc(room * sizeof *counts);
    Status status = NO_MEMORY;
    PyObject *result = NULL;
    if (merges && counts) {
        Py_BEGIN_ALLOW_THREADS
        status = learn(input, merges, counts, &n);
        Py_END_ALLOW_THREADS
    }
    if (status == OK)
        result = Py_BuildValue("y#y#", (const char *)merges,
                               (Py_ssize_t)(2 * n * sizeof *merges),
                               (const char *)counts, (Py_ssize_t)(n * sizeof *counts));
    else
        raise_status(status);
    free(merges);
    free(counts);
    return result;
}

static int consistent(const LearnInput *in, const Py_buffer *symbols,
                      const Py_buffer *offsets) {
    if ((size_t)offsets->len != 8 * (in->n_pieces + 1) || in->offsets[0] != 0) return 0;
    for (size_t i = 0; i < in->n_pieces; i++)
        if (in->offsets[i] > in->offsets[i + 1] || in->counts[i] < 0) return 0;
    return in->offsets[in->n_pieces] == (int64_t)(symbols->len / 4) &&
           in->n_pieces < UINT32_MAX;
}

static PyObject *learn_merges(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer symbols, offsets, counts, lengths, initial;
    Py_ssize_t n_merges;
    long long min_frequency, max_length;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*nLL", &symbols, &offsets, &counts, &lengths,
                          &initial, &n_merges, &min_frequency, &max_length))
        return NULL;
    LearnInput input = {
        .symbols = symbols.buf,
        .offsets = offsets.buf,
        .counts = counts.buf,
        .n_pieces = (size_t)counts.len / 8,
        .lengths = lengths.buf,
        .n_first = (size_t)lengths.len / 4,
        .initial = initial.buf,
        .n_initial = (size_t)initial.len / 8,
        .n_merges = n_merges > 0 ? (size_t)n_merges : 0,
        .min_frequency = min_frequency > 1 ? min_frequency : 1,
        .max_length = max_length,
    };
    PyObject *result = consistent(&input, &symbols, &offsets)
                           ? learned(&input)
                           : raise_status(BAD_INPUT);
    PyBuffer_Release(&symbols);
    PyBuffer_Release(&offsets);
    PyBuffer_Release(&counts);
    PyBuffer_Release(&lengths);
    PyBuffer_Release(&initial);
    return result;
}

static PyMethodDef functions[] = {
    {"split", split, METH_VARARGS,
     "split(pattern, class_table, text) -> where each piece ends (int64), as bytes"},
    {"learn_merges", learn_merges, METH_VARARGS,
     "learn_merges(symbols int32, offsets int64, counts int64, lengths int32, "
     "initial int32 pairs, n_merges, min_frequency, max_length) -> pairs (int32), "
     "counts (int64), as bytes"},
    {"count_words", py_count_words, METH_VARARGS,
     "count_words(word_table, text) -> words, those that are not symbols alone, the "
     "characters of these, words with a letter"},
    {"repetition", py_repetition, METH_VARARGS,
     "repetition(word_table, text, limits) -> characters of the top n-gram (n = 2, 3, "
     "4) times its count, of n-grams seen before (n = 5 ... 10), up to the first over "
     "its limit"},
    {"band_keys", py_band_keys, METH_VARARGS,
     "band_keys(texts, bands, rows, threads) -> MinHash keys (uint64, a row a text), "
     "shingles of each (int64), as bytes"},
    {"find_near", py_find_near, METH_VARARGS,
     "find_near(buckets, bucket_offsets, hashes, set_offsets, lengths, n_buckets, "
     "threshold, containment, link, most_leaders, most_compared) -> "
     "(later, earlier, common) int64, as bytes"},
    {"shingle_sets", py_shingle_sets, METH_VARARGS,
     "shingle_sets(texts, threads) -> sorted hashes (uint64), how many of each text "
     "(int64), as bytes"},
    {0},
};

static int add_type(PyObject *module, const char *name, PyType_Spec *spec) {
    PyObject *type = PyType_FromSpec(spec);
    int status = type ? PyModule_AddObjectRef(module, name, type) : -1;
    Py_XDECREF(type);
    return status;
}

static int execute(PyObject *module) {
    if (add_type(module, "Counter", &counter_spec) < 0) return -1;
    return add_type(module, "Encoder", &encoder_spec);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, (void *)execute}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_doc = "The C core of ScratchLM: splitting, counting, learning, encoding.",
    .m_size = 0,
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
