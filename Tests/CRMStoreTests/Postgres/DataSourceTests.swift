import CRMStore
import Testing

@Suite struct DataSourceTests {
    @Test(arguments: [
        "postgresql://crm:pw@db.example:5433/shop?search_path=crm",
        "postgresql://crm:pw@db.example:5433/shop?search_path=crm&sslmode=require",
        "postgres://crm:pw@db.example:5433/shop?sslmode=require&search_path=crm", "postgresql://crm:pw@db.example:5433/shop",
        "host=db.example port=5433 user=crm password=pw dbname=shop search_path=crm",
        "search_path = 'crm, public' host=db.example port=5433 user=crm password=pw dbname=shop",
    ])
    func aSearchPathIsTakenOutAndTheRestKept(dsn: String) throws {
        let source = try DataSource(dsn)
        #expect(source.user == "crm")
        #expect(source.database == "shop")
        #expect(source.keywords.contains("host='db.example'"))
        #expect(source.keywords.contains("password='pw'"))
        #expect(source.keywords.contains("port='5433'"))
        #expect(source.keywords.contains("sslmode='require'") == dsn.contains("sslmode"))
        #expect(!source.keywords.contains("search_path"))
    }

    @Test func severalHostsAndOtherParametersPass() throws {
        let source = try DataSource("postgresql://crm@a:1,b:2/shop?target_session_attrs=any&connect_timeout=9")
        #expect(source.keywords.contains("host='a,b'"))
        #expect(source.keywords.contains("port='1,2'"))
        #expect(source.keywords.contains("connect_timeout='9'"))
    }

    @Test func keywordsReadBackAsThemselves() throws {
        let source = try DataSource(#"host=a password='it\'s \\ here' user=crm"#)
        #expect(source.keywords.contains(#"password='it\'s \\ here'"#))
        #expect(try DataSource(source.keywords).keywords == source.keywords)
    }

    @Test(arguments: ["postgresql://u:hunter2@h/d?no_such=1", "host=h password=hunter2 no_such=1", "host=h password='hunter2", "hunter2"])
    func whatCannotBeReadIsRefusedWithoutQuotingIt(dsn: String) {
        let error = #expect(throws: DataSource.Unreadable.self) { _ = try DataSource(dsn) }
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func printingShowsNoPassword() throws {
        let source = try DataSource("postgresql://crm:hunter2@h/shop")
        var dumped = ""
        dump(source, to: &dumped)
        for text in ["\(source)", String(reflecting: source), dumped] { #expect(!text.contains("hunter2")) }
    }

    @Test(arguments: [
        ("postgresql://u@127.0.0.1/d", true), ("postgresql://u@localhost/d", true), ("host=/var/run/postgresql user=u", true),
        ("postgresql://u@db.example/d", false), ("postgresql://u@db.example/d?sslmode=require", false),
        ("postgresql://u@db.example/d?sslmode=verify-full", true), ("postgresql://u@127.0.0.1,db.example/d", false),
    ])
    func tellsWhetherTheWayIsSafe(dsn: String, isSafe: Bool) throws {
        #expect(try DataSource(dsn).isLocalOrVerified == isSafe)
    }
}
