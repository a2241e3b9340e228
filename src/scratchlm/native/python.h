/* What the files that know Python share. */
#ifndef SCRATCHLM_PYTHON_H
#define SCRATCHLM_PYTHON_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include "shared.h"

extern PyType_Spec counter_spec, encoder_spec;

/* Many stretches of text, for several threads to take one after another. */
typedef struct {
    PyObject *owner; /* keeps the texts alive */
    Span *spans;
    size_t *text_of; /* span -> text */
    size_t n_spans, size, n_texts, n_bytes;
    Ticket ticket;
} Work;

/* The bytes of a str (as UTF-8) or of a bytes object. */
int text_of_object(PyObject *object, const uint8_t **text, size_t *length);

/* Cut texts into stretches; -1 with an exception where that fails. */
int work_from_list(Work *work, PyObject *texts);
int work_from_text(Work *work, const uint8_t *text, size_t stop, size_t end);
void work_free(Work *work);

/* Raise what a status stands for. */
PyObject *raise_status(Status status);

/* Functions of the module that stand in files of their own (words.c). */
PyObject *py_count_words(PyObject *module, PyObject *args);
PyObject *py_repetition(PyObject *module, PyObject *args);
/* (near_module.c) */
PyObject *py_band_keys(PyObject *module, PyObject *args);
PyObject *py_find_near(PyObject *module, PyObject *args);
PyObject *py_shingle_sets(PyObject *module, PyObject *args);

/* A class table and the code of a pattern; -1 with an exception. */
int check_splitter(Splitter *splitter, PyObject *table, int pattern);

#endif
