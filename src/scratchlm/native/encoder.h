/* What the two files of _core.Encoder share. */
#ifndef SCRATCHLM_ENCODER_H
#define SCRATCHLM_ENCODER_H

#include "python.h"

/* What an id stands for, in one piece of memory; LONG_TOKEN: see the vocabulary. */
typedef struct {
    uint8_t bytes[15];
    uint8_t length;
} Slot;

#define LONG_TOKEN 255

typedef struct {
    PyObject_HEAD
    PyObject *class_table;
    Vocabulary vocabulary;
    size_t vocab_size;
    Slot *slots; /* the bytes of each id, for decoding */
    PyObject *otherwise; /* called where encoding one plain text does not do */
    Worker *idle;
    PyObject **numbers; /* id -> its Python integer, made when first needed */
} Encoder;

PyObject *encoder_decode(Encoder *self, PyObject *ids);
PyObject *encoder_decode_text(Encoder *self, PyObject *ids);

#endif
