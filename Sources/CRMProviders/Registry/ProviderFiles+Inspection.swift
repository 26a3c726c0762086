import CRMCore

extension ProviderFiles {
    /// The same judgement on a directory without putting anything into service.
    func inspect() throws(LibraryError) -> [ProviderFileState] {
        var owners: [CRMType: String] = [:]
        var states: [ProviderFileState] = []
        for file in try EntryFile.all(in: settings.entryDirectory) {
            states.append(inspect(file, &owners))
        }
        return states
    }

    private func inspect(_ file: EntryFile, _ owners: inout [CRMType: String]) -> ProviderFileState {
        var state = ProviderFileState(file: file.name, state: .failed)
        let entry: ProviderEntry
        switch file.entry {
        case .success(let read): entry = read
        case .failure(let error):
            state.set(.entry(error))
            return state
        }
        state.library = entry.library
        guard entry.isEnabled else {
            state.state = .disabled
            return state
        }
        do throws(LibraryError) {
            let library = try pipeline.read(entry)
            state.configured = ProviderFileState.Version(sha256: library.hexadecimal)
            let prepared = try pipeline.prepare(entry, library)
            state.crmType = prepared.module.crmType
            state.configured?.name = prepared.module.version
            if let owner = owners[prepared.module.crmType] { throw TypeConflict(type: prepared.module.crmType, owner: owner).error }
            owners[prepared.module.crmType] = file.name
            state.state = .ready
        } catch {
            state.set(.library(error))
        }
        return state
    }
}
