"""見本市の番号: the invented constants of the sample municipality (files.md 3.7).

They are those of ``web/profiles/99999.toml``; a test holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

MUNICIPALITY_CODE = "99999"
COLLECTING_BODY_CODE = "99999"
KONBINI_COMPANY_CODE = "912345"
KONBINI_CLIENT_CODE = "00001"
DEBIT_CONSIGNOR_CODE = "1234567890"
DEBIT_PREFIX = "2026"

DSK = "konbini_dsk"
MUF = "konbini_muf120"
MIZUHO = "konbini_mizuho120"
ELTAX = "eltax"
DEBIT = "debit"
KONBINI_AGENTS = (DSK, MUF, MIZUHO)

MUF_COMPANY_CODE = "12345"


class Payer(NamedTuple):
    """振込元: what the statement says about a payer."""

    code: str
    name: str


PAYERS = {
    DSK: Payer("9000000001", "ﾐﾎﾝｼﾕｳﾉｳA"),
    MUF: Payer("9000000002", "ﾐﾎﾝｼﾕｳﾉｳB"),
    MIZUHO: Payer("9000000003", "ﾐﾎﾝｼﾕｳﾉｳC"),
    ELTAX: Payer("9000000009", "ﾐﾎﾝｷﾖｳﾄﾞｳｷｺｳ"),
    DEBIT: Payer("9000000005", "ﾐﾎﾝﾌﾘｶｴ"),
}


class BankAccount(NamedTuple):
    """指定口座 of the sample municipality."""

    bank_code: str = "9999"
    bank_name: str = "ﾃｽﾄ"
    branch_code: str = "999"
    branch_name: str = "ﾎﾝﾃﾝ"
    account_type: str = "1"
    account_no: str = "1234567"
    holder: str = "ﾐﾎﾝｼ"


ACCOUNT = BankAccount()


class Levy(NamedTuple):
    """科目の例: how a levy of the sample city is charged."""

    item_code: str
    share: float  # of the ordinary obligors who owe it
    due_dates: tuple[tuple[int, int], ...]  # statutory (month, day) per 期別
    total_yen: tuple[int, int]  # yearly amount, from … to
    konbini: bool = True
    whole_year: float = 0.0  # share of its notices that also carry a 全期 slip


VEHICLE_ITEM = "903"  # 軽自動車税: its notices stand in the vehicle register
LEVIES = (
    Levy("901", 0.40, ((6, 30), (8, 31), (10, 31), (1, 31)), (18_000, 480_000), whole_year=0.9),
    Levy("902", 0.22, ((4, 30), (7, 31), (12, 25), (2, 28)), (12_000, 1_900_000), whole_year=0.9),
    Levy("903", 0.40, ((5, 31),), (2_000, 12_900)),
    Levy(
        "904",
        0.07,
        ((7, 31), (8, 31), (9, 30), (10, 31), (11, 30), (12, 25), (1, 31), (2, 28)),
        (24_000, 520_000),
    ),
    Levy("951", 0.08, ((7, 31), (9, 30), (11, 30), (1, 31)), (24_000, 150_000)),
    Levy("952", 0.04, ((7, 31), (9, 30), (11, 30), (1, 31)), (12_000, 320_000)),
    Levy("953", 0.04, ((4, 30),), (1_200, 90_000), konbini=False),
    Levy("999", 0.04, ((6, 30),), (1_000, 60_000)),
)
LEVY = {levy.item_code: levy for levy in LEVIES}


class Shop(NamedTuple):
    """収納店: code and name as the agent's files name it; apps have no shop code."""

    code: str
    name: str
    is_app: bool = False


SHOPS = {
    DSK: (
        Shop("010", "セブン-イレブン"),
        Shop("020", "ローソン"),
        Shop("030", "ファミリーマート"),
        Shop("050", "ヤマザキ"),
        Shop("080", "ミニストップ"),
        Shop("760", "セイコーマート"),
        Shop("780", "au PAY", is_app=True),
        Shop("820", "PayPay", is_app=True),
    ),
    MUF: (Shop("0010", ""), Shop("0020", ""), Shop("0030", ""), Shop("0180", "", is_app=True)),
    MIZUHO: (Shop("000010", ""), Shop("000020", ""), Shop("000030", "")),
}
POSTAL = Shop("911", "郵便振替 窓口")
SHOP_NAMES = {shop.code: shop.name for shop in (*SHOPS[DSK], POSTAL)}

# (channel, operator_code, operator_name) of the neutral payment file.
OPERATORS = (
    ("app", "0820", "テスト決済"),
    ("app", "0780", "見本ペイ"),
    ("credit", "0900", "見本カード"),
    ("counter", "9999", "テスト銀行"),
    ("internet_banking", "9999", "テスト銀行"),
    ("payeasy", "9998", "見本信用金庫"),
)
OPERATOR_NAMES = {operator: name for _, operator, name in OPERATORS}
ADVISED_FEE_YEN = {"app": 11, "credit": 22}
