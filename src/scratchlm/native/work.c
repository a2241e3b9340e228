/* Texts from Python, cut into stretches that threads can take. */
#include "python.h"

#define STRETCH (1 << 18) /* bytes */

int text_of_object(PyObject *object, const uint8_t **text, size_t *length) {
    Py_ssize_t size;
    if (PyUnicode_Check(object)) {
        *text = (const uint8_t *)PyUnicode_AsUTF8AndSize(object, &size);
        if (!*text) return -1;
    } else if (PyBytes_Check(object)) {
        char *bytes;
        if (PyBytes_AsStringAndSize(object, &bytes, &size) < 0) return -1;
        *text = (const uint8_t *)bytes;
    } else {
        PyErr_SetString(PyExc_TypeError, "a text must be str or bytes");
        return -1;
    }
    *length = (size_t)size;
    return 0;
}

static int append(Work *work, Span span, size_t text) {
    if (work->n_spans == work->size) {
        size_t size = 2 * work->size + 16;
        Span *spans = realloc(work->spans, size * sizeof *spans);
        if (spans) work->spans = spans;
        size_t *text_of = realloc(work->text_of, size * sizeof *text_of);
        if (text_of) work->text_of = text_of;
        if (!spans || !text_of) {
            PyErr_NoMemory();
            return -1;
        }
        work->size = size;
    }
    work->spans[work->n_spans] = span;
    work->text_of[work->n_spans++] = text;
    return 0;
}

static int cut(Work *work, const uint8_t *text, size_t stop, size_t end) {
    size_t number = work->n_texts++;
    work->n_bytes += stop;
    for (size_t begin = 0; begin < stop;) {
        size_t border = stop;
        if (stop - begin > STRETCH) border = next_border(text, begin + STRETCH, stop);
        if (append(work, (Span){text, begin, border, end}, number) < 0) return -1;
        begin = border;
    }
    return 0;
}

int work_from_text(Work *work, const uint8_t *text, size_t stop, size_t end) {
    return cut(work, text, stop, end);
}

int work_from_list(Work *work, PyObject *texts) {
    work->owner = PySequence_Tuple(texts);
    if (!work->owner) return -1;
    Py_ssize_t n = PyTuple_Size(work->owner);
    for (Py_ssize_t i = 0; i < n; i++) {
        const uint8_t *text;
        size_t length;
        if (text_of_object(PyTuple_GetItem(work->owner, i), &text, &length) < 0)
            return -1;
        if (cut(work, text, length, length) < 0) return -1;
    }
    return 0;
}

void work_free(Work *work) {
    Py_XDECREF(work->owner);
    free(work->spans);
    free(work->text_of);
}

PyObject *raise_status(Status status) {
    if (status == NO_MEMORY) return PyErr_NoMemory();
    if (status == OVERFLOWED)
        PyErr_SetString(PyExc_OverflowError, "a count exceeds 64 bits");
    else
        PyErr_SetString(PyExc_ValueError, "the input does not fit its description");
    return NULL;
}

int check_splitter(Splitter *splitter, PyObject *table, int pattern) {
    if (!PyBytes_Check(table) || PyBytes_Size(table) != CLASS_TABLE_BYTES) {
        PyErr_SetString(PyExc_ValueError, "the class table has the wrong size");
        return -1;
    }
    if (pattern < 0 || pattern >= N_PATTERNS) {
        PyErr_SetString(PyExc_ValueError, "no such pattern");
        return -1;
    }
    splitter->classes = (const uint8_t *)PyBytes_AsString(table);
    splitter->pattern = pattern;
    return 0;
}
