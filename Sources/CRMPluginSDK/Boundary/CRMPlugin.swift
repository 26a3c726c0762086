internal import CRMPluginAPI
internal import Glibc

/// The way into a provider library: what its one exported function calls.
public enum CRMPlugin {
    /// The body of `crm_plugin_factory`: the static table behind `interfaceID`, or `nil` when this SDK does not have that interface.
    public static func factory(
        _ interfaceID: UnsafePointer<CChar>?, _ provider: (some CRMProvider).Type
    ) -> UnsafeRawPointer? {
        guard let interfaceID, strcmp(interfaceID, CRM_MODULE_ID) == 0 else { return nil }
        return Module.table(of: provider)
    }

    static let version = "0.1.0"
}
