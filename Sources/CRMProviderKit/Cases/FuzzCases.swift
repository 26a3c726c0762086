import CRMCore
import CRMFakeHost
import CRMPluginAPI
import Synchronization

extension ConformanceCase {
    /// Operations, faults and cancels in an order that a seed decides.
    static let fuzz: [ConformanceCase] = (0..<3).map { round in
        ConformanceCase(.fuzz, "round-\(round + 1)", "random operations, answers and cancels end once each", timeout: 20) { ground in
            let seed = ground.seed &+ UInt64(round)
            do {
                try FuzzRun(ground, SeededGenerator(seed: seed)).run()
            } catch let failure as CaseFailure {
                throw CaseFailure("\(failure) [again: --seed \(ground.seed) --include fuzz/round-\(round + 1)]")
            }
        }
    }
}

/// The same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

private final class FuzzRun {
    private let samples: [Sample]
    private let rig: Rig
    private var random: SeededGenerator
    private var running: [RunningOperation] = []

    init(_ ground: CaseGround, _ random: SeededGenerator) throws {
        samples = try ground.samples()
        self.random = random
        let answers = Mutex(SeededGenerator(seed: ~ground.seed))
        rig = try ground.rig { _, _, usual in answers.withLock { Self.answer(usual, using: &$0) } }
    }

    func run() throws {
        for _ in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5: begin()
            case 5: if let one = running.randomElement(using: &random) { rig.provider.stop(one.id) }
            case 6: if let one = running.randomElement(using: &random) { rig.provider.cancel(one.id) }
            case 7: rig.host.timer.advance(by: Int64.random(in: 0...60_000_000_000, using: &random))
            case 8: answerSilent()
            default: rig.host.workers.runAll()
            }
        }
        for operation in running { rig.provider.stop(operation.id) }
        for operation in running {
            let hasEnded = rig.wait {
                // A later step of a cancelled operation may ask again.
                rig.host.http.abort(operation: operation.id)
                rig.host.cache.end(operation: operation.id)
                return !operation.results.isEmpty
            }
            guard hasEnded else { throw CaseFailure("an operation did not end within \(Rig.patience) s after it was cancelled") }
        }
        rig.rest()
        for operation in running {
            guard operation.results.count == 1 else { throw CaseFailure("an operation ended \(operation.results.count) times") }
            guard operation.results[0].isText else { throw CaseFailure("a result is not UTF-8") }
        }
        for violation in rig.host.violations {
            // What is sent for a cancelled operation in the moment of its end is refused, and does no harm.
            if case .operationGone = violation { continue }
            throw CaseFailure("\(violation)")
        }
        guard rig.close() != nil else { throw CaseFailure("close did not end within 10 s") }
    }

    private func begin() {
        guard let sample = samples.randomElement(using: &random) else { return }
        var call = rig.call(sample)
        if Int.random(in: 0..<3, using: &random) == 0 { call.payload = damaged(call.payload) }
        if Int.random(in: 0..<6, using: &random) == 0 { call.credentialsJSON = damaged(call.credentialsJSON) }
        if Int.random(in: 0..<8, using: &random) == 0 { call.settingsJSON = damaged(call.settingsJSON) }
        call.attempt = UInt32.random(in: 1...3, using: &random)
        if call.attempt > 1 { call.flags |= CRM_REQUEST_LOOK_BEFORE_WRITE }
        running.append(rig.start(sample, call))
    }

    private func answerSilent() {
        let replies: [FakeHTTP.Reply] = [.status(500), .failure(CRM_HTTP_ERROR_TIMEOUT), .response(200, [], Array("{}".utf8))]
        let requests = rig.host.http.requests.suffix(16)
        if let request = requests.randomElement(using: &random), let reply = replies.randomElement(using: &random) {
            rig.host.http.answer(request, with: reply)
        }
    }

    private func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            default: bytes.insert(Array("{}[]\",:0\\".utf8).randomElement(using: &random) ?? 0, at: place)
            }
        }
        return bytes
    }

    private static func answer(_ usual: FakeHTTP.Reply, using random: inout SeededGenerator) -> FakeHTTP.Reply? {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<6: return nil
        case 6: return .silence
        case 7: return .failure(Int32.random(in: 1...9, using: &random))
        case 8: return .status([400, 401, 403, 404, 409, 413, 429, 500, 502, 503, 504, 204, 302].randomElement(using: &random) ?? 500)
        case 9: return .response(200, [], Array("<html>".utf8))
        default:
            guard case .response(let status, let headers, var body) = usual, !body.isEmpty else { return .status(200) }
            body[Int.random(in: 0..<body.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            return .response(status, headers, body)
        }
    }
}
