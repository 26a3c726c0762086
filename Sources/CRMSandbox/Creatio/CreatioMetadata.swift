/// A site's objects in OData's own description language.
enum CreatioMetadata {
    private static let namespace = "Terrasoft.Configuration.OData"

    static func document(_ schemas: [CreatioSchema]) -> String {
        let types = schemas.map(entityType).joined()
        let sets = schemas.map(entitySet).joined()
        return """
            <?xml version="1.0" encoding="utf-8"?>
            <edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>\
            <Schema Namespace="\(namespace)" xmlns="http://docs.oasis-open.org/odata/ns/edm">\(types)\
            <EntityContainer Name="Container">\(sets)</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>
            """
    }

    private static func entityType(_ schema: CreatioSchema) -> String {
        var text = "<EntityType Name=\"\(schema.name)\"><Key><PropertyRef Name=\"Id\"/></Key>"
        for column in schema.columns {
            let isNullable = column.name != "Id" && column.edmType != "Edm.Boolean"
            text += "<Property Name=\"\(column.name)\" Type=\"\(column.edmType)\"\(isNullable ? "" : " Nullable=\"false\"")/>"
        }
        for column in schema.columns {
            guard let navigation = column.navigation, let target = column.target else { continue }
            text += "<NavigationProperty Name=\"\(navigation)\" Type=\"\(namespace).\(target)\">"
            text += "<ReferentialConstraint Property=\"\(column.name)\" ReferencedProperty=\"Id\"/></NavigationProperty>"
        }
        return text + "</EntityType>"
    }

    private static func entitySet(_ schema: CreatioSchema) -> String {
        var text = "<EntitySet Name=\"\(schema.name)\" EntityType=\"\(namespace).\(schema.name)\">"
        for column in schema.columns {
            guard let navigation = column.navigation, let target = column.target else { continue }
            text += "<NavigationPropertyBinding Path=\"\(navigation)\" Target=\"\(target)\"/>"
        }
        return text + "</EntitySet>"
    }
}
