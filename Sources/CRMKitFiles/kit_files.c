/* The files that `crm-host providers new` writes, in the executable itself: two examples, the header with the schemas, the SDK, the fake
 * host and the test kit. Written by scripts/kit-files.py; ./dev lint compares. */
#include "kit_files.h"

/* C23's way of including bytes; Swift's clang has it in every language mode. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char file_0[] = {
#embed "../../Examples/swift-acme/.gitignore"
};
static const unsigned char file_1[] = {
#embed "../../Examples/swift-acme/Package.swift"
};
static const unsigned char file_2[] = {
#embed "../../Examples/swift-acme/README.md"
};
static const unsigned char file_3[] = {
#embed "../../Examples/swift-acme/Sources/Acme/Acme.swift"
};
static const unsigned char file_4[] = {
#embed "../../Examples/swift-acme/Sources/AcmeProvider/AcmeEntry.swift"
};
static const unsigned char file_5[] = {
#embed "../../Examples/swift-acme/Tests/AcmeTests/AcmeTests.swift"
};
static const unsigned char file_6[] = {
#embed "../../Examples/swift-acme/acme.yaml"
};
static const unsigned char file_7[] = {
#embed "../../Examples/swift-acme/conformance.json"
};
static const unsigned char file_8[] = {
#embed "../../Examples/swift-acme/sandbox.json"
};
static const unsigned char file_9[] = {
#embed "../../Examples/c-acme/.gitignore"
};
static const unsigned char file_10[] = {
#embed "../../Examples/c-acme/Makefile"
};
static const unsigned char file_11[] = {
#embed "../../Examples/c-acme/README.md"
};
static const unsigned char file_12[] = {
#embed "../../Examples/c-acme/acme.c"
};
static const unsigned char file_13[] = {
#embed "../../Examples/c-acme/acme.yaml"
};
static const unsigned char file_14[] = {
#embed "../../Examples/c-acme/conformance.json"
};
static const unsigned char file_15[] = {
#embed "../../Examples/c-acme/sandbox.json"
};
static const unsigned char file_16[] = {
#embed "../../Sources/CRMPluginAPI/crm_plugin.c"
};
static const unsigned char file_17[] = {
#embed "../../Sources/CRMPluginAPI/include/crm/cache.h"
};
static const unsigned char file_18[] = {
#embed "../../Sources/CRMPluginAPI/include/crm/executor.h"
};
static const unsigned char file_19[] = {
#embed "../../Sources/CRMPluginAPI/include/crm/host.h"
};
static const unsigned char file_20[] = {
#embed "../../Sources/CRMPluginAPI/include/crm/http.h"
};
static const unsigned char file_21[] = {
#embed "../../Sources/CRMPluginAPI/include/crm/metrics.h"
};
static const unsigned char file_22[] = {
#embed "../../Sources/CRMPluginAPI/include/crm/provider.h"
};
static const unsigned char file_23[] = {
#embed "../../Sources/CRMPluginAPI/include/crm/timer.h"
};
static const unsigned char file_24[] = {
#embed "../../Sources/CRMPluginAPI/include/crm/types.h"
};
static const unsigned char file_25[] = {
#embed "../../Sources/CRMPluginAPI/include/crm_plugin.h"
};
static const unsigned char file_26[] = {
#embed "../../Sources/CRMPluginAPI/include/module.modulemap"
};
static const unsigned char file_27[] = {
#embed "../../Sources/CRMPluginAPI/schemas/batch.request.json"
};
static const unsigned char file_28[] = {
#embed "../../Sources/CRMPluginAPI/schemas/batch.result.json"
};
static const unsigned char file_29[] = {
#embed "../../Sources/CRMPluginAPI/schemas/conformance.json"
};
static const unsigned char file_30[] = {
#embed "../../Sources/CRMPluginAPI/schemas/contact.json"
};
static const unsigned char file_31[] = {
#embed "../../Sources/CRMPluginAPI/schemas/create_or_update_contact.request.json"
};
static const unsigned char file_32[] = {
#embed "../../Sources/CRMPluginAPI/schemas/create_or_update_contact.result.json"
};
static const unsigned char file_33[] = {
#embed "../../Sources/CRMPluginAPI/schemas/event.json"
};
static const unsigned char file_34[] = {
#embed "../../Sources/CRMPluginAPI/schemas/failure.json"
};
static const unsigned char file_35[] = {
#embed "../../Sources/CRMPluginAPI/schemas/get_contact.request.json"
};
static const unsigned char file_36[] = {
#embed "../../Sources/CRMPluginAPI/schemas/get_contact.result.json"
};
static const unsigned char file_37[] = {
#embed "../../Sources/CRMPluginAPI/schemas/input_schema.json"
};
static const unsigned char file_38[] = {
#embed "../../Sources/CRMPluginAPI/schemas/manifest.json"
};
static const unsigned char file_39[] = {
#embed "../../Sources/CRMPluginAPI/schemas/notes.json"
};
static const unsigned char file_40[] = {
#embed "../../Sources/CRMPluginAPI/schemas/send_event.request.json"
};
static const unsigned char file_41[] = {
#embed "../../Sources/CRMPluginAPI/schemas/send_event.result.json"
};
static const unsigned char file_42[] = {
#embed "../../Sources/CRMPluginAPI/schemas/validate_credentials.request.json"
};
static const unsigned char file_43[] = {
#embed "../../Sources/CRMPluginAPI/schemas/validate_credentials.result.json"
};
static const unsigned char file_44[] = {
#embed "../../Sources/CRMPluginSDK/Boundary/Borrowed.swift"
};
static const unsigned char file_45[] = {
#embed "../../Sources/CRMPluginSDK/Boundary/CRMPlugin.swift"
};
static const unsigned char file_46[] = {
#embed "../../Sources/CRMPluginSDK/Boundary/Module.swift"
};
static const unsigned char file_47[] = {
#embed "../../Sources/CRMPluginSDK/Boundary/Outcome.swift"
};
static const unsigned char file_48[] = {
#embed "../../Sources/CRMPluginSDK/Boundary/ProviderInstance.swift"
};
static const unsigned char file_49[] = {
#embed "../../Sources/CRMPluginSDK/Boundary/TaskTable.swift"
};
static const unsigned char file_50[] = {
#embed "../../Sources/CRMPluginSDK/Encoding/Base64.swift"
};
static const unsigned char file_51[] = {
#embed "../../Sources/CRMPluginSDK/Encoding/FormEncoding.swift"
};
static const unsigned char file_52[] = {
#embed "../../Sources/CRMPluginSDK/Encoding/PercentEncoding.swift"
};
static const unsigned char file_53[] = {
#embed "../../Sources/CRMPluginSDK/Encoding/SHA1.swift"
};
static const unsigned char file_54[] = {
#embed "../../Sources/CRMPluginSDK/Encoding/UUIDv5.swift"
};
static const unsigned char file_55[] = {
#embed "../../Sources/CRMPluginSDK/JSON/JSONError.swift"
};
static const unsigned char file_56[] = {
#embed "../../Sources/CRMPluginSDK/JSON/JSONObject.swift"
};
static const unsigned char file_57[] = {
#embed "../../Sources/CRMPluginSDK/JSON/JSONParser.swift"
};
static const unsigned char file_58[] = {
#embed "../../Sources/CRMPluginSDK/JSON/JSONValue.swift"
};
static const unsigned char file_59[] = {
#embed "../../Sources/CRMPluginSDK/JSON/JSONWriter.swift"
};
static const unsigned char file_60[] = {
#embed "../../Sources/CRMPluginSDK/Operation/OperationCall.swift"
};
static const unsigned char file_61[] = {
#embed "../../Sources/CRMPluginSDK/Operation/OperationContext.swift"
};
static const unsigned char file_62[] = {
#embed "../../Sources/CRMPluginSDK/Operation/OperationNotes.swift"
};
static const unsigned char file_63[] = {
#embed "../../Sources/CRMPluginSDK/Operation/ProviderContext.swift"
};
static const unsigned char file_64[] = {
#embed "../../Sources/CRMPluginSDK/Operation/Redaction.swift"
};
static const unsigned char file_65[] = {
#embed "../../Sources/CRMPluginSDK/Provider/CRMError.swift"
};
static const unsigned char file_66[] = {
#embed "../../Sources/CRMPluginSDK/Provider/CRMProvider.swift"
};
static const unsigned char file_67[] = {
#embed "../../Sources/CRMPluginSDK/Provider/ProviderManifest.swift"
};
static const unsigned char file_68[] = {
#embed "../../Sources/CRMPluginSDK/Provider/ProviderOperation.swift"
};
static const unsigned char file_69[] = {
#embed "../../Sources/CRMPluginSDK/Services/CRMError+Transport.swift"
};
static const unsigned char file_70[] = {
#embed "../../Sources/CRMPluginSDK/Services/HTTPClient.swift"
};
static const unsigned char file_71[] = {
#embed "../../Sources/CRMPluginSDK/Services/HTTPDate.swift"
};
static const unsigned char file_72[] = {
#embed "../../Sources/CRMPluginSDK/Services/HTTPRequest.swift"
};
static const unsigned char file_73[] = {
#embed "../../Sources/CRMPluginSDK/Services/HTTPResponse.swift"
};
static const unsigned char file_74[] = {
#embed "../../Sources/CRMPluginSDK/Services/HostCall.swift"
};
static const unsigned char file_75[] = {
#embed "../../Sources/CRMPluginSDK/Services/HostClock.swift"
};
static const unsigned char file_76[] = {
#embed "../../Sources/CRMPluginSDK/Services/HostExecutor.swift"
};
static const unsigned char file_77[] = {
#embed "../../Sources/CRMPluginSDK/Services/HostServices.swift"
};
static const unsigned char file_78[] = {
#embed "../../Sources/CRMPluginSDK/Services/ProviderLog.swift"
};
static const unsigned char file_79[] = {
#embed "../../Sources/CRMPluginSDK/Services/ProviderMetrics.swift"
};
static const unsigned char file_80[] = {
#embed "../../Sources/CRMPluginSDK/Services/SessionCache.swift"
};
static const unsigned char file_81[] = {
#embed "../../Sources/CRMPluginSDK/Values/Batch.swift"
};
static const unsigned char file_82[] = {
#embed "../../Sources/CRMPluginSDK/Values/Contact+JSON.swift"
};
static const unsigned char file_83[] = {
#embed "../../Sources/CRMPluginSDK/Values/Contact.swift"
};
static const unsigned char file_84[] = {
#embed "../../Sources/CRMPluginSDK/Values/ContactQuery.swift"
};
static const unsigned char file_85[] = {
#embed "../../Sources/CRMPluginSDK/Values/Event.swift"
};
static const unsigned char file_86[] = {
#embed "../../Sources/CRMPluginSDK/Values/PayloadReader.swift"
};
static const unsigned char file_87[] = {
#embed "../../Sources/CRMPluginSDK/Values/Results.swift"
};
static const unsigned char file_88[] = {
#embed "../../Sources/CRMPluginSDK/Values/Warning.swift"
};
static const unsigned char file_89[] = {
#embed "../../Sources/CRMPluginSDK/exports.map"
};
static const unsigned char file_90[] = {
#embed "../../Sources/CRMFakeHost/Borrowed.swift"
};
static const unsigned char file_91[] = {
#embed "../../Sources/CRMFakeHost/FakeCache.swift"
};
static const unsigned char file_92[] = {
#embed "../../Sources/CRMFakeHost/FakeCall.swift"
};
static const unsigned char file_93[] = {
#embed "../../Sources/CRMFakeHost/FakeHTTP+Exchange.swift"
};
static const unsigned char file_94[] = {
#embed "../../Sources/CRMFakeHost/FakeHTTP.swift"
};
static const unsigned char file_95[] = {
#embed "../../Sources/CRMFakeHost/FakeHost.swift"
};
static const unsigned char file_96[] = {
#embed "../../Sources/CRMFakeHost/FakeLog.swift"
};
static const unsigned char file_97[] = {
#embed "../../Sources/CRMFakeHost/FakeMetrics.swift"
};
static const unsigned char file_98[] = {
#embed "../../Sources/CRMFakeHost/FakeTimer.swift"
};
static const unsigned char file_99[] = {
#embed "../../Sources/CRMFakeHost/FakeWorkers.swift"
};
static const unsigned char file_100[] = {
#embed "../../Sources/CRMFakeHost/Handles.swift"
};
static const unsigned char file_101[] = {
#embed "../../Sources/CRMFakeHost/HostTables.swift"
};
static const unsigned char file_102[] = {
#embed "../../Sources/CRMFakeHost/OperationResult.swift"
};
static const unsigned char file_103[] = {
#embed "../../Sources/CRMFakeHost/ProviderUnderTest.swift"
};
static const unsigned char file_104[] = {
#embed "../../Sources/CRMFakeHost/RunningOperation.swift"
};
static const unsigned char file_105[] = {
#embed "../../Sources/CRMFakeHost/SharedLibrary.swift"
};
static const unsigned char file_106[] = {
#embed "../../Sources/CRMFakeHost/Violation.swift"
};
static const unsigned char file_107[] = {
#embed "../../Tests/CRMPluginTestKit/Cassette.swift"
};
static const unsigned char file_108[] = {
#embed "../../Tests/CRMPluginTestKit/CassettePlayer.swift"
};
static const unsigned char file_109[] = {
#embed "../../Tests/CRMPluginTestKit/JSON+FakeHost.swift"
};
static const unsigned char file_110[] = {
#embed "../../Tests/CRMPluginTestKit/SchemaDirectory.swift"
};
static const unsigned char file_111[] = {
#embed "../../Tests/CRMPluginTestKit/Step.swift"
};
static const unsigned char file_112[] = {
#embed "../../Tests/CRMPluginTestKit/Story.swift"
};

static const crm_kit_file files[] = {
    {"swift/.gitignore", file_0, sizeof file_0},
    {"swift/Package.swift", file_1, sizeof file_1},
    {"swift/README.md", file_2, sizeof file_2},
    {"swift/Sources/Acme/Acme.swift", file_3, sizeof file_3},
    {"swift/Sources/AcmeProvider/AcmeEntry.swift", file_4, sizeof file_4},
    {"swift/Tests/AcmeTests/AcmeTests.swift", file_5, sizeof file_5},
    {"swift/acme.yaml", file_6, sizeof file_6},
    {"swift/conformance.json", file_7, sizeof file_7},
    {"swift/sandbox.json", file_8, sizeof file_8},
    {"c/.gitignore", file_9, sizeof file_9},
    {"c/Makefile", file_10, sizeof file_10},
    {"c/README.md", file_11, sizeof file_11},
    {"c/acme.c", file_12, sizeof file_12},
    {"c/acme.yaml", file_13, sizeof file_13},
    {"c/conformance.json", file_14, sizeof file_14},
    {"c/sandbox.json", file_15, sizeof file_15},
    {"api/crm_plugin.c", file_16, sizeof file_16},
    {"api/include/crm/cache.h", file_17, sizeof file_17},
    {"api/include/crm/executor.h", file_18, sizeof file_18},
    {"api/include/crm/host.h", file_19, sizeof file_19},
    {"api/include/crm/http.h", file_20, sizeof file_20},
    {"api/include/crm/metrics.h", file_21, sizeof file_21},
    {"api/include/crm/provider.h", file_22, sizeof file_22},
    {"api/include/crm/timer.h", file_23, sizeof file_23},
    {"api/include/crm/types.h", file_24, sizeof file_24},
    {"api/include/crm_plugin.h", file_25, sizeof file_25},
    {"api/include/module.modulemap", file_26, sizeof file_26},
    {"api/schemas/batch.request.json", file_27, sizeof file_27},
    {"api/schemas/batch.result.json", file_28, sizeof file_28},
    {"api/schemas/conformance.json", file_29, sizeof file_29},
    {"api/schemas/contact.json", file_30, sizeof file_30},
    {"api/schemas/create_or_update_contact.request.json", file_31, sizeof file_31},
    {"api/schemas/create_or_update_contact.result.json", file_32, sizeof file_32},
    {"api/schemas/event.json", file_33, sizeof file_33},
    {"api/schemas/failure.json", file_34, sizeof file_34},
    {"api/schemas/get_contact.request.json", file_35, sizeof file_35},
    {"api/schemas/get_contact.result.json", file_36, sizeof file_36},
    {"api/schemas/input_schema.json", file_37, sizeof file_37},
    {"api/schemas/manifest.json", file_38, sizeof file_38},
    {"api/schemas/notes.json", file_39, sizeof file_39},
    {"api/schemas/send_event.request.json", file_40, sizeof file_40},
    {"api/schemas/send_event.result.json", file_41, sizeof file_41},
    {"api/schemas/validate_credentials.request.json", file_42, sizeof file_42},
    {"api/schemas/validate_credentials.result.json", file_43, sizeof file_43},
    {"sdk/Boundary/Borrowed.swift", file_44, sizeof file_44},
    {"sdk/Boundary/CRMPlugin.swift", file_45, sizeof file_45},
    {"sdk/Boundary/Module.swift", file_46, sizeof file_46},
    {"sdk/Boundary/Outcome.swift", file_47, sizeof file_47},
    {"sdk/Boundary/ProviderInstance.swift", file_48, sizeof file_48},
    {"sdk/Boundary/TaskTable.swift", file_49, sizeof file_49},
    {"sdk/Encoding/Base64.swift", file_50, sizeof file_50},
    {"sdk/Encoding/FormEncoding.swift", file_51, sizeof file_51},
    {"sdk/Encoding/PercentEncoding.swift", file_52, sizeof file_52},
    {"sdk/Encoding/SHA1.swift", file_53, sizeof file_53},
    {"sdk/Encoding/UUIDv5.swift", file_54, sizeof file_54},
    {"sdk/JSON/JSONError.swift", file_55, sizeof file_55},
    {"sdk/JSON/JSONObject.swift", file_56, sizeof file_56},
    {"sdk/JSON/JSONParser.swift", file_57, sizeof file_57},
    {"sdk/JSON/JSONValue.swift", file_58, sizeof file_58},
    {"sdk/JSON/JSONWriter.swift", file_59, sizeof file_59},
    {"sdk/Operation/OperationCall.swift", file_60, sizeof file_60},
    {"sdk/Operation/OperationContext.swift", file_61, sizeof file_61},
    {"sdk/Operation/OperationNotes.swift", file_62, sizeof file_62},
    {"sdk/Operation/ProviderContext.swift", file_63, sizeof file_63},
    {"sdk/Operation/Redaction.swift", file_64, sizeof file_64},
    {"sdk/Provider/CRMError.swift", file_65, sizeof file_65},
    {"sdk/Provider/CRMProvider.swift", file_66, sizeof file_66},
    {"sdk/Provider/ProviderManifest.swift", file_67, sizeof file_67},
    {"sdk/Provider/ProviderOperation.swift", file_68, sizeof file_68},
    {"sdk/Services/CRMError+Transport.swift", file_69, sizeof file_69},
    {"sdk/Services/HTTPClient.swift", file_70, sizeof file_70},
    {"sdk/Services/HTTPDate.swift", file_71, sizeof file_71},
    {"sdk/Services/HTTPRequest.swift", file_72, sizeof file_72},
    {"sdk/Services/HTTPResponse.swift", file_73, sizeof file_73},
    {"sdk/Services/HostCall.swift", file_74, sizeof file_74},
    {"sdk/Services/HostClock.swift", file_75, sizeof file_75},
    {"sdk/Services/HostExecutor.swift", file_76, sizeof file_76},
    {"sdk/Services/HostServices.swift", file_77, sizeof file_77},
    {"sdk/Services/ProviderLog.swift", file_78, sizeof file_78},
    {"sdk/Services/ProviderMetrics.swift", file_79, sizeof file_79},
    {"sdk/Services/SessionCache.swift", file_80, sizeof file_80},
    {"sdk/Values/Batch.swift", file_81, sizeof file_81},
    {"sdk/Values/Contact+JSON.swift", file_82, sizeof file_82},
    {"sdk/Values/Contact.swift", file_83, sizeof file_83},
    {"sdk/Values/ContactQuery.swift", file_84, sizeof file_84},
    {"sdk/Values/Event.swift", file_85, sizeof file_85},
    {"sdk/Values/PayloadReader.swift", file_86, sizeof file_86},
    {"sdk/Values/Results.swift", file_87, sizeof file_87},
    {"sdk/Values/Warning.swift", file_88, sizeof file_88},
    {"sdk/exports.map", file_89, sizeof file_89},
    {"fakehost/Borrowed.swift", file_90, sizeof file_90},
    {"fakehost/FakeCache.swift", file_91, sizeof file_91},
    {"fakehost/FakeCall.swift", file_92, sizeof file_92},
    {"fakehost/FakeHTTP+Exchange.swift", file_93, sizeof file_93},
    {"fakehost/FakeHTTP.swift", file_94, sizeof file_94},
    {"fakehost/FakeHost.swift", file_95, sizeof file_95},
    {"fakehost/FakeLog.swift", file_96, sizeof file_96},
    {"fakehost/FakeMetrics.swift", file_97, sizeof file_97},
    {"fakehost/FakeTimer.swift", file_98, sizeof file_98},
    {"fakehost/FakeWorkers.swift", file_99, sizeof file_99},
    {"fakehost/Handles.swift", file_100, sizeof file_100},
    {"fakehost/HostTables.swift", file_101, sizeof file_101},
    {"fakehost/OperationResult.swift", file_102, sizeof file_102},
    {"fakehost/ProviderUnderTest.swift", file_103, sizeof file_103},
    {"fakehost/RunningOperation.swift", file_104, sizeof file_104},
    {"fakehost/SharedLibrary.swift", file_105, sizeof file_105},
    {"fakehost/Violation.swift", file_106, sizeof file_106},
    {"testkit/Cassette.swift", file_107, sizeof file_107},
    {"testkit/CassettePlayer.swift", file_108, sizeof file_108},
    {"testkit/JSON+FakeHost.swift", file_109, sizeof file_109},
    {"testkit/SchemaDirectory.swift", file_110, sizeof file_110},
    {"testkit/Step.swift", file_111, sizeof file_111},
    {"testkit/Story.swift", file_112, sizeof file_112},
};

const crm_kit_file *crm_kit_files(size_t *count) {
    *count = sizeof files / sizeof files[0];
    return files;
}
