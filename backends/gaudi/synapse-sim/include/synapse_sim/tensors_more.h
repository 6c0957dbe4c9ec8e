/* Structures and their layouts, held at compile time. See synapse_sim.h. */
#ifndef SYNAPSE_SIM_TENSORS_MORE_H
#define SYNAPSE_SIM_TENSORS_MORE_H

#include "base.h"

typedef struct TensorMetadataInfo {
    const char* tensorName; uint32_t elementType; double zp; double scale; uint32_t dimensions;
    uint64_t dimensionsSize[25]; uint64_t roiSizeInBytes; uint16_t batchSize; uint8_t isInput; char layout[20];
    uint32_t sectionId; uint64_t offsetInSection;
} TensorMetadataInfo;
SYN_SIZE(TensorMetadataInfo, 288);
SYN_OFFSET(TensorMetadataInfo, tensorName, 0); SYN_OFFSET(TensorMetadataInfo, elementType, 8);
SYN_OFFSET(TensorMetadataInfo, zp, 16); SYN_OFFSET(TensorMetadataInfo, scale, 24);
SYN_OFFSET(TensorMetadataInfo, dimensions, 32); SYN_OFFSET(TensorMetadataInfo, dimensionsSize, 40);
SYN_OFFSET(TensorMetadataInfo, roiSizeInBytes, 240); SYN_OFFSET(TensorMetadataInfo, batchSize, 248);
SYN_OFFSET(TensorMetadataInfo, isInput, 250); SYN_OFFSET(TensorMetadataInfo, layout, 251);
SYN_OFFSET(TensorMetadataInfo, sectionId, 272); SYN_OFFSET(TensorMetadataInfo, offsetInSection, 280);
typedef struct SynQuantDynamicRange {
    double min; double max;
} SynQuantDynamicRange;
SYN_SIZE(SynQuantDynamicRange, 16);
SYN_OFFSET(SynQuantDynamicRange, min, 0); SYN_OFFSET(SynQuantDynamicRange, max, 8);
typedef struct SynQuantZPScale {
    double zp; double scale;
} SynQuantZPScale;
SYN_SIZE(SynQuantZPScale, 16);
SYN_OFFSET(SynQuantZPScale, zp, 0); SYN_OFFSET(SynQuantZPScale, scale, 8);
typedef struct SynQuantMetadata {
    int32_t dataType; struct SynQuantZPScale* zpScales; uint32_t numZPScales;
} SynQuantMetadata;
SYN_SIZE(SynQuantMetadata, 24);
SYN_OFFSET(SynQuantMetadata, dataType, 0); SYN_OFFSET(SynQuantMetadata, zpScales, 8);
SYN_OFFSET(SynQuantMetadata, numZPScales, 16);
typedef struct SynFpQuantParam {
    double scale; uint32_t expBias;
} SynFpQuantParam;
SYN_SIZE(SynFpQuantParam, 16);
SYN_OFFSET(SynFpQuantParam, scale, 0); SYN_OFFSET(SynFpQuantParam, expBias, 8);
typedef struct SynFpQuantMetadata {
    int32_t dataType; struct SynFpQuantParam* fpQuantParams; uint32_t numFpQuantParams;
} SynFpQuantMetadata;
SYN_SIZE(SynFpQuantMetadata, 24);
SYN_OFFSET(SynFpQuantMetadata, dataType, 0); SYN_OFFSET(SynFpQuantMetadata, fpQuantParams, 8);
SYN_OFFSET(SynFpQuantMetadata, numFpQuantParams, 16);
typedef struct SynQuantFlags {
    uint8_t enablePerChannelQuant; uint8_t isSparsifiedWeights; uint8_t isWeights;
} SynQuantFlags;
SYN_SIZE(SynQuantFlags, 3);
SYN_OFFSET(SynQuantFlags, enablePerChannelQuant, 0); SYN_OFFSET(SynQuantFlags, isSparsifiedWeights, 1);
SYN_OFFSET(SynQuantFlags, isWeights, 2);
typedef struct SynTensorHandleMap {
    void* origHandle; void* newHandle;
} SynTensorHandleMap;
SYN_SIZE(SynTensorHandleMap, 16);
SYN_OFFSET(SynTensorHandleMap, origHandle, 0); SYN_OFFSET(SynTensorHandleMap, newHandle, 8);
typedef struct SynNodeHandleMap {
    uint64_t origHandle; uint64_t newHandle;
} SynNodeHandleMap;
SYN_SIZE(SynNodeHandleMap, 16);
SYN_OFFSET(SynNodeHandleMap, origHandle, 0); SYN_OFFSET(SynNodeHandleMap, newHandle, 8);
typedef struct SynDynamicStridedDmaH2dTensor {
    uint64_t num_strides; uint64_t offset; uint64_t strides[6];
} SynDynamicStridedDmaH2dTensor;
SYN_SIZE(SynDynamicStridedDmaH2dTensor, 64);
SYN_OFFSET(SynDynamicStridedDmaH2dTensor, num_strides, 0); SYN_OFFSET(SynDynamicStridedDmaH2dTensor, offset, 8);
SYN_OFFSET(SynDynamicStridedDmaH2dTensor, strides, 16);
typedef struct SynDynamicSliceDmaH2dTensor {
    uint64_t dims; uint64_t steps[5]; uint64_t starts[5];
} SynDynamicSliceDmaH2dTensor;
SYN_SIZE(SynDynamicSliceDmaH2dTensor, 88);
SYN_OFFSET(SynDynamicSliceDmaH2dTensor, dims, 0); SYN_OFFSET(SynDynamicSliceDmaH2dTensor, steps, 8);
SYN_OFFSET(SynDynamicSliceDmaH2dTensor, starts, 48);
typedef struct SynQuantizationParams {
    double m_zp; double m_scale; uint32_t m_expBias; int32_t m_qDataType; uint32_t m_structPad;
} SynQuantizationParams;
SYN_SIZE(SynQuantizationParams, 32);
SYN_OFFSET(SynQuantizationParams, m_zp, 0); SYN_OFFSET(SynQuantizationParams, m_scale, 8);
SYN_OFFSET(SynQuantizationParams, m_expBias, 16); SYN_OFFSET(SynQuantizationParams, m_qDataType, 20);
SYN_OFFSET(SynQuantizationParams, m_structPad, 24);
typedef struct SynPerChannelQuantizationParams {
    double* m_pcZps; double* m_pcScales; uint32_t* m_pcExpBias; uint32_t m_numChannels; int32_t m_qDataType;
} SynPerChannelQuantizationParams;
SYN_SIZE(SynPerChannelQuantizationParams, 32);
SYN_OFFSET(SynPerChannelQuantizationParams, m_pcZps, 0); SYN_OFFSET(SynPerChannelQuantizationParams, m_pcScales, 8);
SYN_OFFSET(SynPerChannelQuantizationParams, m_pcExpBias, 16);
SYN_OFFSET(SynPerChannelQuantizationParams, m_numChannels, 24);
SYN_OFFSET(SynPerChannelQuantizationParams, m_qDataType, 28);
typedef struct DynamicRange {
    double min; double max; uint8_t isSet;
} DynamicRange;
SYN_SIZE(DynamicRange, 24);
SYN_OFFSET(DynamicRange, min, 0); SYN_OFFSET(DynamicRange, max, 8); SYN_OFFSET(DynamicRange, isSet, 16);
typedef struct SynTensorDescriptor {
    uint32_t m_batchPos; int32_t m_dataType; uint32_t m_dims; uint32_t m_sizes[5];
    struct SynQuantizationParams m_quantizationParams[6]; void* m_ptr; uint8_t m_isWeights; uint8_t m_isQuantized;
    const char* m_name; uint32_t m_strides[5]; uint8_t m_isOutput; uint8_t m_enablePerChannelQuant;
    struct SynPerChannelQuantizationParams m_perChannelQuantizationParams[6]; uint8_t m_isInput; uint8_t m_isStatic;
    uint32_t m_minSizes[5]; int32_t m_tensorType; struct DynamicRange m_dynamicRange; uint8_t m_isSparsityWeights;
} SynTensorDescriptor;
SYN_SIZE(SynTensorDescriptor, 528);
SYN_OFFSET(SynTensorDescriptor, m_batchPos, 0); SYN_OFFSET(SynTensorDescriptor, m_dataType, 4);
SYN_OFFSET(SynTensorDescriptor, m_dims, 8); SYN_OFFSET(SynTensorDescriptor, m_sizes, 12);
SYN_OFFSET(SynTensorDescriptor, m_quantizationParams, 32); SYN_OFFSET(SynTensorDescriptor, m_ptr, 224);
SYN_OFFSET(SynTensorDescriptor, m_isWeights, 232); SYN_OFFSET(SynTensorDescriptor, m_isQuantized, 233);
SYN_OFFSET(SynTensorDescriptor, m_name, 240); SYN_OFFSET(SynTensorDescriptor, m_strides, 248);
SYN_OFFSET(SynTensorDescriptor, m_isOutput, 268); SYN_OFFSET(SynTensorDescriptor, m_enablePerChannelQuant, 269);
SYN_OFFSET(SynTensorDescriptor, m_perChannelQuantizationParams, 272);
SYN_OFFSET(SynTensorDescriptor, m_isInput, 464); SYN_OFFSET(SynTensorDescriptor, m_isStatic, 465);
SYN_OFFSET(SynTensorDescriptor, m_minSizes, 468); SYN_OFFSET(SynTensorDescriptor, m_tensorType, 488);
SYN_OFFSET(SynTensorDescriptor, m_dynamicRange, 496); SYN_OFFSET(SynTensorDescriptor, m_isSparsityWeights, 520);
typedef struct SynTraceEvent {
    const char* name; const char* category; char type; long double timestamp; long double duration;
    uint32_t engineType; uint32_t engineIndex; uint64_t contextId; uint64_t arguments[16];
} SynTraceEvent;
SYN_SIZE(SynTraceEvent, 208);
SYN_OFFSET(SynTraceEvent, name, 0); SYN_OFFSET(SynTraceEvent, category, 8); SYN_OFFSET(SynTraceEvent, type, 16);
SYN_OFFSET(SynTraceEvent, timestamp, 32); SYN_OFFSET(SynTraceEvent, duration, 48);
SYN_OFFSET(SynTraceEvent, engineType, 64); SYN_OFFSET(SynTraceEvent, engineIndex, 68);
SYN_OFFSET(SynTraceEvent, contextId, 72); SYN_OFFSET(SynTraceEvent, arguments, 80);
typedef struct SynGraphAttributeVal {
    uint64_t iAttrVal;
} SynGraphAttributeVal;
SYN_SIZE(SynGraphAttributeVal, 8);
SYN_OFFSET(SynGraphAttributeVal, iAttrVal, 0);

#endif
