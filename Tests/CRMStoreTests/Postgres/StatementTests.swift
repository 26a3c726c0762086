import CRMCore
import CRMStore
import FoundationEssentials
import Testing

@Suite struct StatementTests {
    @Test func interpolatedValuesBecomePlacesInOrder() {
        let merchant = MerchantID(UUID())
        let statement: Statement = "SELECT 1 WHERE a = \(merchant) AND b = ANY(\(["x", nil])) AND c = \(7)"
        #expect(statement.sql == "SELECT 1 WHERE a = $1 AND b = ANY($2) AND c = $3")
        #expect(statement.parameters.count == 3)
    }

    @Test func piecesAreRenumbered() {
        let piece: Statement = "b = \("x") OR c = \(true)"
        let statement: Statement = "SELECT 1 WHERE a = \(1) AND (\(piece)) AND d = \(2)"
        #expect(statement.sql == "SELECT 1 WHERE a = $1 AND (b = $2 OR c = $3) AND d = $4")
        #expect(statement.parameters.count == 4)
    }

    @Test func parametersDoNotPrintTheirValues() {
        let parameter = Parameter(Secret("hunter2-hunter2"))
        var dumped = ""
        dump(parameter, to: &dumped)
        for text in ["\(parameter)", String(reflecting: parameter), dumped] {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("104"))  // the code of "h", as in a dumped byte list
        }
    }
}
