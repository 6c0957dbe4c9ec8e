/* The functions this library does, by the prototypes of the interface. Every status is an int32_t. */
#ifndef SYNAPSE_SIM_FUNCTIONS_H
#define SYNAPSE_SIM_FUNCTIONS_H

#include "tensors.h"
#include "tensors_more.h"

int32_t synStreamCreateGeneric(synHandle* pStreamHandle, uint32_t deviceId, uint32_t flags);
int32_t synStreamDestroy(synHandle streamHandle);
int32_t synStreamWaitEvent(synHandle streamHandle, synHandle eventHandle, uint32_t flags);
int32_t synStreamSynchronize(synHandle streamHandle);
int32_t synStreamQuery(synHandle streamHandle);
int32_t synEventCreate(synHandle* pEventHandler, uint32_t deviceId, uint32_t flags);
int32_t synEventDestroy(synHandle eventHandle);
int32_t synEventRecord(synHandle eventHandle, synHandle streamHandle);
int32_t synEventQuery(synHandle eventHandle);
int32_t synEventSynchronize(synHandle eventHandle);
int32_t synEventElapsedTime(uint64_t* pNanoSeconds, synHandle eventHandleStart, synHandle eventHandleEnd);
int32_t synRecipeDestroy(synHandle recipeHandle);
int32_t synRecipeSerialize(synHandle recipeHandle, const char* recipeFileName);
int32_t synRecipeDeSerialize(synHandle* pRecipeHandle, const char* recipeFileName);
int32_t synRecipeGetAttribute(uint64_t* retVal, const int32_t* recipeAttr, uint32_t querySize,
    synHandle recipeHandle);
int32_t synSectionCreate(synHandle* sectionHandle, uint64_t sectionDescriptor, synHandle graph);
int32_t synSectionSetGroup(synHandle sectionHandle, uint64_t sectionGroup);
int32_t synSectionGetGroup(synHandle sectionHandle, uint64_t* sectionGroup);
int32_t synSectionSetPersistent(synHandle sectionHandle, bool sectionIsPersistent);
int32_t synSectionGetPersistent(synHandle sectionHandle, bool* sectionIsPersistent);
int32_t synSectionSetConst(synHandle sectionHandle, bool sectionIsConst);
int32_t synSectionGetConst(synHandle sectionHandle, bool* sectionIsConst);
int32_t synRecipeSectionGetProp(synHandle pRecipeHandle, uint32_t sectionId, int32_t prop, uint64_t* propertyPtr);
int32_t synSectionSetRMW(synHandle sectionHandle, bool sectionIsRMW);
int32_t synSectionGetRMW(synHandle sectionHandle, bool* sectionIsRMW);
int32_t synRecipeSectionHostBuffersClear(synHandle recipeHandle, const uint32_t* sectionIds, size_t numOfSections);
int32_t synLaunch(synHandle streamHandle, const SynLaunchTensorInfo* launchTensorsInfo, uint32_t numberOfTensors,
    uint64_t pWorkspace, synHandle pRecipeHandle, uint32_t flags);
int32_t synLaunchExt(synHandle streamHandle, const SynLaunchTensorInfoExt* launchTensorsInfoExt,
    uint32_t numberOfTensors, uint64_t pWorkspace, synHandle pRecipeHandle, uint32_t flags);
int32_t synSectionDestroy(synHandle sectionHandle);
int32_t synWorkspaceGetSize(uint64_t* pWorkspaceSize, synHandle recipeHandle);
int32_t synMemCopyAsyncMultiple(synHandle streamHandle, const uint64_t* src, const uint64_t* size,
    const uint64_t* dst, int32_t direction, uint64_t numCopies);
int32_t synMemCopyAsync(synHandle streamHandle, uint64_t src, uint64_t size, uint64_t dst, int32_t direction);
int32_t synDeviceGetCount(uint32_t* pCount);
int32_t synDeviceGetCountByDeviceType(uint32_t* pCount, int32_t deviceType);
int32_t synDeviceCount(uint32_t counts[8]);
int32_t synDeviceGetModuleIDs(uint32_t* pDeviceModuleIds, uint32_t* size);
int32_t synDeviceAcquireByDeviceType(uint32_t* pDeviceId, int32_t deviceType);
int32_t synDeviceAcquireByModuleId(uint32_t* pDeviceId, uint32_t moduleId);
int32_t synDeviceAcquire(uint32_t* pDeviceId, const char* pciBus);
int32_t synDeviceSynchronize(uint32_t deviceId);
int32_t synDriverGetVersion(char* pDriverVersion, int len);
int32_t synDeviceGetName(char* pName, int len, uint32_t deviceId);
int32_t synDeviceGetPCIBusId(char* pPciBusId, int len, uint32_t deviceId);
int32_t synTensorCreate(synHandle* pTensor, const SynTensorDescriptor* descriptor, synHandle pSectionHandle,
    uint64_t sectionOffset);
int32_t synConstTensorCreate(synHandle* pTensor, const SynTensorDescriptor* descriptor);
int32_t synTensorRetrieveLaunchAmount(synHandle pRecipeHandle, uint32_t* numOfTensors);
int32_t synTensorRetrieveLaunchIds(synHandle pRecipeHandle, uint64_t* tensorsIds, uint32_t numOfTensors);
int32_t synTensorRetrieveLaunchInfoById(synHandle pRecipeHandle, uint32_t numOfTensors,
    SynRetrievedLaunchTensorInfo* tensorsLaunchInfo);
int32_t synTensorRetrieveLaunchInfoByIdExt(synHandle pRecipeHandle, uint32_t numOfTensors,
    SynRetrievedLaunchTensorInfo* tensorsLaunchInfoExt);
int32_t synTensorRetrievePersistentAmount(synHandle pRecipeHandle, uint32_t* numOfTensors);
int32_t synTensorRetrieveNames(synHandle pRecipeHandle, char (*tensorsName)[1024], uint32_t numOfTensors);
int32_t synTensorRetrieveIds(synHandle pRecipeHandle, const char** tensorNames, uint64_t* tensorIds,
    uint32_t numOfTensors);
int32_t synTensorDestroy(synHandle tensor);
int32_t synNodeCreate(synHandle graphHandle, const synHandle* pInputsTensorList,
    const synHandle* pOutputsTensorList, uint32_t numberInputs, uint32_t numberOutputs, const void* pUserParams,
    uint32_t paramsSize, const char* pGuid, const char* pName, const char** inputLayouts,
    const char** outputLayouts);
int32_t synNodeCreateWithId(synHandle graphHandle, const synHandle* pInputsTensorList,
    const synHandle* pOutputsTensorList, uint32_t numberInputs, uint32_t numberOutputs, const void* pUserParams,
    uint32_t paramsSize, const char* pGuid, const char* pName, uint64_t* nodeUniqueId, const char** inputLayouts,
    const char** outputLayouts);
int32_t synNodeTypeSetPrecision(synHandle graphHandle, const char* guid, int32_t precision);
int32_t synNodeDependencySet(synHandle graphHandle, const uint64_t* pBlockingNodesIdList,
    const uint64_t* pBlockedNodesIdList, uint32_t numberblocking, uint32_t numberblocked);
int32_t synNodeSetDeterministic(synHandle graphHandle, uint64_t nodeId, bool useDeterministic);
int32_t synNodeGetDeterministic(synHandle graphHandle, uint64_t nodeId, bool* useDeterministic);
int32_t synNodeSetRoundingMode(synHandle graphHandle, uint64_t nodeId, int32_t roundingMode);
int32_t synNodeGetRoundingMode(synHandle graphHandle, uint64_t nodeId, int32_t* pRoundingMode);
int32_t synGraphCompile(synHandle* pRecipeHandle, synHandle graphHandle, const char* pRecipeName,
    const char* pBuildLog);
int32_t synGraphCreate(synHandle* pGraphHandle, int32_t deviceType);
int32_t synGraphSetAttribute(synHandle graphHandle, const int32_t* attributes, const uint64_t* values,
    uint32_t size);
int32_t synGraphSetAttributes(synHandle graphHandle, const int32_t* attributes, const uint64_t* values,
    uint32_t size);
int32_t synGraphGetAttribute(synHandle graphHandle, const int32_t* attributes, uint64_t* values, uint32_t size);
int32_t synGraphGetAttributes(synHandle graphHandle, const int32_t* attributes, uint64_t* values, uint32_t size);
int32_t synGraphCreateEager(synHandle* pGraphHandle, int32_t deviceType);
int32_t synGraphInferShapes(synHandle graphHandle);
int32_t synGraphDestroy(synHandle graphHandle);
int32_t synGraphGetDeviceType(synHandle graphHandle, int32_t* deviceType);
int32_t synMemsetD32Async(uint64_t pDeviceMem, uint32_t value, size_t numOfElements, synHandle streamHandle);
int32_t synMemsetD8Async(uint64_t pDeviceMem, uint8_t value, size_t numOfElements, synHandle streamHandle);
int32_t synMemsetD16Async(uint64_t pDeviceMem, uint16_t value, size_t numOfElements, synHandle streamHandle);
int32_t synHostMalloc(uint32_t deviceId, uint64_t size, uint32_t flags, void** buffer);
int32_t synHostFree(uint32_t deviceId, const void* buffer, uint32_t flags);
int32_t synHostMap(uint32_t deviceId, uint64_t size, const void* buffer);
int32_t synHostUnmap(uint32_t deviceId, const void* buffer);
int32_t synDeviceMalloc(uint32_t deviceId, uint64_t size, uint64_t reqAddr, uint32_t flags, uint64_t* buffer);
int32_t synDeviceFree(uint32_t deviceId, uint64_t buffer, uint32_t flags);
int32_t synInitialize(void);
int32_t synDestroy(void);
int32_t synDeviceRelease(uint32_t deviceId);
int32_t synDeviceGetMemoryInfo(uint32_t deviceId, uint64_t* free, uint64_t* total);
int32_t synDeviceGetInfo(uint32_t deviceId, SynDeviceInfo* pDeviceInfo);
int32_t synDeviceGetInfoV2(uint32_t deviceId, SynDeviceInfoV2* pDeviceInfo);
int32_t synDeviceGetAttribute(uint64_t* retVal, const int32_t* deviceAttr, uint32_t querySize, uint32_t deviceId);
int32_t synDeviceGetAttributeByModuleId(uint64_t* retVal, const int32_t* deviceAttr, uint32_t querySize,
    uint32_t moduleId);
int32_t synDeviceTypeGetAttribute(uint64_t* retVal, const int32_t* deviceAttr, uint32_t querySize,
    int32_t deviceType);
int32_t synConfigurationSet(const char* configurationName, const char* configurationValue);
int32_t synConfigurationGet(const char* configurationName, char* configurationValue, uint64_t size);
int32_t synProfilerGetCurrentTimeNS(uint64_t* nanoTime);
int32_t synTensorHandleCreate(synHandle* tensor, synHandle graph, int32_t type, const char* tensorName);
int32_t synTensorAssignToSection(synHandle tensor, synHandle section, uint64_t byteOffset);
int32_t synTensorSetSectionOffset(synHandle tensor, uint64_t byteOffset);
int32_t synTensorSetHostPtr(synHandle tensor, void* hostPtr, uint64_t size, int32_t dataType, bool copyBuffer);
int32_t synTensorSetQuantizationData(synHandle tensor, int32_t prop, void* propVal, uint64_t propSize);
int32_t synTensorSetExternal(synHandle tensor, bool isExternal);
int32_t synTensorSetGeometry(synHandle tensor, const SynTensorGeometry* geometry, int32_t geometryType);
int32_t synTensorSetGeometryExt(synHandle tensor, const SynTensorGeometry* geometry, int32_t geometryType);
int32_t synTensorSetPermutation(synHandle tensor, const SynTensorPermutation* permutation);
int32_t synTensorSetDeviceDataType(synHandle tensor, int32_t deviceDataType);
int32_t synTensorSetDeviceFullLayout(synHandle tensor, const SynTensorDeviceFullLayout* layout);
int32_t synTensorSetDeviceLayout(synHandle tensor, const SynTensorDeviceLayout* layout);
int32_t synTensorSetAllowPermutation(synHandle tensor, int8_t allowPermutation);
int32_t synTensorGetAllowPermutation(synHandle tensor, int8_t* allowPermutation);
int32_t synTensorGetSection(synHandle tensor, synHandle* section, uint64_t* byteOffset);
int32_t synTensorGetHostPtr(synHandle tensor, void** hostPtr, uint64_t* size, int32_t* dataType);
int32_t synTensorGetQuantizationData(synHandle tensor, int32_t prop, void* propVal, uint64_t propSize);
int32_t synTensorGetGeometry(synHandle tensor, SynTensorGeometry* geometry, int32_t geometryType);
int32_t synTensorGetGeometryExt(synHandle tensor, SynTensorGeometry* geometry, int32_t geometryType);
int32_t synTensorGetExternal(synHandle tensor, bool* isExternal);
int32_t synTensorGetPermutation(synHandle tensor, SynTensorPermutation* permutation);
int32_t synTensorGetDeviceDataType(synHandle tensor, int32_t* deviceDataType);
int32_t synTensorGetDeviceLayout(synHandle tensor, SynTensorDeviceLayout* layout);
int32_t synTensorGetDeviceFullLayout(synHandle tensor, SynTensorDeviceFullLayout* layout);
int32_t synTensorGetName(synHandle tensor, uint64_t size, char* name);
int32_t synTensorGetType(synHandle tensor, int32_t* type);
int32_t synStreamSetAffinity(uint32_t deviceId, synHandle pStreamHandle, uint64_t streamAffinityMask);
int32_t synStreamGetAffinity(uint32_t deviceId, synHandle pStreamHandle, uint64_t* streamAffinityMask);
int32_t synDeviceGetAffinityMaskRange(uint32_t deviceId, uint64_t* deviceAffinityMaskRange);
int32_t synDeviceGetNextStreamAffinity(uint32_t deviceId, uint64_t* nextDeviceAffinity);
int32_t synNodeSetUserParams(synHandle graphHandle, uint64_t nodeId, const void* userParams, uint32_t paramsSize);
int32_t synNodeGetUserParams(synHandle graphHandle, uint64_t nodeId, void* userParams, uint32_t* paramsSize);
int32_t synStatusGetBriefDescription(int32_t status, char* statusDescription, size_t len);

#endif
