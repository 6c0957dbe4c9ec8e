/* The canonical sequence: acquire, build, compile, upload, launch, download. Linked against the library. */
#include "synapse_sim.h"

#include <stdio.h>
#include <string.h>

#define MUST(call)                                                                                                 \
    do {                                                                                                           \
        int32_t status = (call);                                                                                   \
        if (status != synSuccess) {                                                                                \
            fprintf(stderr, "%s: status %d\n", #call, status);                                                     \
            return 1;                                                                                              \
        }                                                                                                          \
    } while (0)

enum { M = 2, K = 3, N = 4 };

static int32_t tensor(synHandle graph, const char* name, uint64_t fast, uint64_t slow, synHandle* out) {
    struct SynTensorGeometry geometry = {.sizes = {fast, slow}, .dims = 2};
    synHandle section;
    MUST(synSectionCreate(&section, 0, graph));
    MUST(synTensorHandleCreate(out, graph, DATA_TENSOR, name));
    MUST(synTensorSetGeometry(*out, &geometry, synGeometrySizes));
    MUST(synTensorSetDeviceDataType(*out, syn_type_float));
    MUST(synTensorAssignToSection(*out, section, 0));
    return synSuccess;
}

int main(void) {
    uint32_t device;
    synHandle stream, graph, a, b, c, recipe;
    MUST(synInitialize());
    MUST(synDeviceAcquireByDeviceType(&device, synDeviceGaudi2));
    MUST(synStreamCreateGeneric(&stream, device, 0));
    MUST(synGraphCreate(&graph, synDeviceGaudi2));
    MUST(tensor(graph, "a", K, M, &a));
    MUST(tensor(graph, "b", N, K, &b));
    MUST(tensor(graph, "c", N, M, &c));
    synHandle inputs[] = {a, b};
    struct SynGEMMParams params = {0, 0};
    uint64_t node;
    MUST(synNodeCreateWithId(graph, inputs, &c, 2, 1, &params, sizeof params, "gemm", "product", &node, NULL, NULL));
    MUST(synGraphCompile(&recipe, graph, "canonical", NULL));
    MUST(synGraphDestroy(graph));
    uint64_t workspace_size, workspace = 0;
    MUST(synWorkspaceGetSize(&workspace_size, recipe));
    MUST(synDeviceMalloc(device, workspace_size, 0, 0, &workspace));
    const char* names[] = {"a", "b", "c"};
    uint64_t ids[3], sizes[3] = {M * K * 4, K * N * 4, M * N * 4};
    MUST(synTensorRetrieveIds(recipe, names, ids, 3));
    float* host;
    MUST(synHostMalloc(device, 128, 0, (void**)&host));
    struct SynLaunchTensorInfo infos[3] = {0};
    for (int i = 0; i < 3; i++) {
        infos[i].tensorId = ids[i];
        MUST(synDeviceMalloc(device, sizes[i], 0, 0, &infos[i].pTensorAddress));
    }
    for (int i = 0; i < K * N; i++) host[i] = (float)i;
    MUST(synMemCopyAsync(stream, (uint64_t)host, sizes[0], infos[0].pTensorAddress, HOST_TO_DRAM));
    MUST(synMemCopyAsync(stream, (uint64_t)host, sizes[1], infos[1].pTensorAddress, HOST_TO_DRAM));
    MUST(synLaunch(stream, infos, 3, workspace, recipe, 0));
    MUST(synMemCopyAsync(stream, infos[2].pTensorAddress, sizes[2], (uint64_t)host, DRAM_TO_HOST));
    MUST(synStreamSynchronize(stream));
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            float wanted = 0;
            for (int k = 0; k < K; k++) wanted += (float)(m * K + k) * (float)(k * N + n);
            if (host[m * N + n] != wanted) return 2;
        }
    for (int i = 0; i < 3; i++) MUST(synDeviceFree(device, infos[i].pTensorAddress, 0));
    MUST(synHostFree(device, host, 0));
    MUST(synDeviceFree(device, workspace, 0));
    MUST(synRecipeDestroy(recipe));
    MUST(synStreamDestroy(stream));
    MUST(synDeviceRelease(device));
    char misuse[64];
    MUST(synapse_sim_misuse(misuse, sizeof misuse, NULL));
    if (strcmp(misuse, "[]") != 0) return 3;
    MUST(synDestroy());
    puts("canonical sequence done");
    return 0;
}
