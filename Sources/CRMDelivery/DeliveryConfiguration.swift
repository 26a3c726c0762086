package import CRMCore

/// How fast, how much and how patiently deliveries are sent.
package struct DeliveryConfiguration: Sendable {
    package var retry = RetryPolicy()
    /// A lane belongs to its owner for this long after the last sign of life.
    package var lease: Duration = .seconds(15)
    package var heartbeat: Duration = .seconds(3)
    /// The longest call to a CRM. None begins that could outlast the lease by less than `leaseMargin`.
    package var callTimeout: Duration = .seconds(8)
    package var leaseMargin: Duration = .seconds(1)
    /// Between two searches for lanes with work. What is accepted in this process is found at once.
    package var scoutPeriod: Duration = .seconds(1)
    package var shortestScoutGap: Duration = .milliseconds(20)
    /// Between two looks at a lane for rows that other processes accepted, and for rows that were committed late.
    package var readPeriod: Duration = .seconds(1)
    package var sweepPeriod: Duration = .seconds(2)
    /// Outcomes are recorded together: after this time, or when there are this many.
    package var settlePeriod: Duration = .milliseconds(100)
    package var settleRows = 100
    package var laneLimit = 128
    package var callsPerLane = 16
    package var callsPerProcess = 256
    package var windowRows = 500
    /// No more is read once the payloads in memory come to this.
    package var windowBytes = 4 << 20
    package var readRows = 200
    /// An empty lane is kept for this long: the next row of a busy merchant finds its sender waiting.
    package var linger: Duration = .seconds(1)
    /// A lane that rests longer than this is given back meanwhile.
    package var longestRestHeld: Duration = .seconds(3)
    /// How long a stop waits for calls in flight.
    package var drain: Duration = .seconds(8)
    package var credentialLife: Duration = .seconds(60)
    /// After a crash, as many deliveries must end well, one at a time, before the lane is trusted again.
    package var cleanRows = 100

    package init() {}
}
