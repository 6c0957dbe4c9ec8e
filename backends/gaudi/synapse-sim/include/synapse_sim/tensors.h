/* Structures and their layouts, held at compile time. See synapse_sim.h. */
#ifndef SYNAPSE_SIM_TENSORS_H
#define SYNAPSE_SIM_TENSORS_H

#include "base.h"

typedef struct SynLaunchTensorInfo {
    const char* tensorName; uint64_t pTensorAddress; int32_t tensorType; uint64_t tensorSize[25]; uint64_t tensorId;
} SynLaunchTensorInfo;
SYN_SIZE(SynLaunchTensorInfo, 232);
SYN_OFFSET(SynLaunchTensorInfo, tensorName, 0); SYN_OFFSET(SynLaunchTensorInfo, pTensorAddress, 8);
SYN_OFFSET(SynLaunchTensorInfo, tensorType, 16); SYN_OFFSET(SynLaunchTensorInfo, tensorSize, 24);
SYN_OFFSET(SynLaunchTensorInfo, tensorId, 224);
typedef struct SynLaunchTensorInfoExt {
    const char* tensorName; uint64_t pTensorAddress; int32_t tensorType; uint64_t tensorSize[25]; uint64_t tensorId;
} SynLaunchTensorInfoExt;
SYN_SIZE(SynLaunchTensorInfoExt, 232);
SYN_OFFSET(SynLaunchTensorInfoExt, tensorName, 0); SYN_OFFSET(SynLaunchTensorInfoExt, pTensorAddress, 8);
SYN_OFFSET(SynLaunchTensorInfoExt, tensorType, 16); SYN_OFFSET(SynLaunchTensorInfoExt, tensorSize, 24);
SYN_OFFSET(SynLaunchTensorInfoExt, tensorId, 224);
typedef struct SynRetrievedLaunchTensorInfo {
    char tensorName[1024]; uint64_t tensorId; int32_t tensorType; int32_t tensorDataType; uint32_t tensorDims;
    uint64_t tensorMaxSize[25]; uint64_t tensorMinSize[25]; uint8_t tensorPermutation[25]; uint32_t tensorSectionId;
    uint64_t tensorOffsetInSection; uint8_t isInput; uint32_t reserved[10];
} SynRetrievedLaunchTensorInfo;
SYN_SIZE(SynRetrievedLaunchTensorInfo, 1536);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorName, 0); SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorId, 1024);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorType, 1032);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorDataType, 1036);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorDims, 1040);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorMaxSize, 1048);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorMinSize, 1248);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorPermutation, 1448);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorSectionId, 1476);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, tensorOffsetInSection, 1480);
SYN_OFFSET(SynRetrievedLaunchTensorInfo, isInput, 1488); SYN_OFFSET(SynRetrievedLaunchTensorInfo, reserved, 1492);
typedef struct SynTensorGeometry {
    uint64_t sizes[25]; uint32_t dims;
} SynTensorGeometry;
SYN_SIZE(SynTensorGeometry, 208);
SYN_OFFSET(SynTensorGeometry, sizes, 0); SYN_OFFSET(SynTensorGeometry, dims, 200);
typedef struct SynTensorDeviceLayout {
    uint32_t strides[24]; int32_t deviceDataType;
} SynTensorDeviceLayout;
SYN_SIZE(SynTensorDeviceLayout, 100);
SYN_OFFSET(SynTensorDeviceLayout, strides, 0); SYN_OFFSET(SynTensorDeviceLayout, deviceDataType, 96);
typedef struct SynTensorDeviceFullLayout {
    uint32_t strides[25]; int32_t deviceDataType;
} SynTensorDeviceFullLayout;
SYN_SIZE(SynTensorDeviceFullLayout, 104);
SYN_OFFSET(SynTensorDeviceFullLayout, strides, 0); SYN_OFFSET(SynTensorDeviceFullLayout, deviceDataType, 100);
typedef struct SynTensorPermutation {
    uint8_t permutation[25]; uint8_t dims;
} SynTensorPermutation;
SYN_SIZE(SynTensorPermutation, 26);
SYN_OFFSET(SynTensorPermutation, permutation, 0); SYN_OFFSET(SynTensorPermutation, dims, 25);
typedef struct SynDeviceInfo {
    uint64_t sramBaseAddress; uint64_t dramBaseAddress; uint32_t sramSize; uint64_t dramSize;
    uint64_t tpcEnabledMask; uint8_t dramEnabled; uint32_t deviceId; uint32_t fd; int32_t deviceType;
} SynDeviceInfo;
SYN_SIZE(SynDeviceInfo, 56);
SYN_OFFSET(SynDeviceInfo, sramBaseAddress, 0); SYN_OFFSET(SynDeviceInfo, dramBaseAddress, 8);
SYN_OFFSET(SynDeviceInfo, sramSize, 16); SYN_OFFSET(SynDeviceInfo, dramSize, 24);
SYN_OFFSET(SynDeviceInfo, tpcEnabledMask, 32); SYN_OFFSET(SynDeviceInfo, dramEnabled, 40);
SYN_OFFSET(SynDeviceInfo, deviceId, 44); SYN_OFFSET(SynDeviceInfo, fd, 48); SYN_OFFSET(SynDeviceInfo, deviceType, 52);
typedef struct SynDeviceInfoV2 {
    uint64_t sramBaseAddress; uint64_t dramBaseAddress; uint32_t sramSize; uint64_t dramSize;
    uint64_t tpcEnabledMask; uint8_t dramEnabled; uint32_t deviceId; uint32_t fd; int32_t deviceType;
    uint8_t deviceIndex; uint64_t reserved;
} SynDeviceInfoV2;
SYN_SIZE(SynDeviceInfoV2, 72);
SYN_OFFSET(SynDeviceInfoV2, sramBaseAddress, 0); SYN_OFFSET(SynDeviceInfoV2, dramBaseAddress, 8);
SYN_OFFSET(SynDeviceInfoV2, sramSize, 16); SYN_OFFSET(SynDeviceInfoV2, dramSize, 24);
SYN_OFFSET(SynDeviceInfoV2, tpcEnabledMask, 32); SYN_OFFSET(SynDeviceInfoV2, dramEnabled, 40);
SYN_OFFSET(SynDeviceInfoV2, deviceId, 44); SYN_OFFSET(SynDeviceInfoV2, fd, 48);
SYN_OFFSET(SynDeviceInfoV2, deviceType, 52); SYN_OFFSET(SynDeviceInfoV2, deviceIndex, 56);

#endif
