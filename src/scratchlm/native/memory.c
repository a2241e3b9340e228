/* Memory for tables that are probed at random. */
#if defined(__linux__)
#define _GNU_SOURCE
#include <sys/mman.h>
#endif
#include "shared.h"

#define HUGE_PAGE ((size_t)2 << 20)

void *table_memory(size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (bytes >= HUGE_PAGE) {
        void *memory = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
        if (!memory) return NULL;
        madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: it may go unheard */
        return memset(memory, 0, bytes);
    }
#endif
    return calloc(1, bytes ? bytes : 1);
}

void table_memory_free(void *memory) { free(memory); }
