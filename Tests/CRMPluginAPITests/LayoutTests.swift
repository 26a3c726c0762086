import CRMPluginAPI
import Testing

/// The sizes and last offsets that are frozen, seen from Swift: another copy of them than the assertions in the header.
@Suite struct LayoutTests {
    @Test func nothingHasMoved() {
        #expect(MemoryLayout<crm_str>.size == 16)
        #expect(MemoryLayout<crm_bytes>.size == 16)
        #expect(MemoryLayout<crm_host_v1>.size == 40)
        #expect(MemoryLayout<crm_host_v1>.offset(of: \.log_enabled) == 32)
        #expect(MemoryLayout<crm_http_header_v1>.size == 40)
        #expect(MemoryLayout<crm_http_request_v1>.size == 104)
        #expect(MemoryLayout<crm_http_request_v1>.offset(of: \.max_response_bytes) == 100)
        #expect(MemoryLayout<crm_http_response_v1>.size == 64)
        #expect(MemoryLayout<crm_http_response_v1>.offset(of: \.error_message) == 48)
        #expect(MemoryLayout<crm_http_service_v1>.size == 32)
        #expect(MemoryLayout<crm_executor_v1>.size == 24)
        #expect(MemoryLayout<crm_timer_v1>.size == 48)
        #expect(MemoryLayout<crm_cache_v1>.size == 48)
        #expect(MemoryLayout<crm_cache_v1>.offset(of: \.remove) == 40)
        #expect(MemoryLayout<crm_metric_label_v1>.size == 32)
        #expect(MemoryLayout<crm_metrics_v1>.size == 32)
        #expect(MemoryLayout<crm_metrics_v1>.offset(of: \.histogram_record) == 24)
        #expect(MemoryLayout<crm_request_v1>.size == 128)
        #expect(MemoryLayout<crm_request_v1>.offset(of: \.traceparent) == 112)
        #expect(MemoryLayout<crm_result_v1>.size == 64)
        #expect(MemoryLayout<crm_result_v1>.offset(of: \.payload_json) == 48)
        #expect(MemoryLayout<crm_provider_v1>.size == 48)
        #expect(MemoryLayout<crm_descriptor_v1>.size == 80)
        #expect(MemoryLayout<crm_module_v1>.size == 56)
        #expect(MemoryLayout<crm_module_v1>.offset(of: \.extension) == 48)
    }

    @Test func codesAreNeverRenumbered() {
        #expect(
            [
                CRM_STATUS_OK, CRM_STATUS_CANCELLED, CRM_STATUS_UNSUPPORTED, CRM_STATUS_INVALID_ARGUMENT, CRM_STATUS_INVALID_CREDENTIALS,
                CRM_STATUS_PERMISSION_DENIED, CRM_STATUS_NOT_FOUND, CRM_STATUS_CONFLICT, CRM_STATUS_RATE_LIMITED, CRM_STATUS_UPSTREAM,
                CRM_STATUS_UNAVAILABLE, CRM_STATUS_DEADLINE_EXCEEDED, CRM_STATUS_BLOCKED_BY_POLICY, CRM_STATUS_INTERNAL,
                CRM_STATUS_PROVIDER_CRASHED,
            ] == Array(0...14))
        #expect(
            [
                CRM_OP_VALIDATE_CREDENTIALS, CRM_OP_CREATE_OR_UPDATE_CONTACT, CRM_OP_SEND_EVENT, CRM_OP_GET_CONTACT, CRM_OP_BATCH,
                CRM_OP_DELETE_CONTACT, CRM_OP_SET_CONSENT,
            ] == Array(1...7))
        #expect([CRM_CACHE_FOUND, CRM_CACHE_MISS, CRM_CACHE_MAKE, CRM_CACHE_CANCELLED] == Array(0...3))
        #expect(CRM_MODULE_ID == "crm.module/0")
        #expect(CRM_MAGIC == 0x314d_5243)
    }
}
