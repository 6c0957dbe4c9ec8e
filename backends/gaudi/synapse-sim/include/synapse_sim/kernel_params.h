/* Structures and their layouts, held at compile time. See synapse_sim.h. */
#ifndef SYNAPSE_SIM_KERNEL_PARAMS_H
#define SYNAPSE_SIM_KERNEL_PARAMS_H

#include "base.h"

typedef struct SoftmaxParams {
    int32_t dim;
} SoftmaxParams;
SYN_SIZE(SoftmaxParams, 4);
SYN_OFFSET(SoftmaxParams, dim, 0);
typedef struct SoftmaxParamsV3 {
    int32_t dim; int32_t dataTypeSize;
} SoftmaxParamsV3;
SYN_SIZE(SoftmaxParamsV3, 8);
SYN_OFFSET(SoftmaxParamsV3, dim, 0); SYN_OFFSET(SoftmaxParamsV3, dataTypeSize, 4);
typedef struct SoftmaxParamsV4 {
    int32_t dim; int32_t dataTypeSize; int32_t validCountAxis;
} SoftmaxParamsV4;
SYN_SIZE(SoftmaxParamsV4, 12);
SYN_OFFSET(SoftmaxParamsV4, dim, 0); SYN_OFFSET(SoftmaxParamsV4, dataTypeSize, 4);
SYN_OFFSET(SoftmaxParamsV4, validCountAxis, 8);
typedef struct SoftmaxParamsV5 {
    int32_t dim; int32_t dataTypeSize; int32_t validCountAxis; int32_t is_approximation;
} SoftmaxParamsV5;
SYN_SIZE(SoftmaxParamsV5, 16);
SYN_OFFSET(SoftmaxParamsV5, dim, 0); SYN_OFFSET(SoftmaxParamsV5, dataTypeSize, 4);
SYN_OFFSET(SoftmaxParamsV5, validCountAxis, 8); SYN_OFFSET(SoftmaxParamsV5, is_approximation, 12);
typedef struct SoftmaxParamsV6 {
    int32_t dim; int32_t dataTypeSize; int32_t validCountAxis; int32_t is_approximation; int32_t triangularMode;
} SoftmaxParamsV6;
SYN_SIZE(SoftmaxParamsV6, 20);
SYN_OFFSET(SoftmaxParamsV6, dim, 0); SYN_OFFSET(SoftmaxParamsV6, dataTypeSize, 4);
SYN_OFFSET(SoftmaxParamsV6, validCountAxis, 8); SYN_OFFSET(SoftmaxParamsV6, is_approximation, 12);
SYN_OFFSET(SoftmaxParamsV6, triangularMode, 16);
typedef struct SoftmaxParamsV7 {
    int32_t dim; int32_t dataTypeSize; int32_t validCountAxis; int32_t is_approximation; int32_t triangularMode;
    int32_t mode;
} SoftmaxParamsV7;
SYN_SIZE(SoftmaxParamsV7, 24);
SYN_OFFSET(SoftmaxParamsV7, dim, 0); SYN_OFFSET(SoftmaxParamsV7, dataTypeSize, 4);
SYN_OFFSET(SoftmaxParamsV7, validCountAxis, 8); SYN_OFFSET(SoftmaxParamsV7, is_approximation, 12);
SYN_OFFSET(SoftmaxParamsV7, triangularMode, 16); SYN_OFFSET(SoftmaxParamsV7, mode, 20);
typedef struct LayerNormKernelParams {
    uint8_t epsValid; float eps;
} LayerNormKernelParams;
SYN_SIZE(LayerNormKernelParams, 8);
SYN_OFFSET(LayerNormKernelParams, epsValid, 0); SYN_OFFSET(LayerNormKernelParams, eps, 4);
typedef struct LayerNormKernelParamsNorm {
    uint8_t epsValid; float eps; int32_t NormAxisBmp; int32_t ParamAxisBmp;
} LayerNormKernelParamsNorm;
SYN_SIZE(LayerNormKernelParamsNorm, 16);
SYN_OFFSET(LayerNormKernelParamsNorm, epsValid, 0); SYN_OFFSET(LayerNormKernelParamsNorm, eps, 4);
SYN_OFFSET(LayerNormKernelParamsNorm, NormAxisBmp, 8); SYN_OFFSET(LayerNormKernelParamsNorm, ParamAxisBmp, 12);
typedef struct LayerNormKernelParamsPt {
    uint8_t epsValid; float eps; int32_t NormAxisBmp; int32_t ParamAxisBmp; uint32_t normalizedShapeDims;
} LayerNormKernelParamsPt;
SYN_SIZE(LayerNormKernelParamsPt, 20);
SYN_OFFSET(LayerNormKernelParamsPt, epsValid, 0); SYN_OFFSET(LayerNormKernelParamsPt, eps, 4);
SYN_OFFSET(LayerNormKernelParamsPt, NormAxisBmp, 8); SYN_OFFSET(LayerNormKernelParamsPt, ParamAxisBmp, 12);
SYN_OFFSET(LayerNormKernelParamsPt, normalizedShapeDims, 16);
typedef struct LayerNormKernelParamsRmsNorm {
    uint8_t epsValid; float eps; int32_t NormAxisBmp; int32_t ParamAxisBmp; uint32_t normalizedShapeDims;
    uint8_t fastMath;
} LayerNormKernelParamsRmsNorm;
SYN_SIZE(LayerNormKernelParamsRmsNorm, 24);
SYN_OFFSET(LayerNormKernelParamsRmsNorm, epsValid, 0); SYN_OFFSET(LayerNormKernelParamsRmsNorm, eps, 4);
SYN_OFFSET(LayerNormKernelParamsRmsNorm, NormAxisBmp, 8);
SYN_OFFSET(LayerNormKernelParamsRmsNorm, ParamAxisBmp, 12);
SYN_OFFSET(LayerNormKernelParamsRmsNorm, normalizedShapeDims, 16);
SYN_OFFSET(LayerNormKernelParamsRmsNorm, fastMath, 20);
typedef struct RmsNormParams {
    uint32_t bwdStage; int32_t numTpc;
} RmsNormParams;
SYN_SIZE(RmsNormParams, 8);
SYN_OFFSET(RmsNormParams, bwdStage, 0); SYN_OFFSET(RmsNormParams, numTpc, 4);
typedef struct RmsNormParamsV2 {
    uint32_t bwdStage; int32_t numTpc; int32_t bwdMode;
} RmsNormParamsV2;
SYN_SIZE(RmsNormParamsV2, 12);
SYN_OFFSET(RmsNormParamsV2, bwdStage, 0); SYN_OFFSET(RmsNormParamsV2, numTpc, 4);
SYN_OFFSET(RmsNormParamsV2, bwdMode, 8);
typedef struct RmsNormParamsV3 {
    uint32_t bwdStage; int32_t numTpc; int32_t bwdMode; uint8_t useStages;
} RmsNormParamsV3;
SYN_SIZE(RmsNormParamsV3, 16);
SYN_OFFSET(RmsNormParamsV3, bwdStage, 0); SYN_OFFSET(RmsNormParamsV3, numTpc, 4);
SYN_OFFSET(RmsNormParamsV3, bwdMode, 8); SYN_OFFSET(RmsNormParamsV3, useStages, 12);
typedef struct RmsNormParamsV4 {
    uint32_t bwdStage; int32_t numTpc; int32_t bwdMode; uint8_t useStages; uint8_t fastMath; int32_t dummy;
} RmsNormParamsV4;
SYN_SIZE(RmsNormParamsV4, 20);
SYN_OFFSET(RmsNormParamsV4, bwdStage, 0); SYN_OFFSET(RmsNormParamsV4, numTpc, 4);
SYN_OFFSET(RmsNormParamsV4, bwdMode, 8); SYN_OFFSET(RmsNormParamsV4, useStages, 12);
SYN_OFFSET(RmsNormParamsV4, fastMath, 13); SYN_OFFSET(RmsNormParamsV4, dummy, 16);
typedef struct DropoutKernelParamsOptionalMaskOut {
    float ratio; uint32_t seed; uint8_t disableMaskOut;
} DropoutKernelParamsOptionalMaskOut;
SYN_SIZE(DropoutKernelParamsOptionalMaskOut, 12);
SYN_OFFSET(DropoutKernelParamsOptionalMaskOut, ratio, 0); SYN_OFFSET(DropoutKernelParamsOptionalMaskOut, seed, 4);
SYN_OFFSET(DropoutKernelParamsOptionalMaskOut, disableMaskOut, 8);
typedef struct SdpaParams {
    float scale; uint8_t is_causal; struct DropoutKernelParamsOptionalMaskOut dropout; uint8_t is_inference;
} SdpaParams;
SYN_SIZE(SdpaParams, 24);
SYN_OFFSET(SdpaParams, scale, 0); SYN_OFFSET(SdpaParams, is_causal, 4); SYN_OFFSET(SdpaParams, dropout, 8);
SYN_OFFSET(SdpaParams, is_inference, 20);
typedef struct SdpaParamsV2 {
    float scale; uint8_t is_causal; struct DropoutKernelParamsOptionalMaskOut dropout; uint8_t is_inference;
    int32_t softmax_mode;
} SdpaParamsV2;
SYN_SIZE(SdpaParamsV2, 28);
SYN_OFFSET(SdpaParamsV2, scale, 0); SYN_OFFSET(SdpaParamsV2, is_causal, 4); SYN_OFFSET(SdpaParamsV2, dropout, 8);
SYN_OFFSET(SdpaParamsV2, is_inference, 20); SYN_OFFSET(SdpaParamsV2, softmax_mode, 24);
typedef struct SdpaParamsV3 {
    float scale; uint8_t is_causal; struct DropoutKernelParamsOptionalMaskOut dropout; uint8_t is_inference;
    int32_t softmax_mode; uint32_t flags;
} SdpaParamsV3;
SYN_SIZE(SdpaParamsV3, 32);
SYN_OFFSET(SdpaParamsV3, scale, 0); SYN_OFFSET(SdpaParamsV3, is_causal, 4); SYN_OFFSET(SdpaParamsV3, dropout, 8);
SYN_OFFSET(SdpaParamsV3, is_inference, 20); SYN_OFFSET(SdpaParamsV3, softmax_mode, 24);
SYN_OFFSET(SdpaParamsV3, flags, 28);
typedef struct DropoutKernelParams {
    float ratio; uint32_t seed;
} DropoutKernelParams;
SYN_SIZE(DropoutKernelParams, 8);
SYN_OFFSET(DropoutKernelParams, ratio, 0); SYN_OFFSET(DropoutKernelParams, seed, 4);
typedef struct DropoutKernelParamsOptionalTrain {
    float ratio; uint32_t seed; uint8_t disableMaskOut; int32_t isTraining;
} DropoutKernelParamsOptionalTrain;
SYN_SIZE(DropoutKernelParamsOptionalTrain, 16);
SYN_OFFSET(DropoutKernelParamsOptionalTrain, ratio, 0); SYN_OFFSET(DropoutKernelParamsOptionalTrain, seed, 4);
SYN_OFFSET(DropoutKernelParamsOptionalTrain, disableMaskOut, 8);
SYN_OFFSET(DropoutKernelParamsOptionalTrain, isTraining, 12);
typedef struct GeluKernelParams {
    uint8_t approximation;
} GeluKernelParams;
SYN_SIZE(GeluKernelParams, 1);
SYN_OFFSET(GeluKernelParams, approximation, 0);
typedef struct GeluKernelParamsV2 {
    uint8_t approximation; int32_t accuracy_mode;
} GeluKernelParamsV2;
SYN_SIZE(GeluKernelParamsV2, 8);
SYN_OFFSET(GeluKernelParamsV2, approximation, 0); SYN_OFFSET(GeluKernelParamsV2, accuracy_mode, 4);
typedef struct CastKernelParams {
    int32_t round_mode;
} CastKernelParams;
SYN_SIZE(CastKernelParams, 4);
SYN_OFFSET(CastKernelParams, round_mode, 0);
typedef struct CastKernelParamsV2 {
    int32_t round_mode; uint32_t seed;
} CastKernelParamsV2;
SYN_SIZE(CastKernelParamsV2, 8);
SYN_OFFSET(CastKernelParamsV2, round_mode, 0); SYN_OFFSET(CastKernelParamsV2, seed, 4);
typedef struct CastKernelParamsV3 {
    int32_t round_mode; uint32_t seed; int32_t mode;
} CastKernelParamsV3;
SYN_SIZE(CastKernelParamsV3, 12);
SYN_OFFSET(CastKernelParamsV3, round_mode, 0); SYN_OFFSET(CastKernelParamsV3, seed, 4);
SYN_OFFSET(CastKernelParamsV3, mode, 8);
typedef struct CastKernelParamsV4 {
    int32_t round_mode; uint32_t seed; int32_t mode; uint8_t safeCastCheck;
} CastKernelParamsV4;
SYN_SIZE(CastKernelParamsV4, 16);
SYN_OFFSET(CastKernelParamsV4, round_mode, 0); SYN_OFFSET(CastKernelParamsV4, seed, 4);
SYN_OFFSET(CastKernelParamsV4, mode, 8); SYN_OFFSET(CastKernelParamsV4, safeCastCheck, 12);
typedef struct ConstantKernelParams {
    uint32_t constant;
} ConstantKernelParams;
SYN_SIZE(ConstantKernelParams, 4);
SYN_OFFSET(ConstantKernelParams, constant, 0);
typedef struct ConstantKernelParams_v2 {
    int32_t const_low; int32_t const_high;
} ConstantKernelParams_v2;
SYN_SIZE(ConstantKernelParams_v2, 8);
SYN_OFFSET(ConstantKernelParams_v2, const_low, 0); SYN_OFFSET(ConstantKernelParams_v2, const_high, 4);
typedef struct ReductionParams {
    uint32_t reductionDimension;
} ReductionParams;
SYN_SIZE(ReductionParams, 4);
SYN_OFFSET(ReductionParams, reductionDimension, 0);
typedef struct ReductionParamsV2 {
    uint32_t reductionDimensionMask; uint8_t keepDim;
} ReductionParamsV2;
SYN_SIZE(ReductionParamsV2, 8);
SYN_OFFSET(ReductionParamsV2, reductionDimensionMask, 0); SYN_OFFSET(ReductionParamsV2, keepDim, 4);
typedef struct ResizeKernelParams {
    int32_t mode; float scaleDim1; float scaleDim2; float scaleDim3; int32_t coordTransMode; int32_t nearestMode;
    uint8_t excludeOutside; uint8_t useScales; float cubicCoeffA; int32_t size1; int32_t size2; int32_t size3;
} ResizeKernelParams;
SYN_SIZE(ResizeKernelParams, 44);
SYN_OFFSET(ResizeKernelParams, mode, 0); SYN_OFFSET(ResizeKernelParams, scaleDim1, 4);
SYN_OFFSET(ResizeKernelParams, scaleDim2, 8); SYN_OFFSET(ResizeKernelParams, scaleDim3, 12);
SYN_OFFSET(ResizeKernelParams, coordTransMode, 16); SYN_OFFSET(ResizeKernelParams, nearestMode, 20);
SYN_OFFSET(ResizeKernelParams, excludeOutside, 24); SYN_OFFSET(ResizeKernelParams, useScales, 25);
SYN_OFFSET(ResizeKernelParams, cubicCoeffA, 28); SYN_OFFSET(ResizeKernelParams, size1, 32);
SYN_OFFSET(ResizeKernelParams, size2, 36); SYN_OFFSET(ResizeKernelParams, size3, 40);
typedef struct ResizeKernelParamsGauss {
    int32_t mode; float scaleDim1; float scaleDim2; float scaleDim3; int32_t coordTransMode; int32_t nearestMode;
    uint8_t excludeOutside; uint8_t useScales; float cubicCoeffA; int32_t size1; int32_t size2; int32_t size3;
    int32_t filterWidth; float sigma;
} ResizeKernelParamsGauss;
SYN_SIZE(ResizeKernelParamsGauss, 52);
SYN_OFFSET(ResizeKernelParamsGauss, mode, 0); SYN_OFFSET(ResizeKernelParamsGauss, scaleDim1, 4);
SYN_OFFSET(ResizeKernelParamsGauss, scaleDim2, 8); SYN_OFFSET(ResizeKernelParamsGauss, scaleDim3, 12);
SYN_OFFSET(ResizeKernelParamsGauss, coordTransMode, 16); SYN_OFFSET(ResizeKernelParamsGauss, nearestMode, 20);
SYN_OFFSET(ResizeKernelParamsGauss, excludeOutside, 24); SYN_OFFSET(ResizeKernelParamsGauss, useScales, 25);
SYN_OFFSET(ResizeKernelParamsGauss, cubicCoeffA, 28); SYN_OFFSET(ResizeKernelParamsGauss, size1, 32);
SYN_OFFSET(ResizeKernelParamsGauss, size2, 36); SYN_OFFSET(ResizeKernelParamsGauss, size3, 40);
SYN_OFFSET(ResizeKernelParamsGauss, filterWidth, 44); SYN_OFFSET(ResizeKernelParamsGauss, sigma, 48);
typedef struct UpsampleKernelParams {
    int32_t mode; int32_t scale;
} UpsampleKernelParams;
SYN_SIZE(UpsampleKernelParams, 8);
SYN_OFFSET(UpsampleKernelParams, mode, 0); SYN_OFFSET(UpsampleKernelParams, scale, 4);

#endif
