/* Work on several threads, without a pool: threads live for one call, so that a
 * process may fork between calls. Without POSIX threads one thread does everything.
 */
#include "shared.h"

#if defined(_WIN32) || defined(__EMSCRIPTEN__)

void run_threads(int n_threads, Job job, void *context) {
    (void)n_threads;
    job(context, 0);
}

size_t take_ticket(Ticket *ticket) { return ticket->next++; }

#else

#include <pthread.h>

#define MOST_THREADS 256

typedef struct {
    Job job;
    void *context;
    int thread;
} Start;

static void *begin(void *argument) {
    Start *start = argument;
    start->job(start->context, start->thread);
    return NULL;
}

void run_threads(int n_threads, Job job, void *context) {
    pthread_t threads[MOST_THREADS];
    Start starts[MOST_THREADS];
    int started = 0;
    if (n_threads > MOST_THREADS) n_threads = MOST_THREADS;
    for (int i = 1; i < n_threads; i++) {
        starts[i] = (Start){job, context, i};
        if (pthread_create(&threads[i], NULL, begin, &starts[i]) != 0) break;
        started = i;
    }
    job(context, 0);
    for (int i = 1; i <= started; i++) pthread_join(threads[i], NULL);
}

size_t take_ticket(Ticket *ticket) {
    return __atomic_fetch_add(&ticket->next, 1, __ATOMIC_RELAXED);
}

#endif
