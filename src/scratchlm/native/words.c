/* Counts of words and of what repeats, for Python. */
#include "python.h"
#include "words.h"

static int start(WordCursor *cursor, PyObject *classes, PyObject *text) {
    if (PyBytes_Size(classes) != CLASS_TABLE_BYTES) {
        PyErr_SetString(PyExc_ValueError, "the class table has the wrong size");
        return -1;
    }
    cursor->at = 0;
    cursor->table = (const uint8_t *)PyBytes_AsString(classes);
    return text_of_object(text, &cursor->text, &cursor->length);
}

PyObject *py_count_words(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *classes, *text;
    WordCursor cursor;
    Word word;
    int64_t n = 0, spelled = 0, spelled_chars = 0, alphabetic = 0;
    if (!PyArg_ParseTuple(args, "SU", &classes, &text)) return NULL;
    if (start(&cursor, classes, text) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    while (next_word(&cursor, &word)) {
        int64_t is_spelled = (word.has & SYMBOL) != 0;
        n++;
        alphabetic += (word.has & ALPHABETIC) != 0;
        spelled += is_spelled;
        spelled_chars += (int64_t)word.chars & -is_spelled;
    }
    Py_END_ALLOW_THREADS
    return Py_BuildValue("LLLL", (long long)n, (long long)spelled,
                         (long long)spelled_chars, (long long)alphabetic);
}

static PyObject *list_of(const int64_t *values, int n) {
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++) {
        PyObject *value = PyLong_FromLongLong(values[i]);
        if (!value) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SetItem(list, i, value);
    }
    return list;
}

PyObject *py_repetition(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *classes, *text, *found = NULL;
    Py_buffer limits;
    WordCursor cursor;
    int64_t result[N_REPETITIONS];
    int n = 0;
    if (!PyArg_ParseTuple(args, "SUy*", &classes, &text, &limits)) return NULL;
    if (limits.len != N_REPETITIONS * sizeof(double)) {
        PyErr_SetString(PyExc_ValueError, "nine limits are needed");
    } else if (start(&cursor, classes, text) == 0) {
        Status status;
        double n_chars = (double)PyUnicode_GetLength(text);
        Py_BEGIN_ALLOW_THREADS
        status = repetition(cursor, n_chars, limits.buf, result, &n);
        Py_END_ALLOW_THREADS
        found = status == OK ? list_of(result, n) : raise_status(status);
    }
    PyBuffer_Release(&limits);
    return found;
}
