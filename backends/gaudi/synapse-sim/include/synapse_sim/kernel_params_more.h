/* Structures and their layouts, held at compile time. See synapse_sim.h. */
#ifndef SYNAPSE_SIM_KERNEL_PARAMS_MORE_H
#define SYNAPSE_SIM_KERNEL_PARAMS_MORE_H

#include "base.h"

typedef struct NativeGroupNormParams {
    uint32_t N; uint32_t G; float epsilon;
} NativeGroupNormParams;
SYN_SIZE(NativeGroupNormParams, 12);
SYN_OFFSET(NativeGroupNormParams, N, 0); SYN_OFFSET(NativeGroupNormParams, G, 4);
SYN_OFFSET(NativeGroupNormParams, epsilon, 8);
typedef struct RoPESt2Params {
    uint32_t offset;
} RoPESt2Params;
SYN_SIZE(RoPESt2Params, 4);
SYN_OFFSET(RoPESt2Params, offset, 0);
typedef struct RoPESt2ParamsV2 {
    uint32_t offset; int32_t mode;
} RoPESt2ParamsV2;
SYN_SIZE(RoPESt2ParamsV2, 8);
SYN_OFFSET(RoPESt2ParamsV2, offset, 0); SYN_OFFSET(RoPESt2ParamsV2, mode, 4);
typedef struct RoPEParams {
    uint32_t base; uint32_t offset;
} RoPEParams;
SYN_SIZE(RoPEParams, 8);
SYN_OFFSET(RoPEParams, base, 0); SYN_OFFSET(RoPEParams, offset, 4);
typedef struct GatherKernelParams {
    int32_t axis;
} GatherKernelParams;
SYN_SIZE(GatherKernelParams, 4);
SYN_OFFSET(GatherKernelParams, axis, 0);
typedef struct GatherKernelParamsV2 {
    int32_t axis; int32_t batchDims;
} GatherKernelParamsV2;
SYN_SIZE(GatherKernelParamsV2, 8);
SYN_OFFSET(GatherKernelParamsV2, axis, 0); SYN_OFFSET(GatherKernelParamsV2, batchDims, 4);
typedef struct ClampKernelParams {
    uint32_t upperBound; uint32_t lowerBound;
} ClampKernelParams;
SYN_SIZE(ClampKernelParams, 8);
SYN_OFFSET(ClampKernelParams, upperBound, 0); SYN_OFFSET(ClampKernelParams, lowerBound, 4);
typedef struct RangeKernelParams {
    uint32_t start; uint32_t limit; uint32_t delta;
} RangeKernelParams;
SYN_SIZE(RangeKernelParams, 12);
SYN_OFFSET(RangeKernelParams, start, 0); SYN_OFFSET(RangeKernelParams, limit, 4);
SYN_OFFSET(RangeKernelParams, delta, 8);
typedef struct BinaryWithAlphaKernelParams {
    uint32_t alpha; int32_t mode;
} BinaryWithAlphaKernelParams;
SYN_SIZE(BinaryWithAlphaKernelParams, 8);
SYN_OFFSET(BinaryWithAlphaKernelParams, alpha, 0); SYN_OFFSET(BinaryWithAlphaKernelParams, mode, 4);
typedef struct PadKernelParams {
    uint32_t value; uint32_t pads[10];
} PadKernelParams;
SYN_SIZE(PadKernelParams, 44);
SYN_OFFSET(PadKernelParams, value, 0); SYN_OFFSET(PadKernelParams, pads, 4);
typedef struct PadKernelExParams {
    uint32_t value; uint32_t pads[10]; int32_t mode;
} PadKernelExParams;
SYN_SIZE(PadKernelExParams, 48);
SYN_OFFSET(PadKernelExParams, value, 0); SYN_OFFSET(PadKernelExParams, pads, 4);
SYN_OFFSET(PadKernelExParams, mode, 44);
typedef struct InstanceNormTrainingKernelParams {
    float momentum; float eps;
} InstanceNormTrainingKernelParams;
SYN_SIZE(InstanceNormTrainingKernelParams, 8);
SYN_OFFSET(InstanceNormTrainingKernelParams, momentum, 0); SYN_OFFSET(InstanceNormTrainingKernelParams, eps, 4);
typedef struct QuantizationPerTensorParams {
    float scale; int32_t zero_point;
} QuantizationPerTensorParams;
SYN_SIZE(QuantizationPerTensorParams, 8);
SYN_OFFSET(QuantizationPerTensorParams, scale, 0); SYN_OFFSET(QuantizationPerTensorParams, zero_point, 4);
typedef struct QuantizationPerTensorParamsV2 {
    float scale; int32_t zero_point; int32_t quant_min; int32_t quant_max;
} QuantizationPerTensorParamsV2;
SYN_SIZE(QuantizationPerTensorParamsV2, 16);
SYN_OFFSET(QuantizationPerTensorParamsV2, scale, 0); SYN_OFFSET(QuantizationPerTensorParamsV2, zero_point, 4);
SYN_OFFSET(QuantizationPerTensorParamsV2, quant_min, 8); SYN_OFFSET(QuantizationPerTensorParamsV2, quant_max, 12);
typedef struct QuantizationPerChannelParams {
    int32_t axis;
} QuantizationPerChannelParams;
SYN_SIZE(QuantizationPerChannelParams, 4);
SYN_OFFSET(QuantizationPerChannelParams, axis, 0);
typedef struct QuantizationPerChannelParamsV2 {
    int32_t axis; int32_t quant_min; int32_t quant_max;
} QuantizationPerChannelParamsV2;
SYN_SIZE(QuantizationPerChannelParamsV2, 12);
SYN_OFFSET(QuantizationPerChannelParamsV2, axis, 0); SYN_OFFSET(QuantizationPerChannelParamsV2, quant_min, 4);
SYN_OFFSET(QuantizationPerChannelParamsV2, quant_max, 8);
typedef struct ScaledMaskedSoftmaxParams {
    float invScaleAttn; uint32_t groupedBatchSize; uint32_t isUseMax; int32_t expMode;
} ScaledMaskedSoftmaxParams;
SYN_SIZE(ScaledMaskedSoftmaxParams, 16);
SYN_OFFSET(ScaledMaskedSoftmaxParams, invScaleAttn, 0); SYN_OFFSET(ScaledMaskedSoftmaxParams, groupedBatchSize, 4);
SYN_OFFSET(ScaledMaskedSoftmaxParams, isUseMax, 8); SYN_OFFSET(ScaledMaskedSoftmaxParams, expMode, 12);
typedef struct ScaledMaskedSoftmaxParamsV2 {
    float invScaleAttn; uint32_t groupedBatchSize; uint32_t isUseMax; int32_t expMode; int32_t mode;
    int32_t allSlicesBase;
} ScaledMaskedSoftmaxParamsV2;
SYN_SIZE(ScaledMaskedSoftmaxParamsV2, 24);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV2, invScaleAttn, 0);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV2, groupedBatchSize, 4); SYN_OFFSET(ScaledMaskedSoftmaxParamsV2, isUseMax, 8);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV2, expMode, 12); SYN_OFFSET(ScaledMaskedSoftmaxParamsV2, mode, 16);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV2, allSlicesBase, 20);
typedef struct ScaledMaskedSoftmaxParamsV3 {
    float invScaleAttn; uint32_t groupedBatchSize; uint32_t isUseMax; int32_t expMode; int32_t mode;
    int32_t allSlicesBase; int32_t isToZeroUpperTriangle;
} ScaledMaskedSoftmaxParamsV3;
SYN_SIZE(ScaledMaskedSoftmaxParamsV3, 28);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV3, invScaleAttn, 0);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV3, groupedBatchSize, 4); SYN_OFFSET(ScaledMaskedSoftmaxParamsV3, isUseMax, 8);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV3, expMode, 12); SYN_OFFSET(ScaledMaskedSoftmaxParamsV3, mode, 16);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV3, allSlicesBase, 20);
SYN_OFFSET(ScaledMaskedSoftmaxParamsV3, isToZeroUpperTriangle, 24);
typedef struct AddmmKernelParams {
    float alpha; float beta;
} AddmmKernelParams;
SYN_SIZE(AddmmKernelParams, 8);
SYN_OFFSET(AddmmKernelParams, alpha, 0); SYN_OFFSET(AddmmKernelParams, beta, 4);
typedef struct ScaleParams {
    float scale;
} ScaleParams;
SYN_SIZE(ScaleParams, 4);
SYN_OFFSET(ScaleParams, scale, 0);
typedef struct PixelShuffleKernelParams {
    uint32_t upscale_factor;
} PixelShuffleKernelParams;
SYN_SIZE(PixelShuffleKernelParams, 4);
SYN_OFFSET(PixelShuffleKernelParams, upscale_factor, 0);
typedef struct SigmoidKernelParams {
    int32_t flavor;
} SigmoidKernelParams;
SYN_SIZE(SigmoidKernelParams, 4);
SYN_OFFSET(SigmoidKernelParams, flavor, 0);
typedef struct TileKernelParams {
    int32_t repeat[4];
} TileKernelParams;
SYN_SIZE(TileKernelParams, 16);
SYN_OFFSET(TileKernelParams, repeat, 0);
typedef struct TileKernelParamsV2 {
    int32_t repeat[5];
} TileKernelParamsV2;
SYN_SIZE(TileKernelParamsV2, 20);
SYN_OFFSET(TileKernelParamsV2, repeat, 0);
typedef struct RandomNormalParams {
    float mean; float stddev; uint32_t seed;
} RandomNormalParams;
SYN_SIZE(RandomNormalParams, 12);
SYN_OFFSET(RandomNormalParams, mean, 0); SYN_OFFSET(RandomNormalParams, stddev, 4);
SYN_OFFSET(RandomNormalParams, seed, 8);
typedef struct PhiloxRandomUniformParams {
    float low; float high; uint32_t seed;
} PhiloxRandomUniformParams;
SYN_SIZE(PhiloxRandomUniformParams, 12);
SYN_OFFSET(PhiloxRandomUniformParams, low, 0); SYN_OFFSET(PhiloxRandomUniformParams, high, 4);
SYN_OFFSET(PhiloxRandomUniformParams, seed, 8);
typedef struct PhiloxRandomUniformParamsV2 {
    float low; float high; uint32_t seed; uint32_t counterInitial;
} PhiloxRandomUniformParamsV2;
SYN_SIZE(PhiloxRandomUniformParamsV2, 16);
SYN_OFFSET(PhiloxRandomUniformParamsV2, low, 0); SYN_OFFSET(PhiloxRandomUniformParamsV2, high, 4);
SYN_OFFSET(PhiloxRandomUniformParamsV2, seed, 8); SYN_OFFSET(PhiloxRandomUniformParamsV2, counterInitial, 12);
typedef struct PhiloxRandomUniformParamsV3 {
    float low; float high; uint32_t seed; uint32_t counterInitial; int32_t low_i; int32_t high_i;
} PhiloxRandomUniformParamsV3;
SYN_SIZE(PhiloxRandomUniformParamsV3, 24);
SYN_OFFSET(PhiloxRandomUniformParamsV3, low, 0); SYN_OFFSET(PhiloxRandomUniformParamsV3, high, 4);
SYN_OFFSET(PhiloxRandomUniformParamsV3, seed, 8); SYN_OFFSET(PhiloxRandomUniformParamsV3, counterInitial, 12);
SYN_OFFSET(PhiloxRandomUniformParamsV3, low_i, 16); SYN_OFFSET(PhiloxRandomUniformParamsV3, high_i, 20);
typedef struct LayerNormFp8Params {
    uint8_t epsValid; float eps;
} LayerNormFp8Params;
SYN_SIZE(LayerNormFp8Params, 8);
SYN_OFFSET(LayerNormFp8Params, epsValid, 0); SYN_OFFSET(LayerNormFp8Params, eps, 4);
typedef struct AveragePoolingParams {
    int32_t pad_w_begin; int32_t pad_w_end; int32_t pad_h_begin; int32_t pad_h_end; int32_t kernel_w;
    int32_t kernel_h; int32_t stride_w; int32_t stride_h; int32_t dilation_w; int32_t dilation_h;
    int32_t pooling_convention; int32_t includePadding;
} AveragePoolingParams;
SYN_SIZE(AveragePoolingParams, 48);
SYN_OFFSET(AveragePoolingParams, pad_w_begin, 0); SYN_OFFSET(AveragePoolingParams, pad_w_end, 4);
SYN_OFFSET(AveragePoolingParams, pad_h_begin, 8); SYN_OFFSET(AveragePoolingParams, pad_h_end, 12);
SYN_OFFSET(AveragePoolingParams, kernel_w, 16); SYN_OFFSET(AveragePoolingParams, kernel_h, 20);
SYN_OFFSET(AveragePoolingParams, stride_w, 24); SYN_OFFSET(AveragePoolingParams, stride_h, 28);
SYN_OFFSET(AveragePoolingParams, dilation_w, 32); SYN_OFFSET(AveragePoolingParams, dilation_h, 36);
SYN_OFFSET(AveragePoolingParams, pooling_convention, 40); SYN_OFFSET(AveragePoolingParams, includePadding, 44);
typedef struct SpatialReductionParams {
    int32_t pad_w_begin; int32_t pad_w_end; int32_t pad_h_begin; int32_t pad_h_end; int32_t kernel_w;
    int32_t kernel_h; int32_t stride_w; int32_t stride_h; int32_t dilation_w; int32_t dilation_h;
    int32_t pooling_convention;
} SpatialReductionParams;
SYN_SIZE(SpatialReductionParams, 44);
SYN_OFFSET(SpatialReductionParams, pad_w_begin, 0); SYN_OFFSET(SpatialReductionParams, pad_w_end, 4);
SYN_OFFSET(SpatialReductionParams, pad_h_begin, 8); SYN_OFFSET(SpatialReductionParams, pad_h_end, 12);
SYN_OFFSET(SpatialReductionParams, kernel_w, 16); SYN_OFFSET(SpatialReductionParams, kernel_h, 20);
SYN_OFFSET(SpatialReductionParams, stride_w, 24); SYN_OFFSET(SpatialReductionParams, stride_h, 28);
SYN_OFFSET(SpatialReductionParams, dilation_w, 32); SYN_OFFSET(SpatialReductionParams, dilation_h, 36);
SYN_OFFSET(SpatialReductionParams, pooling_convention, 40);
typedef struct MemcpyParams {
    int32_t mode;
} MemcpyParams;
SYN_SIZE(MemcpyParams, 4);
SYN_OFFSET(MemcpyParams, mode, 0);

#endif
