/* The time of every kernel that a process runs on an NVIDIA device, summed by name, as CUPTI saw it.
 *
 *     gcc -shared -fPIC -O1 -I INCLUDE -o record.so record.c -L LIB -l:libcupti.so.13
 *     CUDA_INJECTION64_PATH=$PWD/record.so KERNEL_TIMES=times.csv tintype bench ...
 *
 * INCLUDE and LIB are those of the wheel nvidia-cuda-cupti or of the toolkit's extras/CUPTI. The driver loads the library and calls
 * InitializeInjection. At the end of the process a line is written for each name and grid: count, sum and least in nanoseconds. Only
 * the last KERNEL_LAST kernels count where that is set, so that what comes before the measured loop stays out.
 */
#include <cuda.h>
#include <cupti.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 8 << 20, SLOTS = 1 << 21 };

struct record {
    const char *name;
    int grid[3];
    uint64_t start, end;
};

static struct record *records;
static size_t count;

static void CUPTIAPI requested(uint8_t **buffer, size_t *size, size_t *most) {
    *buffer = aligned_alloc(8, SIZE);
    *size = *buffer ? SIZE : 0;
    *most = 0;
}

static void CUPTIAPI completed(CUcontext context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid) {
    CUpti_Activity *activity = NULL;
    while (cuptiActivityGetNextRecord(buffer, valid, &activity) == CUPTI_SUCCESS) {
        if (activity->kind != CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) continue;
        CUpti_ActivityKernel10 *kernel = (CUpti_ActivityKernel10 *)activity;
        struct record *record = &records[count++ % SLOTS];
        *record = (struct record){strdup(kernel->name), {kernel->gridX, kernel->gridY, kernel->gridZ}, kernel->start, kernel->end};
    }
    free(buffer);
}

static int compare(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : memcmp(x->grid, y->grid, sizeof x->grid);
}

static void report(void) {
    cuptiActivityFlushAll(1);
    const char *path = getenv("KERNEL_TIMES"), *last = getenv("KERNEL_LAST");
    size_t kept = count < SLOTS ? count : SLOTS, wanted = last ? strtoull(last, NULL, 10) : kept;
    FILE *file = path ? fopen(path, "w") : stderr;
    if (!file) return;
    struct record *from = records;
    if (wanted < kept && count <= SLOTS) from += kept - wanted, kept = wanted;
    uint64_t begin = ~0ull, end = 0;
    for (size_t i = 0; i < kept; i++) {
        if (from[i].start < begin) begin = from[i].start;
        if (from[i].end > end) end = from[i].end;
    }
    qsort(from, kept, sizeof *from, compare);
    fprintf(file, "count,sum_ns,least_ns,grid,name\n");
    for (size_t i = 0; i < kept;) {
        size_t next = i;
        uint64_t sum = 0, least = ~0ull;
        for (; next < kept && !compare(&from[i], &from[next]); next++) {
            uint64_t time = from[next].end - from[next].start;
            sum += time;
            if (time < least) least = time;
        }
        fprintf(file, "%zu,%llu,%llu,%dx%dx%d,\"%s\"\n", next - i, (unsigned long long)sum, (unsigned long long)least,
                from[i].grid[0], from[i].grid[1], from[i].grid[2], from[i].name);
        i = next;
    }
    fprintf(file, "%zu,%llu,0,,\"(from the first kernel's start to the last one's end)\"\n", kept, (unsigned long long)(end - begin));
    if (path) fclose(file);
}

int InitializeInjection(void) {
    records = calloc(SLOTS, sizeof *records);
    if (!records) return 0;
    if (cuptiActivityRegisterCallbacks(requested, completed) != CUPTI_SUCCESS) return 0;
    if (cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) != CUPTI_SUCCESS) return 0;
    atexit(report);
    return 1;
}
