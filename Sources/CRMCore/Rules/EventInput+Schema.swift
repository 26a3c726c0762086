extension EventInput {
    static let checked: Schema = {
        do { return try Schema(schema(contact: ContactInput.schema)) } catch { preconditionFailure("\(error)") }
    }()

    /// Of an event in the body of a request; the contact's schema stands in it whole or by reference.
    package static func schema(contact: JSONValue) -> JSONValue {
        [
            "type": "object",
            "description": "Something that a person did.",
            "properties": [
                "name": ContactInput.text("What happened.", minLength: 1, maxLength: 127, examples: ["Placed Order"]),
                "occurred_at": [
                    "type": "string", "format": "date-time",
                    "description": "When; the time of acceptance where it is left out. Not more than a year ahead.",
                ],
                "unique_id": ContactInput.text(
                    "The same for the same happening, however often it is sent: the first one wins.", minLength: 1, maxLength: 255,
                    examples: ["order-10001"]),
                "value": [
                    "type": "object",
                    "description": "What it was worth. Negative for a refund.",
                    "properties": [
                        "amount": ContactInput.text("Decimal number.", minLength: 1, maxLength: 24, examples: ["129.90"]),
                        "currency": ContactInput.text("Three letters of ISO 4217.", minLength: 3, maxLength: 3, examples: ["EUR"]),
                    ],
                    "required": ["amount", "currency"],
                    "additionalProperties": false,
                ],
                "contact": contact,
                "properties": ContactInput.properties,
            ],
            "required": ["name", "contact"],
            "additionalProperties": false,
        ]
    }

    /// The active codes of ISO 4217, funds and metals included.
    static let currencies = Set(
        """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF \
        CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS \
        INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR \
        MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE \
        SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG \
        XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA YER ZAR ZMW ZWG
        """.split(separator: " ").map(String.init))
}
