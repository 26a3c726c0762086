import TestSupport

/// Short forms for answers that were received as bytes.
enum HTTPClientAnswers {
    static func statuses(_ received: [UInt8]) -> [Int] { HTTPClient.answers(in: received).map(\.status) }
}
