//! Names, streets and places of the demonstration's customers.
//!
//! Purpose: documents that look like those of a Dutch and Belgian administration. All companies
//! are made up from parts; e-mail addresses end in `.example`, which nobody can own.
//!
//! Deliberately absent: anybody real.

/// Where a customer lives.
#[derive(Debug)]
pub(super) struct Country {
    /// ISO 3166-1 alpha-2.
    pub(super) code: &'static str,
    /// Place and the digits its postal codes begin with.
    pub(super) places: &'static [(&'static str, &'static str)],
    pub(super) streets: &'static [&'static str],
    /// What companies are: put behind the name.
    pub(super) forms: &'static [&'static str],
    /// Surnames, also the first part of company names.
    pub(super) surnames: &'static [&'static str],
    /// What companies do, the second part of their names.
    pub(super) trades: &'static [&'static str],
}

/// First names of consumers.
pub(super) const FIRST_NAMES: [&str; 24] = [
    "Anna",
    "Bram",
    "Charlotte",
    "Daan",
    "Elise",
    "Fleur",
    "Gijs",
    "Hanna",
    "Ibrahim",
    "Jasmijn",
    "Koen",
    "Lotte",
    "Mehmet",
    "Noor",
    "Olivier",
    "Pien",
    "Quinten",
    "Roos",
    "Sem",
    "Tess",
    "Umut",
    "Vera",
    "Wout",
    "Yara",
];

/// The Netherlands.
pub(super) const NL: Country = Country {
    code: "NL",
    places: &[
        ("Amsterdam", "10"),
        ("Rotterdam", "30"),
        ("Utrecht", "35"),
        ("Den Haag", "25"),
        ("Eindhoven", "56"),
        ("Groningen", "97"),
        ("Zwolle", "80"),
        ("Arnhem", "68"),
        ("Breda", "48"),
        ("Leiden", "23"),
        ("Maastricht", "62"),
        ("Middelburg", "43"),
    ],
    streets: &[
        "Kerkstraat",
        "Dorpsstraat",
        "Stationsweg",
        "Molenweg",
        "Industrieweg",
        "Nieuwstraat",
        "Havenkade",
        "Wilhelminalaan",
        "Prinsengracht",
        "Handelsweg",
    ],
    forms: &["B.V.", "B.V.", "B.V.", "V.O.F.", "N.V."],
    surnames: &[
        "De Vries",
        "Jansen",
        "Van den Berg",
        "Bakker",
        "Visser",
        "Smit",
        "Meijer",
        "De Boer",
        "Mulder",
        "Bos",
        "Vos",
        "Peters",
        "Hendriks",
        "Dekker",
        "Dijkstra",
        "Van Leeuwen",
    ],
    trades: &[
        "Installatietechniek",
        "Administraties",
        "Opleidingen",
        "Zorggroep",
        "Bouwadvies",
        "Logistiek",
        "Media",
        "Drukwerk",
        "Tuincentrum",
        "Accountants",
        "Makelaardij",
        "Fietsen",
    ],
};

/// Belgium.
pub(super) const BE: Country = Country {
    code: "BE",
    places: &[
        ("Antwerpen", "20"),
        ("Gent", "90"),
        ("Brugge", "80"),
        ("Leuven", "30"),
        ("Mechelen", "28"),
        ("Hasselt", "35"),
        ("Kortrijk", "85"),
        ("Brussel", "10"),
    ],
    streets: &[
        "Kerkstraat",
        "Stationsstraat",
        "Grote Markt",
        "Meir",
        "Bondgenotenlaan",
        "Kouter",
        "Leopoldlaan",
        "Veldstraat",
    ],
    forms: &["BV", "BV", "NV", "CV"],
    surnames: &[
        "Peeters", "Janssens", "Maes", "Jacobs", "Mertens", "Willems", "Claes", "Goossens",
        "Wouters", "De Smet", "Dubois", "Lambert",
    ],
    trades: &[
        "Bouw",
        "Verzekeringen",
        "Opleidingscentrum",
        "Drankenhandel",
        "Garage",
        "Consulting",
        "Textiel",
        "Bakkerijen",
        "Architecten",
    ],
};

/// Germany.
pub(super) const DE: Country = Country {
    code: "DE",
    places: &[
        ("Köln", "506"),
        ("Düsseldorf", "402"),
        ("Münster", "481"),
        ("Hamburg", "200"),
        ("Aachen", "520"),
        ("Bremen", "281"),
    ],
    streets: &[
        "Hauptstraße",
        "Bahnhofstraße",
        "Gartenweg",
        "Lindenallee",
        "Am Markt",
        "Hafenstraße",
    ],
    forms: &["GmbH", "GmbH", "GmbH & Co. KG", "AG"],
    surnames: &["Müller", "Schmidt", "Weber", "Becker", "Hoffmann", "Krüger", "Vogel", "Brandt"],
    trades: &["Maschinenbau", "Elektrotechnik", "Verlag", "Schulungen", "Logistik", "Software"],
};

/// The United States.
pub(super) const US: Country = Country {
    code: "US",
    places: &[("Holland, MI", "494"), ("Albany, NY", "122")],
    streets: &["Main Street", "Tulip Lane", "Canal Street"],
    forms: &["Inc.", "LLC"],
    surnames: &["Hudson", "Van Buren", "Parker"],
    trades: &["Learning", "Analytics", "Publishing"],
};
