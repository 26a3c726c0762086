import CRMCore
import CRMStore
import FoundationEssentials
import TestSupport
import Testing

@Suite(.serialized) struct AcceptTests {
    private func accepted(_ answer: AcceptAnswer) throws -> [AcceptedDelivery] {
        guard case .accepted(_, let deliveries) = answer else {
            Issue.record("refused: \(answer)")
            return []
        }
        return deliveries
    }

    @Test func anEventWithItsContactIsTwoRowsInOrder() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let answer = try await ground.accept(
            merchant,
            [
                ground.contact("ada@example.test", to: integration, isPrincipal: false),
                ground.event("ada@example.test", to: integration),
            ])
        let deliveries = try accepted(answer)
        #expect(deliveries.map(\.index) == [0])
        #expect(deliveries.map(\.isDuplicate) == [false])

        let key = Lane.Key(merchant: merchant, lane: LaneID(integration.uuid))
        let rows = try await ground.lanes.read(key, after: 0, limit: 10)
        #expect(rows.map(\.kind) == [.contact, .event])
        #expect(rows.last?.id == deliveries.first?.id)
        #expect(Set(rows.map(\.contactKey)).count == 1)
        #expect(rows.map(\.requestID) == ["request-1", "request-1"])
        #expect(rows[0].payload["first_name"] == "Zoë")
        #expect(rows[1].payload["unique_id"]?.stringValue == rows[1].idempotencyKey.uuidString.lowercased())
        let occurred = try #require(rows[1].payload["occurred_at"]?.stringValue.flatMap { Timestamp(rfc3339: $0) })
        #expect(occurred == rows[1].acceptedAt)
        #expect(rows[0].idempotencyKey != rows[1].idempotencyKey)
    }

    @Test func withoutItemsOnlyWhatIsKnownIsAnswered() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        #expect(try await ground.accept(merchant, [], requestID: "r") == .accepted(requestID: "r", []))
        #expect(try await ground.accept(merchant, [], key: "k", requestID: "r") == .accepted(requestID: "r", []))
        #expect(try await ground.count("FROM crm.accept_keys") == 0)
        let first = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)], key: "k")
        #expect(try await ground.accept(merchant, [], key: "k", requestID: "later") == first)
        #expect(try await ground.accept(merchant, [], key: "k", canonical: "another") == .idempotencyMismatch)
        #expect(try await ground.count("FROM crm.accept_answers") == 1)
    }

    @Test func numbersAreKeptAsTheyWereWritten() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        var item = ground.event("ada@example.test", to: integration)
        item.payload["properties"] = try JSONValue(parsing: Array(#"{"price":1.50,"big":12345678901234567890,"e":1e30}"#.utf8))
        _ = try await ground.accept(merchant, [item])
        let row = try await ground.lanes.read(Lane.Key(merchant: merchant, lane: LaneID(integration.uuid)), after: 0, limit: 1).first
        #expect(row?.payload["properties"]?.text == #"{"price":1.50,"big":12345678901234567890,"e":1e30}"#)
    }

    @Test func theSameEventAgainIsADuplicateAndItsFirstPayloadStays() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let first = try accepted(await ground.accept(merchant, [ground.event("ada@example.test", uniqueID: "order-1", to: integration)]))
        let again = try accepted(
            await ground.accept(
                merchant,
                [
                    ground.contact("bob@example.test", to: integration, eventKey: ("Placed Order", "order-1"), isPrincipal: false),
                    ground.event("bob@example.test", uniqueID: "order-1", to: integration),
                ]))
        #expect(again.map(\.id) == first.map(\.id))
        #expect(again.map(\.isDuplicate) == [true])
        let rows = try await ground.lanes.read(Lane.Key(merchant: merchant, lane: LaneID(integration.uuid)), after: 0, limit: 10)
        #expect(rows.map { $0.payload["contact"]?["email"] } == ["ada@example.test"])
    }

    @Test func anotherNameMerchantOrConnectionIsAnotherEvent() async throws {
        let ground = try await DeliveryGround.prepare()
        let other = try #require(CRMType("other"))
        let (merchant, integration) = try await ground.connect()
        let (_, second) = try await ground.connect(merchant, other)
        let (stranger, third) = try await ground.connect()
        let answers = [
            try await ground.accept(merchant, [ground.event("a@example.test", uniqueID: "1", to: integration)]),
            try await ground.accept(merchant, [ground.event("a@example.test", uniqueID: "1", to: integration, name: "Refunded Order")]),
            try await ground.accept(merchant, [ground.event("a@example.test", uniqueID: "1", to: second, crmType: other)]),
            try await ground.accept(stranger, [ground.event("a@example.test", uniqueID: "1", to: third)]),
        ]
        #expect(try answers.flatMap { try accepted($0) }.map(\.isDuplicate) == [false, false, false, false])
        #expect(try await ground.count("FROM crm.deliveries") == 4)
    }

    @Test func theSameEventTwiceInOneRequestIsOneRow() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let deliveries = try accepted(
            await ground.accept(
                merchant, (0..<2).map { ground.event("ada@example.test", uniqueID: "order-1", to: integration, index: $0) }))
        #expect(deliveries.map(\.isDuplicate) == [false, true])
        #expect(Set(deliveries.map(\.id)).count == 1)
        #expect(try await ground.queued(merchant) == 1)
    }

    @Test func aRepeatedRequestGetsTheFirstAnswer() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        func items() -> [AcceptItem] {
            [
                ground.event("ada@example.test", uniqueID: "order-1", to: integration, index: 0),
                ground.event("ada@example.test", to: integration, index: 1),
                ground.contact("bob@example.test", to: integration, index: 2),
            ]
        }
        let first = try await ground.accept(merchant, items(), key: "k", requestID: "first")
        // Even when the event came again in between, and by another way.
        _ = try await ground.accept(merchant, [ground.event("ada@example.test", uniqueID: "order-1", to: integration)])
        let again = try await ground.accept(merchant, items(), key: "k", requestID: "second")
        #expect(again == first)
        guard case .accepted("first", let deliveries) = again else {
            Issue.record("the first request's id is missing: \(again)")
            return
        }
        #expect(deliveries.map(\.isDuplicate) == [false, false, false])
        #expect(try await ground.queued(merchant) == 3)
    }

    @Test func aRecordedDuplicateStaysOne() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let event = ground.event("ada@example.test", uniqueID: "order-1", to: integration)
        let first = try accepted(await ground.accept(merchant, [event]))
        let keyed = try await ground.accept(merchant, [event], key: "k")
        let again = try await ground.accept(merchant, [event], key: "k")
        #expect(again == keyed)
        #expect(try accepted(again).map(\.isDuplicate) == [true])
        #expect(try accepted(again).map(\.id) == first.map(\.id))
    }

    @Test func anotherRequestUnderTheSameKeyWritesNothing() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        _ = try await ground.accept(merchant, [ground.event("ada@example.test", to: integration)], key: "k", canonical: "one")
        let rows = try await ground.count("FROM crm.accept_keys")
        let answer = try await ground.accept(
            merchant, [ground.event("bob@example.test", uniqueID: "new", to: integration)], key: "k", canonical: "two")
        #expect(answer == .idempotencyMismatch)
        #expect(try await ground.queued(merchant) == 1)
        #expect(try await ground.count("FROM crm.accept_keys") == rows)
        #expect(try await ground.count("FROM crm.accept_answers") == 1)
    }

    @Test func anotherMerchantsKeyIsAnotherKey() async throws {
        let ground = try await DeliveryGround.prepare()
        let (one, first) = try await ground.connect()
        let (two, second) = try await ground.connect()
        _ = try await ground.accept(one, [ground.event("a@example.test", to: first)], key: "k", canonical: "one")
        let answer = try await ground.accept(two, [ground.event("a@example.test", to: second)], key: "k", canonical: "two")
        #expect(try accepted(answer).count == 1)
    }

    @Test(arguments: [true, false])
    func fiftyAtOnceAreOne(_ byRequestKey: Bool) async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let answers = try await withThrowingTaskGroup(of: AcceptAnswer.self) { group in
            for number in 0..<50 {
                group.addTask {
                    try await ground.accept(
                        merchant,
                        [
                            ground.contact("ada@example.test", to: integration, isPrincipal: false),
                            ground.event("ada@example.test", uniqueID: byRequestKey ? nil : "order-1", to: integration),
                        ], key: byRequestKey ? "k" : nil, requestID: "request-\(number)")
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 50)
        #expect(try await ground.queued(merchant) == 2)
        if byRequestKey {
            #expect(Set(answers).count == 1)
        } else {
            let deliveries = try answers.flatMap { try accepted($0) }
            #expect(Set(deliveries.map(\.id)).count == 1)
            #expect(deliveries.count { !$0.isDuplicate } == 1)
        }
    }

    @Test func twoBatchesOfTheSameEventsInOppositeOrderDoNotBlockEachOther() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let items = (0..<200).map { ground.event("c\($0)@example.test", uniqueID: "o\($0)", to: integration, index: $0) }
        let answers = try await withThrowingTaskGroup(of: AcceptAnswer.self) { group in
            for number in 0..<8 {
                group.addTask { try await ground.accept(merchant, number % 2 == 0 ? items : items.reversed()) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(try answers.flatMap { try accepted($0) }.count { !$0.isDuplicate } == 200)
        #expect(try await ground.queued(merchant) == 200)
    }

    @Test func aStrangerSeesNothing() async throws {
        let ground = try await DeliveryGround.prepare()
        let (merchant, integration) = try await ground.connect()
        let (stranger, _) = try await ground.connect()
        let id = try #require(try accepted(await ground.accept(merchant, [ground.event("a@example.test", to: integration)])).first).id
        #expect(try await ground.deliveries.delivery(merchant, id) != nil)
        #expect(try await ground.deliveries.delivery(stranger, id) == nil)
        let rows = try await ground.app.run("SELECT count(*) AS count FROM crm.deliveries", as: stranger)
        #expect(try rows.first?.int("count") == 0)
    }
}
