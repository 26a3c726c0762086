import Glibc

/// Tells the terminal, and whoever started the host, where it listens: one line per listener on standard output.
func announce(_ name: String, _ listener: HostConfiguration.Listener, port: Int) {
    let host = listener.host.contains(":") ? "[\(listener.host)]" : listener.host
    let line = Array("crm-host \(name) http://\(host):\(port)\n".utf8)
    _ = line.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}
