/* _core.Encoder, the way back: ids to bytes and text. */
#include "encoder.h"

typedef struct {
    uint8_t *bytes;
    size_t used, size;
} Buffer;

static Status grow_buffer(Buffer *buffer, size_t more) {
    size_t size = 2 * buffer->size + more + 256;
    uint8_t *bytes = realloc(buffer->bytes, size);
    if (!bytes) return NO_MEMORY;
    buffer->bytes = bytes;
    buffer->size = size;
    return OK;
}

/* Append what an id stands for: nothing for control tokens and unused slots. */
ALWAYS_INLINE Status append_token(const Encoder *self, Buffer *to, size_t id) {
    if (UNLIKELY(id >= self->vocab_size)) return BAD_INPUT;
    const Slot *slot = self->slots + id;
    size_t length = slot->length;
    if (UNLIKELY(length == LONG_TOKEN)) {
        const uint64_t *offsets = self->vocabulary.offsets + id;
        length = (size_t)(offsets[1] - offsets[0]);
        if (to->size - to->used < length + sizeof *slot &&
            grow_buffer(to, length + sizeof *slot) != OK)
            return NO_MEMORY;
        memcpy(to->bytes + to->used, self->vocabulary.blob + offsets[0], length);
    } else {
        if (UNLIKELY(to->size - to->used < sizeof *slot) &&
            grow_buffer(to, sizeof *slot) != OK)
            return NO_MEMORY;
        memcpy(to->bytes + to->used, slot, sizeof *slot); /* whole, then cut */
    }
    to->used += length;
    return OK;
}

static Status append_list(const Encoder *self, Buffer *to, PyObject *list) {
    size_t ids[BLOCK];
    for (Py_ssize_t first = 0, n = PyList_Size(list); first < n; first += BLOCK) {
        Py_ssize_t n_here = n - first < BLOCK ? n - first : BLOCK;
        for (Py_ssize_t i = 0; i < n_here; i++) {
            /* what is below 0 or no number becomes far too large */
            ids[i] = (size_t)PyLong_AsSsize_t(PyList_GetItem(list, first + i));
            if (LIKELY(ids[i] < self->vocab_size)) PREFETCH(self->slots + ids[i]);
        }
        for (Py_ssize_t i = 0; i < n_here; i++) {
            Status status = append_token(self, to, ids[i]);
            if (UNLIKELY(status != OK)) {
                PyErr_Clear();
                return status;
            }
        }
    }
    return OK;
}

static Status append_array(const Encoder *self, Buffer *to, const Py_buffer *ids) {
    size_t item = (size_t)ids->itemsize, n = (size_t)ids->len / (item ? item : 1);
    const char *format = ids->format ? ids->format : "B";
    if (*format == '<' || *format == '=' || *format == '@') format++;
    if (!strchr("hHiIlLqQ", *format) || (item != 2 && item != 4 && item != 8))
        return BAD_INPUT;
    for (size_t i = 0; i < n; i++) {
        uint64_t id = 0;
        if (item == 2)
            id = ((const uint16_t *)ids->buf)[i];
        else if (item == 4)
            id = ((const uint32_t *)ids->buf)[i];
        else
            id = ((const uint64_t *)ids->buf)[i];
        Status status = append_token(self, to, (size_t)id);
        if (status != OK) return status;
    }
    return OK;
}

/* Decode a list, or an array of integers, to what `finish` makes of the bytes. */
static PyObject *decode_with(Encoder *self, PyObject *ids,
                             PyObject *(*finish)(const char *, Py_ssize_t)) {
    Buffer to = {0};
    Status status = OK;
    if (PyList_Check(ids)) {
        size_t n = (size_t)PyList_Size(ids);
        status = grow_buffer(&to, 5 * n);
        if (status == OK) status = append_list(self, &to, ids);
    } else {
        Py_buffer buffer;
        if (PyObject_GetBuffer(ids, &buffer, PyBUF_ND | PyBUF_FORMAT) < 0) return NULL;
        status = grow_buffer(&to, 2 * (size_t)buffer.len);
        if (status == OK) status = append_array(self, &to, &buffer);
        PyBuffer_Release(&buffer);
    }
    PyObject *result = status == OK
                           ? finish((const char *)to.bytes, (Py_ssize_t)to.used)
                           : raise_status(status);
    free(to.bytes);
    return result;
}

static PyObject *to_text(const char *bytes, Py_ssize_t length) {
    return PyUnicode_DecodeUTF8(bytes, length, "replace");
}

PyObject *encoder_decode(Encoder *self, PyObject *ids) {
    return decode_with(self, ids, PyBytes_FromStringAndSize);
}

PyObject *encoder_decode_text(Encoder *self, PyObject *ids) {
    return decode_with(self, ids, to_text);
}
