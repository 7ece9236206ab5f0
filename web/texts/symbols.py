"""記号の文言: what is wrong with a symbol that was read from paper, by the code of its finding."""

from __future__ import annotations

SYMBOLS: dict[str, str] = {
    "el_qr": "eL-QR",
    "konbini": "バーコード",
    "ocr": "印字",
}

# A deviation from a layout is called `{layout}_{reason}`.
LAYOUTS: dict[str, str] = {
    "el_qr": "eL-QR",
    "konbini": "バーコード",
    "ocr_upper": "OCR行（上段）",
    "ocr_lower": "OCR行（下段）",
}

REASONS: dict[str, str] = {
    "length": "{found}桁です（正 {expected}桁）。統一QRコードやコンビニ用バーコードではない可能性があります。",
    "digit": "数字でない文字「{found}」があります。納付書の記号ではない可能性があります。",
    "fixed": "{field}が「{found}」です（正 {expected}）。",
    "check_digit": "{field}が合いません（「{found}」、正 {expected}）。",
    "crc": "{field}が合いません（「{found}」、正 {expected}）。",
    "amount": "{field}「{found}」が、もう一か所の金額「{expected}」と異なります。",
    "date": "{field}「{found}」は、ありえない日付です。",
    "value": "{field}「{found}」は、書けない値です（正 {expected}）。",
}

SYMBOL_FINDINGS: dict[str, str] = {
    "symbols_disagree": "{field}が記号によって異なります（「{found}」と「{expected}」）。この納付書は使わないでください。",
    "symbol_unsure": "不鮮明で、読み取った数字を確かめられません。明るい場所で近くから撮り直してください。",
    "el_number_unchecked": "印字されたeL番号には検査数字がなく、ほかの記号でも確かめられません。",
    "konbini_amount_limit": "コンビニで扱える金額を超えています（{found}円、{expected}）。",
}
