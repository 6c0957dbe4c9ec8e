/* Constants and handles. See synapse_sim.h. */
#ifndef SYNAPSE_SIM_BASE_H
#define SYNAPSE_SIM_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYN_SIZE(type, size) static_assert(sizeof(struct type) == (size), #type)
#define SYN_OFFSET(type, field, offset) static_assert(offsetof(struct type, field) == (offset), #type "." #field)

/* Streams, events, graphs, recipes, tensors and sections: opaque. */
typedef struct synObject* synHandle;

enum { synSuccess = 0, synInvalidArgument = 1, synNoDeviceFound = 8, synDeviceAlreadyAcquired = 20,
       synNameIsAlreadyUsed = 21, synBusy = 22, synFail = 26, synFailedSectionValidation = 30,
       synInvalidEventHandle = 33, synMappingNotFound = 34 };
enum { syn_type_int8 = 1 << 0, syn_type_bf16 = 1 << 1, syn_type_float = 1 << 2, syn_type_int16 = 1 << 3,
       syn_type_int32 = 1 << 4, syn_type_uint8 = 1 << 5, syn_type_fp16 = 1 << 8, syn_type_uint16 = 1 << 9,
       syn_type_uint32 = 1 << 10, syn_type_fp8_143 = 1 << 13, syn_type_fp8_152 = 1 << 14,
       syn_type_int64 = 1 << 15, syn_type_uint64 = 1 << 16 };
enum { synDeviceGaudi2 = 4, synDeviceGaudi3 = 5 };
enum { HOST_TO_DRAM = 0, DRAM_TO_HOST = 1, DRAM_TO_DRAM = 2 };
enum { DATA_TENSOR = 0 };
enum { synGeometryMinSizes = 0, synGeometrySizes = 1 };
enum { SYN_FLAGS_TENSOR_NAME = 1, EVENT_COLLECT_TIME = 1 };

#endif
