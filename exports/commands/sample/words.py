"""Words for sample clients. Phone numbers are from ranges that Ofcom keeps for drama, e-mails from reserved domains."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Aisha Alfie Amelia Aneurin Arjun Beatrice Bronwen Callum Catrin Chloë Daniel Dafydd Eilidh Eleanor Ewan Fatima "
    "Freya George Grace Hamish Harriet Hassan Imogen Isaac Isla Jack James Jasmine José Kwame Layla Leo Lily Lucía "
    "Mairi Małgorzata Mohammed Niamh Noah Nóra Olivia Oluwaseun Oscar Poppy Priya René Rhys Rosie Ruaridh Sadia Seán "
    "Siân Siobhán Sophie Søren Tariq Thomas Tomáš Uma Victoria William Xin Yusuf Zoë Łukasz يوسف עדי Ελένη"
)
LAST_NAMES = _words(
    "Adeyemi Ahmed Anderson Bailey Begum Brontë Campbell Chaudhry Clarke Cohen Cooper Davies D’Souza Doherty Edwards "
    "Evans Fitzgerald Fraser García Green Griffiths Gupta Hall Harris Hughes Hussain Iqbal Jackson Jenkins Johnson "
    "Kaur Kelly Khan King Kowalski Lewis Lloyd MacDonald McLeod Mbeki Mitchell Moore Morgan Müller Murphy Nguyen "
    "Nowak O'Brien O'Connor O'Neill Okafor Osborne Parker Patel Phillips Powell Price Quinn Rees Reid Roberts Robinson "
    "Rodríguez Ross Ryan Schäfer Scott Shah Sharma Singh Smith Stewart Sullivan Taylor Thomas Thompson Turner Walker "
    "Walsh Ward Watson White Williams Wilson Wójcik Wright Yılmaz Young Zhang Smith-Jones Fforde-Evans"
)
MIDDLE_NAMES = ("Ann", "Rose", "James", "Louise", "John", "Mary", "Owain", "Marie", "Ali", "Édouard", "Jane", "Lee")
TITLES = ("Mr", "Mrs", "Ms", "Miss", "Dr", "Mx", "Prof.", "Sir", "Rev’d")
NATIONALITIES = (
    "British",
    "British",
    "British",
    "British",
    "Irish",
    "Polish",
    "Indian",
    "Nigerian",
    "Italian",
    "French",
)
MARITAL_STATUSES = ("Single", "Married", "Married", "Civil partnership", "Divorced", "Widowed", "Separated")
RELATIONSHIPS = (
    "Director",
    "Shareholder",
    "Company secretary",
    "Person with significant control",
    "Spouse",
    "Trustee",
    "Partner",
    "Bookkeeper",
    "Designated member",
    "Settlor",
)

PLACES = _words(
    "Ashdown Beacon Birchwood Blackthorn Bridgewater Calder Castleton Clearwater Copperfield Cotswold Crossways Dales "
    "Eastgate Elmfield Fairway Fernhill Foxglove Glenview Greenacre Hallam Harbourside Hawthorn Hazelwood Heron "
    "Highfield Ironbridge Kestrel Kingfisher Lakeside Larkspur Limestone Maplewood Marlowe Meadow Merlin Millbrook "
    "Moorland Northgate Oakley Orchard Pennine Pinewood Primrose Quayside Redwood Ridgeway Riverside Rosewood Rowan "
    "Sandford Severn Silverdale Southbank Stonebridge Sycamore Tamar Thistle Thornbury Trent Valley Wharfside "
    "Willowbank Windmill Yarrow"
)
TRADES = (
    "Accountancy",
    "Bakery",
    "Bathrooms & Kitchens",
    "Brewing",
    "Building Services",
    "Café",
    "Care Homes",
    "Catering",
    "Cycles",
    "Dental Practice",
    "Design",
    "Electrical",
    "Engineering",
    "Estates",
    "Farm Produce",
    "Fitness",
    "Flooring",
    "Garage",
    "Haulage",
    "Heating & Plumbing",
    "Homes",
    "Hotels",
    "Interiors",
    "Joinery",
    "Landscapes",
    "Logistics",
    "Media",
    "Optics",
    "Pharmacy",
    "Photography",
    "Printing",
    "Property",
    "Recruitment",
    "Roofing",
    "Security",
    "Software",
    "Solar",
    "Textiles",
    "Training",
    "Travel",
    "Veterinary",
    "Wholesale",
)
NATURES = (
    "62020 - Information technology consultancy activities",
    "47110 - Retail sale in non-specialised stores with food, beverages or tobacco predominating",
    "43220 - Plumbing, heat and air-conditioning installation",
    "56102 - Unlicensed restaurants and cafés",
    "68209 - Other letting and operating of own or leased real estate",
    "41202 - Construction of domestic buildings",
    "86230 - Dental practice activities",
    "01500 - Mixed farming",
    "49410 - Freight transport by road",
    "96020 - Hairdressing and other beauty treatment",
)
VAT_SCHEMES = ("Standard", "Standard", "Flat Rate", "Cash Accounting", "Annual Accounting", "Margin")
VAT_PERIODS = (
    "Monthly",
    "Quarterly: Jan, Apr, Jul, Oct",
    "Quarterly: Feb, May, Aug, Nov",
    "Quarterly: Mar, Jun, Sep, Dec",
    "Annually",
)
SERVICES = ("ACC", "AUDIT", "BOOK", "CGT", "CIS", "COSEC", "CT", "MTD", "PAYE", "PENSION", "SA", "TAX", "TRUST", "VAT")

STREETS = (
    "High Street",
    "Station Road",
    "Church Lane",
    "Victoria Road",
    "Mill Lane",
    "Queen’s Parade",
    "St. John's Street",
    "Park Avenue",
    "London Road",
    "The Green",
    "Market Place",
    "Heol y Bont",
)
BUILDINGS = (
    "Unit 4",
    "Suite 12",
    "First Floor",
    "The Old Mill",
    "Flat 2B",
    "c/o Smith & Co",
    'The "Granary"',
    "Tŷ Gwyn",
)
LOCALITIES = ("Riverside Business Park", "Little Compton", "Enterprise Way, Block C", "Canal Wharf", "Pontcanna")
TOWNS = (
    ("London", "EC2A", "England", "20 7946 0"),
    ("London", "W1", "England", "20 7946 0"),
    ("London", "SE10", "England", "20 7946 0"),
    ("Leeds", "LS1", "England", "113 496 0"),
    ("Sheffield", "S11", "England", "114 496 0"),
    ("Nottingham", "NG7", "England", "115 496 0"),
    ("Leicester", "LE2", "England", "116 496 0"),
    ("Bristol", "BS8", "England", "117 496 0"),
    ("Birmingham", "B3", "England", "121 496 0"),
    ("Edinburgh", "EH3", "Scotland", "131 496 0"),
    ("Glasgow", "G12", "Scotland", "141 496 0"),
    ("Liverpool", "L17", "England", "151 496 0"),
    ("Manchester", "M20", "England", "161 496 0"),
    ("Newcastle upon Tyne", "NE2", "England", "191 498 0"),
    ("Belfast", "BT9", "Northern Ireland", "28 9649 6"),
    ("Cardiff", "CF11", "Wales", "29 2018 0"),
    ("Llanfairpwllgwyngyll", "LL61", "Wales", "1632 960"),
    ("Stow-on-the-Wold", "GL54", "England", "1632 960"),
    ("King's Lynn", "PE30", "England", "1632 960"),
    ("Kirkwall", "KW15", "Scotland", "1632 960"),
)
"""Town, outward half of the postcode, country, and the start of a drama phone number, which three digits complete."""
MOBILE_START = "7700 900"
POSTCODE_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"

STAFF = ("Harriet Okafor", "Tom Ellis", "Siân Rees", "Priya Patel", "Ewan Fraser", "Zoë O'Neill", "Mark Lee, FCA")
TEAMS = (("TEAM-A", "Accounts"), ("TEAM-T", "Tax & Trusts"), ("TEAM-P", "Payroll"), ("TEAM-V", "VAT; CIS"))

HOSTILE_NAMES = (
    '=HYPERLINK("http://x")',
    "-5",
    "+44 Couriers",
    "@SUM(1)",
    "=1+1",
    "\tTabbed Ltd",
    'The "Best" Bakery, Ltd',
    "Line\nBreak & Sons",
    "Carriage\r\nReturn Ltd",
    "Semicolon; Comma, Ltd",
    "O’Brien’s ‘Quotes’",
    "0012",
    "1E5",
    "NULL",
    "100% Pure_Water [UK]",
    "Back\\slash Ltd",
    "Café Zoë 🥐",
    "👩‍👩‍👧 Family Trust",
    "شركة النور المحدودة",
    "חברת השלום בע״מ",
    "株式会社サンプル",
    "Ünïcode Ærø Łódź",
    "Trailing space ",
    " ",
)
"""Text that breaks careless code: formulas, quotes, line breaks, wildcard characters, letters of many scripts."""
