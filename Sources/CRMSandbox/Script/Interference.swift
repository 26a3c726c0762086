import CRMCore

/// What a script does to a request that is otherwise answered as the service would answer it.
struct Interference {
    /// Items of a bulk request that fail, counted from 0; the others do what they ask for.
    var batchFailures: Set<Int> = []
    /// How they fail: a status or a code of the service. Without one, as the service fails for reasons of its own.
    var batchError: JSONValue?
    /// From this item on nobody is logged in any more.
    var endsSessionBeforeItem: Int?

    func fails(item: Int) -> Bool { batchFailures.contains(item) }
}
