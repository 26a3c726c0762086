import ArgumentParser
import CRMCore
import Glibc
import NIOCore

@main
struct SandboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crm-sandbox",
        abstract: "Plays Google's key server and token issuer, Klaviyo, Salesforce, Creatio, and a trivial CRM called echo, on loopback.",
        discussion: #"""
            Nothing leaves this machine and nothing is kept, but for the files that
            --state and --journal name. When it is ready it prints one line with its
            address. A first look:

              crm-sandbox --port 8003
              U=http://127.0.0.1:8003
              curl -s $U/
              curl -s $U/google/token -d '{"email": "ada@shop.test"}'
              curl -s $U/klaviyo/api/accounts -H 'revision: 2026-10-15' \
                -H 'Authorization: Klaviyo-API-Key pk_sandbox_ada@shop.test'
              curl -s $U/script \
                -d '{"crm": "klaviyo", "answers": [{"status": 500}, "real"]}'
              curl -s "$U/journal?since=0"

            A CRM that it does not know comes from a file (--script): its routes, what
            they keep and what they answer, as templates.

              {"crm": "hubspot",
               "key": {"header": "Authorization", "value": "Bearer hs_{account}"},
               "collections": {"contacts": {"kind": "contact"}},
               "routes": [
                {"method": "PUT", "path": "/contacts/{email}",
                 "required": ["/name"],
                 "store": {"collection": "contacts", "action": "upsert",
                           "key": "{path.email}"},
                 "answer": {"body": {"id": "{record.id}"}}},
                {"method": "GET", "path": "/contacts/{email}",
                 "store": {"collection": "contacts", "action": "find",
                           "key": "{path.email}"},
                 "answer": {"body": {"id": "{record.id}", "is": "{record}"}}}]}

            All that such a file may say: crm-sandbox --help-script

            SIGTERM and SIGINT end it.
            """#)

    enum RateLimits: String, ExpressibleByArgument, CaseIterable { case real, off }

    @Option(help: "Port on 127.0.0.1; 0 takes a free one. Without it CRM_SANDBOX_PORT, or 8003.")
    var port: Int?

    @Option(help: "Project of the ID tokens. Without it GCP_PROJECT_ID, or crm-sandbox.")
    var project: String?

    @Option(help: "Directory in which the signing key is kept, so that tokens outlive a restart. Without it every start has a new key.")
    var state: String?

    @Option(help: "File to which the journal is appended, one JSON object a line.")
    var journal: String?

    @Option(help: "Whether the imitations have the limits of the real services (real) or take everything (off).")
    var rateLimits = RateLimits.real

    @Option(
        name: .customLong("script"),
        help: ArgumentHelp(
            "File of a CRM that the sandbox does not know, in JSON: routes, records, answers. May be given several times.",
            valueName: "file"))
    var scripts: [String] = []

    @Flag(name: .customLong("help-script"), help: "Prints what the file of --script may say, and ends.")
    var showsScriptHelp = false

    func run() throws {
        if showsScriptHelp { return print(ScriptedCRM.guide) }
        // Blocked before the first thread starts, so that all of them inherit it and only `sigwait` sees these.
        var endings = sigset_t()
        sigemptyset(&endings)
        sigaddset(&endings, SIGTERM)
        sigaddset(&endings, SIGINT)
        pthread_sigmask(SIG_BLOCK, &endings, nil)
        signal(SIGPIPE, SIG_IGN)

        let server = try start()
        print("crm-sandbox listening on http://127.0.0.1:\(server.port)")
        fflush(nil)
        var received: Int32 = 0
        sigwait(&endings, &received)
        try server.stop()
    }

    private func start() throws -> HTTPServer {
        do {
            let port = try chosenPort()
            let key = try state.map(SigningKey.keptIn)
            let file = try journal.map { path throws(SetupError) in try JournalFile(path: path) }
            let known: [any Imitation] = [
                Google(keptKey: key, project: project ?? Self.environment("GCP_PROJECT_ID") ?? "crm-sandbox"),
                Klaviyo(isLimited: rateLimits != .off), Salesforce(isLimited: rateLimits != .off), Creatio(), Echo(),
            ]
            let scripted = try ScriptedCRM.load(scripts, besides: known.map(\.name))
            let sandbox = Sandbox(
                imitations: known + scripted, journal: Journal(file: file), clock: SandboxClock(system: Self.systemTime))
            return try Self.listen(port, sandbox)
        } catch let error as SetupError {
            throw ValidationError(error.description)
        }
    }

    private func chosenPort() throws(SetupError) -> Int {
        let text = port.map(String.init) ?? Self.environment("CRM_SANDBOX_PORT") ?? "8003"
        guard let number = Int(text), (0...65_535).contains(number) else {
            throw SetupError("The port (--port or CRM_SANDBOX_PORT) is a number from 0 to 65535, not \"\(text)\".")
        }
        return number
    }

    private static func listen(_ port: Int, _ sandbox: sending Sandbox) throws -> HTTPServer {
        do {
            return try HTTPServer.start(port: port, sandbox)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw SetupError("Port \(port) is in use. Choose another with --port or CRM_SANDBOX_PORT; --port 0 takes a free one.")
        } catch let error as IOError where error.errnoCode == EACCES {
            throw SetupError("Port \(port) needs privileges. Choose one above 1023 with --port or CRM_SANDBOX_PORT.")
        }
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private static let systemTime: WallClock = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
