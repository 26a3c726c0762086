import CRMIdentity
import Testing

@Suite("How long keys may be used") struct KeyLifetimeTests {
    @Test(arguments: [
        ("max-age=3600", 3_600), ("public, max-age=19800, must-revalidate, no-transform", 19_800), ("Max-Age=600", 600),
        ("public,max-age=600", 600), ("max-age = 600 ", 600), ("max-age=\"600\"", 600), ("s-maxage=60, max-age=7200", 7_200),
        ("max-age=300", 300), ("max-age=299", 300), ("max-age=0", 300), ("max-age=86400", 86_400), ("max-age=86401", 86_400),
        ("max-age=99999999999999999999999", 86_400),
    ])
    func maximumAge(header: String, seconds: Int) {
        #expect(KeyLifetime.of(cacheControl: header, age: nil) == .seconds(seconds))
    }

    @Test(
        arguments: [
            nil, "", "public", "no-cache", "max-age", "max-age=", "max-age=soon", "max-age=-5", "max-age=1.5", "max-age=600; x",
            "xmax-age=600",
            "max-age=600, max-age=900", "max-age=\"", "max-age=٣٠٠",
        ] as [String?])
    func missingOrGarbled(header: String?) {
        #expect(KeyLifetime.of(cacheControl: header, age: nil) == .seconds(3_600))
    }

    @Test(arguments: [("0", 7_200), ("1200", 6_000), (" 1200 ", 6_000), ("7000", 300), ("999999999999999999999", 300)])
    func ageIsTakenOff(age: String, seconds: Int) {
        #expect(KeyLifetime.of(cacheControl: "max-age=7200", age: age) == .seconds(seconds))
    }

    @Test(arguments: ["", "-1", "old", "1, 2"])
    func garbledAge(age: String) {
        #expect(KeyLifetime.of(cacheControl: "max-age=7200", age: age) == .seconds(3_600))
    }

    @Test func ageIsTakenOffBeforeTheBoundsApply() {
        #expect(KeyLifetime.of(cacheControl: "max-age=100000", age: "50000") == .seconds(50_000))
    }
}
