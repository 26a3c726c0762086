internal import CRMPluginAPI
internal import CRMPluginSDK
internal import Salesforce

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func crm_plugin_factory(_ interfaceID: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
    CRMPlugin.factory(interfaceID, SalesforceProvider.self)
}
