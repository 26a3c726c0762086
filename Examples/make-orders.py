#!/usr/bin/env python3
"""Writes Examples/orders.jsonl: three months of orders of an invented shop, each line the body of one `POST /crm/events`.

The same seed gives the same bytes. A few lines must be rejected; they are listed on standard error, and in Examples/README.md.

    python3 Examples/make-orders.py > Examples/orders.jsonl
"""

import datetime
import json
import random
import sys
import unicodedata

SEED = 20261122
CUSTOMERS = 200
ORDERS = 608
FIRST_DAY = datetime.datetime(2026, 8, 25, tzinfo=datetime.timezone.utc)
DAYS = 88
HOME = "atelier-nord.example.test"

# Per country: locale, currency, decimals, rate against the euro, calling code and digits of a mobile number, towns, streets, names.
COUNTRIES = [
    ("GR", "el-GR", "EUR", 2, 1.0, "+30691", 7, [("Αθήνα", "Αττική", "10563"), ("Θεσσαλονίκη", "", "54622"), ("Πάτρα", "", "26221")],
     ["Ερμού {n}", "Λεωφόρος Αλεξάνδρας {n}", "Τσιμισκή {n}"],
     ["Ελένη", "Γιώργος", "Μαρία", "Νίκος", "Σοφία", "Ιωάννα"], ["Παπαδόπουλος", "Οικονόμου", "Καραγιάννη", "Βασιλείου"]),
    ("PL", "pl-PL", "PLN", 2, 4.3, "+48512", 6, [("Łódź", "łódzkie", "90-001"), ("Kraków", "małopolskie", "31-014"), ("Gdańsk", "", "80-831")],
     ["ul. Piotrkowska {n}", "ul. Świętej Anny {n}", "ul. Długa {n}"],
     ["Żaneta", "Łukasz", "Małgorzata", "Grzegorz", "Zofia", "Paweł"], ["Wiśniewska", "Błaszczykowski", "Dąbrowska", "Źródłowski"]),
    ("JP", "ja-JP", "JPY", 0, 163.0, "+8190", 8, [("京都市", "京都府", "604-8091"), ("札幌市", "北海道", "060-0061"), ("東京", "東京都", "150-0001")],
     ["寺町通{n}番地", "神宮前{n}丁目"], ["さくら", "健太", "美咲", "翔", "陽菜"], ["佐藤", "鈴木", "高橋", "渡辺", "小林"]),
    ("KW", "ar-KW", "KWD", 3, 0.33, "+9655", 7, [("الكويت", "العاصمة", "15300"), ("السالمية", "حولي", "22010")],
     ["شارع الخليج {n}", "شارع سالم المبارك {n}"], ["نورة", "فهد", "مريم", "عبدالله", "شيخة"], ["الصباح", "العنزي", "المطيري", "الكندري"]),
    ("DE", "de-DE", "EUR", 2, 1.0, "+49151", 8, [("Köln", "Nordrhein-Westfalen", "50667"), ("München", "Bayern", "80331")],
     ["Schloßstraße {n}", "Am Mühlbach {n}"], ["Jürgen", "Käthe", "Sönke", "Annegret", "Björn"], ["Müller", "Großmann", "Schröder", "Weiß"]),
    ("FR", "fr-FR", "EUR", 2, 1.0, "+336", 8, [("Orléans", "Centre-Val de Loire", "45000"), ("Nîmes", "Occitanie", "30000")],
     ["{n} rue de l'Évêché", "{n} allée des Chênes"], ["Zoé", "François", "Anaïs", "Benoît", "Hélène"], ["Lefèvre", "D'Aubigné", "Façonnier"]),
    ("GB", "en-GB", "GBP", 2, 0.86, "+447700900", 3, [("Bath", "Somerset", "BA1 1LZ"), ("Leeds", "", "LS1 4DY")],
     ["{n} Milsom Street", "Flat {n}, 8 Park Row"], ["Siân", "Oliver", "Chloe", "Rhys", "Imogen"], ["O'Neill", "Smythe-Jones", "Clark"]),
    ("US", "en-US", "USD", 2, 1.09, "+1202555", 4, [("Boise", "ID", "83702"), ("San José", "CA", "95113")],
     ["{n} Main St", "{n} W Jefferson Blvd, Apt 4"], ["José", "Ashley", "Tyrone", "Mei-Ling", "Noah"], ["Nuñez", "Washington", "Lee", "St. John"]),
    ("SE", "sv-SE", "SEK", 2, 11.4, "+4673", 7, [("Malmö", "Skåne", "211 20"), ("Luleå", "Norrbotten", "972 31")],
     ["Östra Förstadsgatan {n}", "Ågatan {n}"], ["Åsa", "Håkan", "Märta", "Göran"], ["Öberg", "Ångström", "Lindqvist"]),
    ("CH", "fr-CH", "CHF", 2, 0.95, "+4179", 7, [("Neuchâtel", "NE", "2000"), ("Zürich", "ZH", "8001")],
     ["Rue du Môle {n}", "Bahnhofstrasse {n}"], ["Noëlle", "Urs", "Chantal", "Beat"], ["Büttiker", "Dupré", "Zürcher"]),
]
COMPANIES = ["Café Ünïcode 🍰 GmbH", "株式会社みどり", "Μέλι & Θυμάρι ΟΕ", "Studio „Światło” sp. z o.o.", "مكتبة الأمل", "O'Brien & Sons 🪵 Ltd"]
GOODS = [
    ("LAMP-01", "Desk lamp “Nord”", 89.0), ("MUG-07", "Mug, blåbär", 18.5), ("CHAIR-12", "Chair “Weiß”", 149.0), ("RUG-03", "Wool rug 140×200", 219.0),
    ("VASE-21", "花瓶 (vase)", 42.0), ("SOAP-05", "Σαπούνι ελιάς", 7.9), ("TOWEL-09", "Linen towel", 24.0), ("CLOCK-02", "Wall clock – Ø 30 cm", 64.0),
    ("TEA-14", "Thé à la menthe, 100 g", 11.2), ("PEN-33", "Fountain pen “Żuraw”", 58.0),
]


def latin(text):
    """The ASCII letters of a name, for an e-mail address; what has none gives nothing."""
    table = str.maketrans({"Ł": "L", "ł": "l", "ß": "ss", "Ø": "O", "ø": "o"})
    plain = unicodedata.normalize("NFD", text.translate(table))
    return "".join(c for c in plain.lower() if c.isascii() and c.isalnum())


def customer(number, chance):
    country, locale, currency, decimals, rate, calling, digits, towns, streets, given, family = COUNTRIES[number % len(COUNTRIES)]
    first, last = chance.choice(given), chance.choice(family)
    local = ".".join(filter(None, [latin(first), latin(last)])) or "kunde"
    city, region, postal_code = chance.choice(towns)
    contact = {
        "email": f"{local}.{number}@{chance.choice(['mail', 'post', 'inbox'])}.example.test",
        "external_id": f"customer-{number}",
        "first_name": first,
        "last_name": last,
        "locale": locale,
        "address": {
            "line1": chance.choice(streets).format(n=chance.randint(1, 140)), "city": city, "region": region,
            "postal_code": postal_code, "country": country,
        },
        "properties": {"customer_since": f"{chance.randint(2017, 2026)}", "newsletter": chance.random() < 0.4},
    }
    if not region:
        del contact["address"]["region"]
    if chance.random() < 0.68:
        # Numbers of one country differ by the customer's, so no two people share one.
        contact["phone"] = calling + str(10 ** (digits - 1) + number).zfill(digits)[-digits:]
    if number % 33 == 7:
        contact["organization"] = COMPANIES[number // 33 % len(COMPANIES)]
    if number % 67 == 20:
        # Known to the shop by telephone only.
        del contact["email"]
        contact["phone"] = calling + str(10 ** (digits - 1) + number).zfill(digits)[-digits:]
    if number % 41 == 4:
        contact["email"] = contact["email"].title().replace(".Example.Test", ".Example.test")
    return contact, currency, decimals, rate


def money(amount, decimals):
    return f"{amount:.{decimals}f}"


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def orders(chance):
    """Placed and refunded orders, in the order in which they happened."""
    customers = [customer(number, chance) for number in range(1, CUSTOMERS + 1)]
    # Everybody orders once; then a few regulars order often.
    buyers = list(range(CUSTOMERS)) + [int(CUSTOMERS * chance.random() ** 2.2) for _ in range(ORDERS - CUSTOMERS)]
    chance.shuffle(buyers)
    moments = sorted(FIRST_DAY + datetime.timedelta(seconds=chance.randrange(DAYS * 86400)) for _ in buyers)
    happened = []
    for index, (buyer, moment) in enumerate(zip(buyers, moments)):
        contact, currency, decimals, rate = customers[buyer]
        number = 1001 + index
        bought = chance.sample(GOODS, chance.choice([1, 1, 1, 2, 2, 3]))
        items = [(sku, name, round(price * rate, decimals), chance.choice([1, 1, 1, 2, 4])) for sku, name, price in bought]
        total = sum(price * quantity for _, _, price, quantity in items)
        happened.append((moment, {
            "name": "Placed Order",
            "occurred_at": stamp(moment),
            "unique_id": f"order-{number}-placed",
            "value": {"amount": money(total, decimals), "currency": currency},
            "contact": contact,
            "properties": {
                "order_id": str(number),
                "items": [
                    {"sku": sku, "name": name, "quantity": quantity, "price": money(price, decimals)} for sku, name, price, quantity in items
                ],
                "shop": HOME,
                "discount_code": chance.choice([None, None, None, "HERBST26", "歓迎"]),
                "gift": chance.random() < 0.08,
            },
        }))
        if chance.random() < 0.05:
            later = min(moment + datetime.timedelta(days=chance.uniform(1, 12)), FIRST_DAY + datetime.timedelta(days=DAYS))
            happened.append((later, {
                "name": "Refunded Order",
                "occurred_at": stamp(later),
                "unique_id": f"order-{number}-refunded",
                "value": {"amount": "-" + money(total, decimals), "currency": currency},
                "contact": {"email": contact["email"]} if "email" in contact else {"phone": contact["phone"]},
                "properties": {"order_id": str(number), "reason": chance.choice(["damaged", "too late", "changed mind", "zu groß"])},
            }))
    happened.sort(key=lambda entry: entry[0])
    return [event for _, event in happened]


def spoil(event, change):
    event = json.loads(json.dumps(event))
    change(event)
    return event


# What is wrong, and how it comes about: the mistakes that shops really make.
MISTAKES = [
    ("/contact/email is no e-mail address", lambda e: e["contact"].update(email="marta.kowalska(at)mail.example.test")),
    ("/contact has neither email, external_id nor phone", lambda e: e.update(contact={"first_name": "Guest", "last_name": "Checkout"})),
    ("/contact/loyalty_tier is unknown: it belongs under properties", lambda e: e["contact"].update(loyalty_tier="gold")),
    ("/contact/phone has no country code", lambda e: e["contact"].update(phone="06 1234 5678")),
    ("/value/amount is written with a comma", lambda e: e["value"].update(amount="59,90")),
    ("/value/currency is not in ISO 4217", lambda e: e["value"].update(currency="ZZZ")),
    ("/occurred_at is no point in time", lambda e: e.update(occurred_at="2026-10-32T10:00:00Z")),
    ("/occurred_at is years ahead: milliseconds taken for seconds", lambda e: e.update(occurred_at="8753-06-01T09:00:00Z")),
    ("/name is missing", lambda e: e.pop("name")),
    ("/value/amount is a number instead of a string", lambda e: e["value"].update(amount=59.9)),
]


def main():
    chance = random.Random(SEED)
    events = orders(chance)
    placed = [index for index, event in enumerate(events) if event["name"] == "Placed Order"]
    # Each mistake is a further line after an order, under an id of its own; the last first, so that places stay valid.
    spots = [placed[(number + 1) * len(placed) // (len(MISTAKES) + 1)] for number in range(len(MISTAKES))]
    for number in reversed(range(len(MISTAKES))):
        broken = spoil(events[spots[number]], MISTAKES[number][1])
        broken["unique_id"] = f"broken-{number + 1}"
        events.insert(spots[number] + 1, broken)
    for line, event in enumerate(events, start=1):
        print(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
        if event["unique_id"].startswith("broken-"):
            why = MISTAKES[int(event["unique_id"].removeprefix("broken-")) - 1][0]
            print(f"| {line} | {why} |", file=sys.stderr)


main()
