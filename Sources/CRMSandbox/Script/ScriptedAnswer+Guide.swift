import CRMCore

extension ScriptedAnswer {
    /// What a script's answers may be, for the front page.
    static let guide: JSONValue = [
        ["answer": "real", "means": "As if there were no script; so does a number from 200 to 299."],
        ["answer": 500, "means": "A status from 400 to 599, in the service's own words; 429 without a wait."],
        ["answer": ["status": 429, "retry_after": 3], "means": "With a wait."],
        ["answer": ["code": "REQUEST_LIMIT_EXCEEDED"], "means": "The service's own code of an error; `status` goes with it."],
        [
            "answer": ["status": 403, "headers": ["X-A": "1"], "body": ["a": 1]],
            "means": "This and nothing else; `content_type` goes with it.",
        ],
        ["answer": ["status": 500, "performed": true], "means": "What was asked is done all the same."],
        ["answer": ["page": "html"], "means": "A gateway's page; malformed: JSON that breaks off; empty: nothing."],
        ["answer": ["delay_ms": 800], "means": "Waits first; goes with all others."],
        ["answer": ["drip_ms": 3_000], "means": "The head at once, the body in pieces over that time."],
        ["answer": ["truncate_at": 20], "means": "Promises the whole body, sends so many bytes of it, hangs up."],
        ["answer": ["cut": "before"], "means": "Hangs up and does nothing; after: does it and hangs up."],
        ["answer": ["end_session": "before"], "means": "The account is logged out before the request is looked at, or after it."],
        [
            "answer": ["batch_failures": [1, 3], "batch_error": 503],
            "means": "Items of a bulk request at these places, counted from 0, fail with a status or the service's own code.",
        ],
        ["answer": ["end_session_at_item": 2], "means": "From this item of a bulk request on nobody is logged in."],
    ]
}
