/* Counts of words and of what repeats, for Python. */
#include "python.h"
#include "words.h"

static int arguments(PyObject *args, const uint8_t **table, const uint8_t **text,
                     size_t *length) {
    PyObject *classes, *object;
    if (!PyArg_ParseTuple(args, "SU", &classes, &object)) return -1;
    if (PyBytes_Size(classes) != CLASS_TABLE_BYTES) {
        PyErr_SetString(PyExc_ValueError, "the class table has the wrong size");
        return -1;
    }
    *table = (const uint8_t *)PyBytes_AsString(classes);
    return text_of_object(object, text, length);
}

PyObject *py_count_words(PyObject *module, PyObject *args) {
    (void)module;
    WordCursor cursor = {0};
    Word word;
    int64_t n = 0, spelled = 0, spelled_chars = 0, alphabetic = 0;
    if (arguments(args, &cursor.table, &cursor.text, &cursor.length) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    while (next_word(&cursor, &word)) {
        n++;
        alphabetic += (word.has & ALPHABETIC) != 0;
        if (word.has & SYMBOL) {
            spelled++;
            spelled_chars += (int64_t)word.chars;
        }
    }
    Py_END_ALLOW_THREADS
    return Py_BuildValue("LLLL", (long long)n, (long long)spelled,
                         (long long)spelled_chars, (long long)alphabetic);
}

PyObject *py_repetition(PyObject *module, PyObject *args) {
    (void)module;
    const uint8_t *table, *text;
    size_t length;
    int64_t found[N_REPETITIONS];
    Status status;
    if (arguments(args, &table, &text, &length) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    status = repetition(table, text, length, found);
    Py_END_ALLOW_THREADS
    if (status != OK) return raise_status(status);
    PyObject *list = PyList_New(N_REPETITIONS);
    for (int i = 0; list && i < N_REPETITIONS; i++) {
        PyObject *value = PyLong_FromLongLong(found[i]);
        if (!value) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SetItem(list, i, value);
    }
    return list;
}
