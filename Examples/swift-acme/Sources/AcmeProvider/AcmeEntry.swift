internal import Acme
internal import CRMPluginAPI
internal import CRMPluginSDK

/// The one symbol that the library exports.
// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func crm_plugin_factory(_ interfaceID: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
    CRMPlugin.factory(interfaceID, AcmeProvider.self)
}
