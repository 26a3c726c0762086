internal import CRMPluginAPI
internal import CRMPluginSDK
internal import Creatio

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func crm_plugin_factory(_ interfaceID: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
    CRMPlugin.factory(interfaceID, CreatioProvider.self)
}
