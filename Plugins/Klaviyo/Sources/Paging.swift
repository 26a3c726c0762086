internal import CRMPluginSDK

/// The query for the one profile that has a value in an identifying field.
struct ProfilePage {
    /// Klaviyo leaves consent out unless it is asked for.
    static let additionalFields = "\(PercentEncoding.encode("additional-fields[profile]"))=subscriptions"

    /// A page that is empty in every account, and asks for nothing but ids if it should not be.
    static let ofNobody =
        "\(PercentEncoding.encode("fields[profile]"))=id&\(Self(field: "external_id", value: "crm-service permission check").selection)"

    let field: String
    let value: String

    var query: String { "\(Self.additionalFields)&\(selection)" }

    private var selection: String {
        // A value in a filter is a JSON string: quotes and backslashes inside it stay part of the value.
        let filter = "equals(\(field),\(JSONValue.string(value).text))"
        return "filter=\(PercentEncoding.encode(filter))&\(PercentEncoding.encode("page[size]"))=1"
    }
}
