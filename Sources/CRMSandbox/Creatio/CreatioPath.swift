/// A column as `$filter` and `$orderby` name it: by its own name, or through navigation properties.
struct CreatioPath {
    let navigations: [CreatioColumn]
    let column: CreatioColumn

    /// A lookup's flat name is not a path: `ContactId` is written `Contact/Id` here, and the other way round in bodies.
    init(_ text: String, in schema: CreatioSchema, of site: CreatioSite) throws(CreatioRefusal) {
        var names = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let last = names.removeLast()
        var navigations: [CreatioColumn] = []
        var here = schema
        for name in names {
            guard let column = here.column(navigation: name), let target = column.target, let next = site.tables[target]?.schema else {
                throw .noColumn(text, in: schema)
            }
            navigations.append(column)
            here = next
        }
        guard let column = here.column(last), column.navigation == nil else { throw .noColumn(text, in: schema) }
        self.navigations = navigations
        self.column = column
    }

    func value(in row: CreatioTable.Row, of site: CreatioSite) -> CreatioValue? {
        var row = row
        for (index, navigation) in navigations.enumerated() {
            guard case .guid(let id)? = row[navigation.name], let target = navigation.target else { return nil }
            if index == navigations.count - 1, column.name == "Id" { return .guid(id) }
            guard let next = site.row(target, id) else { return nil }
            row = next
        }
        return row[column.name]
    }
}
