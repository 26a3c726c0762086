import CRMIdentity

/// A place for keys that outlives the cache, and can be broken.
actor MemoryStore: KeyPersisting {
    enum Defect {
        case everything
        case saving
    }

    struct Broken: Error {}

    private(set) var bytes: [UInt8]?
    private let defect: Defect?

    init(_ bytes: [UInt8]? = nil, defect: Defect? = nil) {
        self.bytes = bytes
        self.defect = defect
    }

    func load() throws -> [UInt8]? {
        if defect == .everything { throw Broken() }
        return bytes
    }

    func save(_ bytes: [UInt8]) throws {
        if defect != nil { throw Broken() }
        self.bytes = bytes
    }
}
