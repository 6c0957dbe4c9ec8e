/* Structures and their layouts, held at compile time. See synapse_sim.h. */
#ifndef SYNAPSE_SIM_GRAPH_PARAMS_H
#define SYNAPSE_SIM_GRAPH_PARAMS_H

#include "base.h"

typedef struct SynActivationParams {
    uint8_t reluEnable; uint8_t resAfterPWL; uint16_t structPadding; uint32_t numChannels; uint64_t pwlNegCoeff;
    uint64_t pwlPosCoeff;
} SynActivationParams;
SYN_SIZE(SynActivationParams, 24);
SYN_OFFSET(SynActivationParams, reluEnable, 0); SYN_OFFSET(SynActivationParams, resAfterPWL, 1);
SYN_OFFSET(SynActivationParams, structPadding, 2); SYN_OFFSET(SynActivationParams, numChannels, 4);
SYN_OFFSET(SynActivationParams, pwlNegCoeff, 8); SYN_OFFSET(SynActivationParams, pwlPosCoeff, 16);
typedef struct SynConvolutionParams {
    uint32_t kW; uint32_t kH; uint32_t dW; uint32_t dH; int32_t padL; int32_t padR; int32_t padT; int32_t padB;
    uint32_t dilW; uint32_t dilH; struct SynActivationParams activation; uint32_t nGroups; uint32_t structPadding1;
} SynConvolutionParams;
SYN_SIZE(SynConvolutionParams, 72);
SYN_OFFSET(SynConvolutionParams, kW, 0); SYN_OFFSET(SynConvolutionParams, kH, 4);
SYN_OFFSET(SynConvolutionParams, dW, 8); SYN_OFFSET(SynConvolutionParams, dH, 12);
SYN_OFFSET(SynConvolutionParams, padL, 16); SYN_OFFSET(SynConvolutionParams, padR, 20);
SYN_OFFSET(SynConvolutionParams, padT, 24); SYN_OFFSET(SynConvolutionParams, padB, 28);
SYN_OFFSET(SynConvolutionParams, dilW, 32); SYN_OFFSET(SynConvolutionParams, dilH, 36);
SYN_OFFSET(SynConvolutionParams, activation, 40); SYN_OFFSET(SynConvolutionParams, nGroups, 64);
SYN_OFFSET(SynConvolutionParams, structPadding1, 68);
typedef struct SynConvolutionParamsV2 {
    uint32_t kW; uint32_t kH; uint32_t dW; uint32_t dH; int32_t padL; int32_t padR; int32_t padT; int32_t padB;
    uint32_t dilW; uint32_t dilH; struct SynActivationParams activation; uint32_t nGroups; uint32_t structPadding1;
    int32_t paddingType; uint32_t reserved[9];
} SynConvolutionParamsV2;
SYN_SIZE(SynConvolutionParamsV2, 112);
SYN_OFFSET(SynConvolutionParamsV2, kW, 0); SYN_OFFSET(SynConvolutionParamsV2, kH, 4);
SYN_OFFSET(SynConvolutionParamsV2, dW, 8); SYN_OFFSET(SynConvolutionParamsV2, dH, 12);
SYN_OFFSET(SynConvolutionParamsV2, padL, 16); SYN_OFFSET(SynConvolutionParamsV2, padR, 20);
SYN_OFFSET(SynConvolutionParamsV2, padT, 24); SYN_OFFSET(SynConvolutionParamsV2, padB, 28);
SYN_OFFSET(SynConvolutionParamsV2, dilW, 32); SYN_OFFSET(SynConvolutionParamsV2, dilH, 36);
SYN_OFFSET(SynConvolutionParamsV2, activation, 40); SYN_OFFSET(SynConvolutionParamsV2, nGroups, 64);
SYN_OFFSET(SynConvolutionParamsV2, structPadding1, 68); SYN_OFFSET(SynConvolutionParamsV2, paddingType, 72);
SYN_OFFSET(SynConvolutionParamsV2, reserved, 76);
typedef struct SynConvolution3DParams {
    uint32_t kernel[3]; uint32_t stride[3]; int32_t padding[6]; uint32_t dilation[3]; uint32_t structPadding1;
    struct SynActivationParams activation; uint32_t nGroups; uint32_t structPadding2;
} SynConvolution3DParams;
SYN_SIZE(SynConvolution3DParams, 96);
SYN_OFFSET(SynConvolution3DParams, kernel, 0); SYN_OFFSET(SynConvolution3DParams, stride, 12);
SYN_OFFSET(SynConvolution3DParams, padding, 24); SYN_OFFSET(SynConvolution3DParams, dilation, 48);
SYN_OFFSET(SynConvolution3DParams, structPadding1, 60); SYN_OFFSET(SynConvolution3DParams, activation, 64);
SYN_OFFSET(SynConvolution3DParams, nGroups, 88); SYN_OFFSET(SynConvolution3DParams, structPadding2, 92);
typedef struct SynConvolution3DParamsV2 {
    uint32_t kernel[3]; uint32_t stride[3]; int32_t padding[6]; uint32_t dilation[3]; uint32_t structPadding1;
    struct SynActivationParams activation; uint32_t nGroups; uint32_t structPadding2; int32_t paddingType;
    uint32_t reserved[9];
} SynConvolution3DParamsV2;
SYN_SIZE(SynConvolution3DParamsV2, 136);
SYN_OFFSET(SynConvolution3DParamsV2, kernel, 0); SYN_OFFSET(SynConvolution3DParamsV2, stride, 12);
SYN_OFFSET(SynConvolution3DParamsV2, padding, 24); SYN_OFFSET(SynConvolution3DParamsV2, dilation, 48);
SYN_OFFSET(SynConvolution3DParamsV2, structPadding1, 60); SYN_OFFSET(SynConvolution3DParamsV2, activation, 64);
SYN_OFFSET(SynConvolution3DParamsV2, nGroups, 88); SYN_OFFSET(SynConvolution3DParamsV2, structPadding2, 92);
SYN_OFFSET(SynConvolution3DParamsV2, paddingType, 96); SYN_OFFSET(SynConvolution3DParamsV2, reserved, 100);
typedef struct SynGEMMParams {
    uint8_t transpose_a; uint8_t transpose_b;
} SynGEMMParams;
SYN_SIZE(SynGEMMParams, 2);
SYN_OFFSET(SynGEMMParams, transpose_a, 0); SYN_OFFSET(SynGEMMParams, transpose_b, 1);
typedef struct SynTransposeParams {
    int32_t permutation[5]; uint32_t tensorDim;
} SynTransposeParams;
SYN_SIZE(SynTransposeParams, 24);
SYN_OFFSET(SynTransposeParams, permutation, 0); SYN_OFFSET(SynTransposeParams, tensorDim, 20);
typedef struct SynTransposeParamsNDims {
    uint32_t tensorDim; uint32_t permutation[25];
} SynTransposeParamsNDims;
SYN_SIZE(SynTransposeParamsNDims, 104);
SYN_OFFSET(SynTransposeParamsNDims, tensorDim, 0); SYN_OFFSET(SynTransposeParamsNDims, permutation, 4);
typedef struct SynAxisParams {
    uint32_t axis;
} SynAxisParams;
SYN_SIZE(SynAxisParams, 4);
SYN_OFFSET(SynAxisParams, axis, 0);
typedef struct SynSliceParams {
    uint32_t axes[5]; uint32_t starts[5]; uint32_t ends[5]; uint32_t steps[5];
} SynSliceParams;
SYN_SIZE(SynSliceParams, 80);
SYN_OFFSET(SynSliceParams, axes, 0); SYN_OFFSET(SynSliceParams, starts, 20); SYN_OFFSET(SynSliceParams, ends, 40);
SYN_OFFSET(SynSliceParams, steps, 60);
typedef struct SynSliceParamsNDims {
    uint32_t axes[25]; uint32_t starts[25]; uint32_t ends[25]; uint32_t steps[25];
} SynSliceParamsNDims;
SYN_SIZE(SynSliceParamsNDims, 400);
SYN_OFFSET(SynSliceParamsNDims, axes, 0); SYN_OFFSET(SynSliceParamsNDims, starts, 100);
SYN_OFFSET(SynSliceParamsNDims, ends, 200); SYN_OFFSET(SynSliceParamsNDims, steps, 300);
typedef struct SynSliceParamsV2 {
    uint32_t axes[25]; uint32_t _structPadding; uint64_t starts[25]; uint64_t ends[25]; uint64_t steps[25];
} SynSliceParamsV2;
SYN_SIZE(SynSliceParamsV2, 704);
SYN_OFFSET(SynSliceParamsV2, axes, 0); SYN_OFFSET(SynSliceParamsV2, _structPadding, 100);
SYN_OFFSET(SynSliceParamsV2, starts, 104); SYN_OFFSET(SynSliceParamsV2, ends, 304);
SYN_OFFSET(SynSliceParamsV2, steps, 504);
typedef struct SynSliceAxisParams {
    uint32_t axis; uint32_t begin; uint32_t end;
} SynSliceAxisParams;
SYN_SIZE(SynSliceAxisParams, 12);
SYN_OFFSET(SynSliceAxisParams, axis, 0); SYN_OFFSET(SynSliceAxisParams, begin, 4);
SYN_OFFSET(SynSliceAxisParams, end, 8);
typedef struct SynSliceAxisParamsV2 {
    uint32_t axis; uint32_t _structPadding; uint64_t begin; uint64_t end;
} SynSliceAxisParamsV2;
SYN_SIZE(SynSliceAxisParamsV2, 24);
SYN_OFFSET(SynSliceAxisParamsV2, axis, 0); SYN_OFFSET(SynSliceAxisParamsV2, _structPadding, 4);
SYN_OFFSET(SynSliceAxisParamsV2, begin, 8); SYN_OFFSET(SynSliceAxisParamsV2, end, 16);
typedef struct SynStridedOpParams {
    uint64_t baseOffset; uint64_t strides[25];
} SynStridedOpParams;
SYN_SIZE(SynStridedOpParams, 208);
SYN_OFFSET(SynStridedOpParams, baseOffset, 0); SYN_OFFSET(SynStridedOpParams, strides, 8);
typedef struct SynEinsumParams {
    char equation[51];
} SynEinsumParams;
SYN_SIZE(SynEinsumParams, 51);
SYN_OFFSET(SynEinsumParams, equation, 0);
typedef struct SynBeamParams {
    uint32_t bsw; uint32_t axis; uint8_t bottomK;
} SynBeamParams;
SYN_SIZE(SynBeamParams, 12);
SYN_OFFSET(SynBeamParams, bsw, 0); SYN_OFFSET(SynBeamParams, axis, 4); SYN_OFFSET(SynBeamParams, bottomK, 8);

#endif
